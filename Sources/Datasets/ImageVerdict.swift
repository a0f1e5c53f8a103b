/// The result for one file of a watched folder.
///
/// Every file gets a verdict. A bad file is listed with its reason; it is never fatal and never silently
/// dropped.
public enum ImageVerdict: Hashable, Sendable {
  /// It is part of the dataset.
  case accepted
  /// It is still changing, or has not been unchanged for long enough.
  case waiting
  /// It has the same bytes as another accepted file, and counts once.
  case duplicate(of: RelativePath)
  /// Another class contains the same bytes; neither file is used.
  case contradictoryClass(with: RelativePath)
  /// A file with the same bytes has other attributes in the table; neither file is used.
  case contradictoryAttributes(with: RelativePath)
  /// Its row in the table lacks a value that its column requires.
  case missingAttribute
  /// Its bytes do not decode.
  case unreadable(DecodeFailure)
  /// Another image format, recognised but not read.
  case unsupported(ImageFormat)
  /// Beyond the limits on pixels, sides, bytes or memory.
  case tooLarge(DecodeFailure)
  /// Much smaller than the size to train on.
  case tooSmall
  /// A symbolic link, FIFO, socket or device.
  case notRegularFile
  /// It cannot be opened for lack of permission.
  case forbidden
  /// It is on another file system, mounted below the root.
  case otherFileSystem
  /// Its folder is not in the declared list of classes.
  case unknownClass
  /// It is beside the class folders, not inside one.
  case noClass
  /// It is directly in a class folder although the unit of privacy is a folder per person.
  case noUnit
  /// Its person has more images than the limit allows.
  case beyondUnitLimit
  /// It is skipped for its name.
  case ignored(PassedOverName)
  /// It existed when the folder was listed, but no longer when it was opened.
  case vanished
  /// The system failed to read it.
  case readError

  /// The verdict on bytes that failed to decode.
  ///
  /// `head` is the file, or its known part.
  init(_ failure: DecodeFailure, head: UnsafeRawBufferPointer) {
    switch failure {
    case .tooManyPixels, .sideTooLong, .fileTooLarge, .outOfMemory: self = .tooLarge(failure)
    case .tooSmall: self = .tooSmall
    case .cameraRaw: self = .unsupported(.cameraRaw)
    case .notAnImage:
      if let format = ImageFormat.recognise(head), !format.isDecoded {
        self = .unsupported(format)
      } else {
        self = .unreadable(failure)
      }
    default: self = .unreadable(failure)
    }
  }

  /// A stable word for counting, filtering and JSON.
  public var code: String {
    switch self {
    case .accepted: "accepted"
    case .waiting: "waiting"
    case .duplicate: "duplicate"
    case .contradictoryClass: "contradictoryClass"
    case .contradictoryAttributes: "contradictoryAttributes"
    case .missingAttribute: "missingAttribute"
    case .unreadable: "unreadable"
    case .unsupported: "unsupported"
    case .tooLarge: "tooLarge"
    case .tooSmall: "tooSmall"
    case .notRegularFile: "notRegularFile"
    case .forbidden: "forbidden"
    case .otherFileSystem: "otherFileSystem"
    case .unknownClass: "unknownClass"
    case .noClass: "noClass"
    case .noUnit: "noUnit"
    case .beyondUnitLimit: "beyondUnitLimit"
    case .ignored: "ignored"
    case .vanished: "vanished"
    case .readError: "readError"
    }
  }

  /// Whether the owner of the folder should correct the file.
  public var needsAttention: Bool {
    switch self {
    case .accepted, .waiting, .duplicate, .beyondUnitLimit, .ignored, .vanished: false
    default: true
    }
  }
}

