/// The result for one file of a watched folder.
///
/// Every file gets one; a bad file is listed with its reason. It is never fatal and never silently
/// dropped.
public enum ImageVerdict: Hashable, Sendable {
  /// It is part of the dataset.
  case accepted
  /// It still changes, or has not been quiet for long enough.
  case waiting
  /// The same bytes as another accepted file; counted once.
  case duplicate(of: RelativePath)
  /// Another class contains the same bytes; neither file is used.
  case contradictoryClass(with: RelativePath)
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
  /// It may not be opened.
  case forbidden
  /// It is on another file system, mounted below the root.
  case otherFileSystem
  /// Its folder is not in the declared list of classes.
  case unknownClass
  /// It is beside the class folders, not inside one.
  case noClass
  /// It is directly in a class folder although the unit of privacy is a folder per person.
  case noUnit
  /// Its person has more images than may be learned from.
  case beyondUnitLimit
  /// Passed over for its name.
  case ignored(PassedOverName)
  /// It existed when the folder was listed, but no longer when it was opened.
  case vanished
  /// The system failed to read it.
  case readError

  /// The verdict on bytes that did not decode.
  ///
  /// `head` is the file, or as much of it as is known.
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

  /// Whether the owner of the folder should correct something.
  public var needsAttention: Bool {
    switch self {
    case .accepted, .waiting, .duplicate, .beyondUnitLimit, .ignored, .vanished: false
    default: true
    }
  }
}

extension ImageVerdict: CustomStringConvertible {
  /// What was found, and what to do.
  public var description: String {
    switch self {
    case .accepted: "accepted."
    case .waiting: "still changing. It is read when it has been quiet for a while."
    case .duplicate(let other): "the same bytes as \(other); counted once."
    case .contradictoryClass(let other):
      "the same bytes lie in another class, \(other); neither is used. Remove the wrong one."
    case .unreadable(let failure): "unreadable: \(failure)"
    case .unsupported(let format):
      "\(format.rawValue), which is not read. Convert all such files: \(format.conversion ?? "")"
    case .tooLarge(let failure): "too large: \(failure)"
    case .tooSmall: "too small: \(DecodeFailure.tooSmall)"
    case .notRegularFile:
      "a link, pipe, socket or device; only regular files are read. Put the file itself here."
    case .forbidden: "may not be opened. Give the service read permission."
    case .otherFileSystem:
      "on another file system than its root. Declare that folder as a root of its own."
    case .unknownClass: "its folder is no declared class. Rename the folder or declare the class."
    case .noClass: "beside the class folders. Move it into the folder of its class."
    case .noUnit:
      "directly in its class folder, but the unit of privacy is a folder per person. "
        + "Move it into that person's folder."
    case .beyondUnitLimit: "more images of this person than the declared limit; not used."
    case .ignored(let reason): "passed over: \(reason)."
    case .vanished: "gone before it could be read."
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

  /// Writes `code` and, where there is one, `of`, `failure`, `format` or `name`.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(code, forKey: .code)
    switch self {
    case .duplicate(let other), .contradictoryClass(let other):
      try container.encode(other, forKey: .of)
    case .unreadable(let failure), .tooLarge(let failure):
      try container.encode(failure, forKey: .failure)
    case .unsupported(let format): try container.encode(format, forKey: .format)
    case .ignored(let reason): try container.encode(reason, forKey: .name)
    default: break
    }
  }

  /// Reads what `encode` writes.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let code = try container.decode(String.self, forKey: .code)
    switch code {
    case "duplicate": self = .duplicate(of: try container.decode(RelativePath.self, forKey: .of))
    case "contradictoryClass":
      self = .contradictoryClass(with: try container.decode(RelativePath.self, forKey: .of))
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

  /// Every word that `code` can be.
  public static let codes =
    withoutDetail.map(\.code)
    + ["duplicate", "contradictoryClass", "unreadable", "unsupported", "tooLarge"]

  private static let withoutDetail: [ImageVerdict] = [
    .accepted, .waiting, .tooSmall, .notRegularFile, .forbidden, .otherFileSystem, .unknownClass,
    .noClass, .noUnit, .beyondUnitLimit, .vanished, .readError,
  ]
}
