/// A SHA-256 hash.
public struct ContentHash: Hashable, Sendable {
  /// The 32 bytes as four big-endian numbers, so that comparing numbers compares bytes.
  private let words: (UInt64, UInt64, UInt64, UInt64)

  /// The size of a hash in bytes.
  public static let byteCount = 32

  /// The hash of `bytes`.
  public init(of bytes: UnsafeRawBufferPointer) {
    let function = SHA256()
    function.update(bytes)
    self = function.finish()
  }

  /// Creates a hash from its 32 bytes; nil for another count.
  public init?(bytes: UnsafeRawBufferPointer) {
    guard bytes.count == Self.byteCount else { return nil }
    func word(_ index: Int) -> UInt64 {
      UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8 * index, as: UInt64.self))
    }
    words = (word(0), word(1), word(2), word(3))
  }

  /// Writes the 32 bytes.
  func write(to place: UnsafeMutableRawPointer) {
    withUnsafeBytes {
      place.copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(place), byteCount: 32)
    }
  }

  /// Calls `body` with the 32 bytes.
  public func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    let bigEndian = (
      words.0.bigEndian, words.1.bigEndian, words.2.bigEndian, words.3.bigEndian
    )
    return Swift.withUnsafeBytes(of: bigEndian, body)
  }

  /// Equal when all bytes are.
  public static func == (left: ContentHash, right: ContentHash) -> Bool {
    left.words == right.words
  }

  /// Uses a part of the hash as hash value.
  public func hash(into hasher: inout Hasher) { hasher.combine(words.0) }
}

extension ContentHash: Comparable {
  /// Order of the bytes.
  public static func < (left: ContentHash, right: ContentHash) -> Bool {
    left.words < right.words
  }
}

extension ContentHash: CustomStringConvertible {
  /// 64 hexadecimal digits.
  public var description: String {
    let digits: [Character] = Array("0123456789abcdef")
    return withUnsafeBytes { bytes in
      bytes.reduce(into: "") { text, byte in
        text.append(digits[Int(byte >> 4)])
        text.append(digits[Int(byte & 15)])
      }
    }
  }

  /// A hash from 64 hexadecimal digits; nil for anything else.
  public init?(_ text: String) {
    let digits = Array(text.utf8)
    guard digits.count == 2 * Self.byteCount else { return nil }
    var bytes: [UInt8] = []
    for index in stride(from: 0, to: digits.count, by: 2) {
      let pair = String(decoding: digits[index..<(index + 2)], as: UTF8.self)
      guard pair.allSatisfy(\.isHexDigit), let byte = UInt8(pair, radix: 16) else { return nil }
      bytes.append(byte)
    }
    guard let hash = bytes.withUnsafeBytes({ ContentHash(bytes: $0) }) else { return nil }
    self = hash
  }
}

extension ContentHash: Codable {
  /// Reads 64 hexadecimal digits.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    guard let hash = ContentHash(try container.decode(String.self)) else {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "64 hexadecimal digits expected")
    }
    self = hash
  }

  /// Writes 64 hexadecimal digits.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}