extension ImageVerdict: CustomStringConvertible {
  /// The finding, and what to do.
  public var description: String {
    switch self {
    case .accepted: "accepted."
    case .waiting: "still changing. It is read once it has stopped changing."
    case .duplicate(let other): "the same bytes as \(other); counted once."
    case .contradictoryClass(let other):
      "the same bytes are in another class, \(other); neither file is used. Remove the wrong one."
    case .contradictoryAttributes(let other):
      "the same bytes as \(other), which has another row in the table of attributes; neither is used. "
        + "Correct one row, or remove one file."
    case .missingAttribute:
      "the table of attributes lacks a value of it that is declared as never missing. "
        + "Add the value, or declare that it may be missing."
    case .unreadable(let failure): "unreadable: \(failure)"
    case .unsupported(let format):
      "\(format.rawValue), which is not supported. Convert all such files: \(format.conversion ?? "")"
    case .tooLarge(let failure): "too large: \(failure)"
    case .tooSmall: "too small: \(DecodeFailure.tooSmall)"
    case .notRegularFile:
      "a link, pipe, socket or device; only regular files are read. Put the file itself here."
    case .forbidden: "permission denied. Give the service read permission."
    case .otherFileSystem:
      "on another file system than its root. Declare that folder as a separate root."
    case .unknownClass:
      "its folder is not a declared class. Rename the folder or declare the class."
    case .noClass: "beside the class folders. Move it into the folder of its class."
    case .noUnit:
      "directly in its class folder, but the unit of privacy is a folder per person. "
        + "Move it into that person's folder."
    case .beyondUnitLimit: "more images of this person than the declared limit; not used."
    case .ignored(let reason): "skipped: \(reason)."
    case .vanished: "deleted before it could be read."
    case .readError: "the system could not read it. Check the disk or the network share."
    }
  }
}

extension ImageVerdict: Codable {
  private enum CodingKeys: String, CodingKey {
    case code
    case of
    case failure
    case format
    case name
  }

  /// Writes `code` and, if present, `of`, `failure`, `format` or `name`.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(code, forKey: .code)
    switch self {
    case .duplicate(let other), .contradictoryClass(let other),
      .contradictoryAttributes(let other):
      try container.encode(other, forKey: .of)
    case .unreadable(let failure), .tooLarge(let failure):
      try container.encode(failure, forKey: .failure)
    case .unsupported(let format): try container.encode(format, forKey: .format)
    case .ignored(let reason): try container.encode(reason, forKey: .name)
    default: break
    }
  }

  /// Reads the output of `encode`.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let code = try container.decode(String.self, forKey: .code)
    switch code {
    case "duplicate": self = .duplicate(of: try container.decode(RelativePath.self, forKey: .of))
    case "contradictoryClass":
      self = .contradictoryClass(with: try container.decode(RelativePath.self, forKey: .of))
    case "contradictoryAttributes":
      self = .contradictoryAttributes(with: try container.decode(RelativePath.self, forKey: .of))
    case "unreadable":
      self = .unreadable(try container.decode(DecodeFailure.self, forKey: .failure))
    case "tooLarge": self = .tooLarge(try container.decode(DecodeFailure.self, forKey: .failure))
    case "ignored":
      let reason = try container.decodeIfPresent(PassedOverName.self, forKey: .name)
      self = .ignored(reason ?? .hidden)
    case "unsupported": self = .unsupported(try container.decode(ImageFormat.self, forKey: .format))
    default:
      guard let verdict = Self.withoutDetail.first(where: { $0.code == code }) else {
        throw DecodingError.dataCorruptedError(
          forKey: .code, in: container, debugDescription: "unknown verdict \(code)")
      }
      self = verdict
    }
  }

  /// All values of `code`.
  public static let codes =
    withoutDetail.map(\.code)
    + [
      "duplicate", "contradictoryClass", "contradictoryAttributes", "unreadable", "unsupported",
      "tooLarge",
    ]

  private static let withoutDetail: [ImageVerdict] = [
    .accepted, .waiting, .tooSmall, .notRegularFile, .forbidden, .otherFileSystem, .unknownClass,
    .noClass, .noUnit, .beyondUnitLimit, .vanished, .readError, .missingAttribute,
  ]
}
