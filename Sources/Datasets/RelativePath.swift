/// The path of a file relative to its root.
///
/// Names on Linux are arbitrary bytes except `/` and zero, valid UTF-8 or not. Therefore this type stores and
/// compares bytes.
public struct RelativePath: Hashable, Sendable {
  /// The bytes, components separated by `/`, no `/` at either end.
  public let bytes: [UInt8]

  /// A path from its bytes.
  public init(bytes: [UInt8]) { self.bytes = bytes }

  /// A path from text in the form of `description`.
  public init(_ text: String) { bytes = Self.unescape(text) }

  /// The names along the path.
  public var components: [ArraySlice<UInt8>] { bytes.split(separator: Self.separator) }

  /// The path of an entry of this directory.
  public func appending(_ name: some Collection<UInt8>) -> RelativePath {
    guard !bytes.isEmpty else { return RelativePath(bytes: Array(name)) }
    var joined: [UInt8] = []
    joined.reserveCapacity(bytes.count + 1 + name.count)
    joined.append(contentsOf: bytes)
    joined.append(Self.separator)
    joined.append(contentsOf: name)
    return RelativePath(bytes: joined)
  }

  /// Whether this path is below the directory `other` (the root if empty).
  public func isBelow(_ other: RelativePath) -> Bool {
    guard !other.bytes.isEmpty else { return !bytes.isEmpty }
    return bytes.count > other.bytes.count && bytes[other.bytes.count] == Self.separator
      && bytes.starts(with: other.bytes)
  }

  /// The last name, with its range in `bytes`.
  var nameRange: Range<Int> {
    let start = bytes.lastIndex(of: Self.separator).map { $0 + 1 } ?? 0
    return start..<bytes.count
  }

  static let separator = UInt8(ascii: "/")
}

extension RelativePath: Comparable {
  /// Order of the bytes.
  public static func < (left: RelativePath, right: RelativePath) -> Bool {
    left.bytes.lexicographicallyPrecedes(right.bytes)
  }
}

extension RelativePath: CustomStringConvertible {
  /// A readable and reversible form on one line: `\` is doubled; control bytes and bytes that are not
  /// UTF-8 appear as `\xNN`.
  public var description: String { Self.escape(bytes) }

  static func escape(_ bytes: some Collection<UInt8>) -> String {
    let isPlain = bytes.allSatisfy { $0 >= 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "\\") }
    if isPlain { return String(decoding: bytes, as: UTF8.self) }
    var text = ""
    var rest = Array(bytes)[...]
    while let first = rest.first {
      if first < 0x20 || first == 0x7f {
        text += hexadecimal(first)
        rest.removeFirst()
      } else if first == UInt8(ascii: "\\") {
        text += "\\\\"
        rest.removeFirst()
      } else if let (character, length) = scalar(at: rest) {
        text.unicodeScalars.append(character)
        rest.removeFirst(length)
      } else {
        text += hexadecimal(first)
        rest.removeFirst()
      }
    }
    return text
  }

  /// The UTF-8 scalar at the start; nil if there is none or it is a control character.
  private static func scalar(at bytes: ArraySlice<UInt8>) -> (Unicode.Scalar, Int)? {
    var parser = Unicode.UTF8.ForwardParser()
    var iterator = bytes.makeIterator()
    guard case .valid(let encoded) = parser.parseScalar(from: &iterator) else { return nil }
    let scalar = Unicode.UTF8.decode(encoded)
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator: return nil
    default: return (scalar, encoded.count)
    }
  }

  private static func hexadecimal(_ byte: UInt8) -> String {
    (byte < 16 ? "\\x0" : "\\x") + String(byte, radix: 16)
  }

  private static func unescape(_ text: String) -> [UInt8] {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let first = rest.popFirst() {
      guard first == UInt8(ascii: "\\"), let kind = rest.first else {
        bytes.append(first)
        continue
      }
      if kind == UInt8(ascii: "\\") {
        bytes.append(kind)
        rest.removeFirst()
      } else if kind == UInt8(ascii: "x"),
        let value = UInt8(String(decoding: rest.dropFirst().prefix(2), as: UTF8.self), radix: 16)
      {
        bytes.append(value)
        rest.removeFirst(3)
      } else {
        bytes.append(first)
      }
    }
    return bytes
  }
}

extension RelativePath: Codable {
  /// Reads the form of `description`.
  public init(from decoder: any Decoder) throws {
    self.init(try decoder.singleValueContainer().decode(String.self))
  }

  /// Writes the form of `description`.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}
