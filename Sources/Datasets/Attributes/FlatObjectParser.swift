/// Parses one line of JSON (RFC 8259) that is an object, without recursion.
///
/// Nested values are skipped: their strings and brackets are checked, the rest is not.
struct FlatObjectParser {
  /// A value of the object.
  enum Value {
    /// A string, the text of a number, `true` or `false`.
    case text([UInt8])
    /// `null`, or a nested value, which has no code.
    case nothing
  }

  private let bytes: UnsafeRawBufferPointer
  private var index = 0

  /// Creates a parser of valid UTF-8.
  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  /// Calls `body` with each key and value in order.
  ///
  /// - Returns: false if the line is not exactly one object; `body` may have been called for a part of it.
  mutating func parse(_ body: (_ key: [UInt8], _ value: Value) -> Void) -> Bool {
    skipSpace()
    guard take(UInt8(ascii: "{")) else { return false }
    skipSpace()
    if take(UInt8(ascii: "}")) { return isAtEnd() }
    while true {
      skipSpace()
      guard let key = string() else { return false }
      skipSpace()
      guard take(UInt8(ascii: ":")) else { return false }
      skipSpace()
      guard let value = value() else { return false }
      body(key, value)
      skipSpace()
      if take(UInt8(ascii: ",")) { continue }
      return take(UInt8(ascii: "}")) && isAtEnd()
    }
  }

  private mutating func isAtEnd() -> Bool {
    skipSpace()
    return index == bytes.count
  }

  private mutating func skipSpace() {
    while index < bytes.count, Self.isSpace(bytes[index]) { index += 1 }
  }

  private static func isSpace(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard index < bytes.count, bytes[index] == byte else { return false }
    index += 1
    return true
  }

  private mutating func value() -> Value? {
    guard index < bytes.count else { return nil }
    switch bytes[index] {
    case UInt8(ascii: "\""): return string().map(Value.text)
    case UInt8(ascii: "{"), UInt8(ascii: "["): return skipNested() ? .nothing : nil
    default: return word()
    }
  }

  /// A number or a literal: everything up to the next comma, brace or space.
  private mutating func word() -> Value? {
    let start = index
    while index < bytes.count {
      let byte = bytes[index]
      if Self.isSpace(byte) || byte == UInt8(ascii: ",") || byte == UInt8(ascii: "}") { break }
      index += 1
    }
    let word = Array(bytes[start..<index])
    if word.elementsEqual("null".utf8) { return .nothing }
    if word.elementsEqual("true".utf8) || word.elementsEqual("false".utf8) { return .text(word) }
    return Self.isNumber(word) ? .text(word) : nil
  }

  /// The grammar of numbers in RFC 8259: no leading zero or plus, a digit on both sides of the point.
  private static func isNumber(_ word: [UInt8]) -> Bool {
    var rest = word[...]
    if rest.first == UInt8(ascii: "-") { rest.removeFirst() }
    let whole = rest.prefix { (0x30...0x39).contains($0) }
    guard !whole.isEmpty, whole.count == 1 || whole.first != 0x30 else { return false }
    rest = rest.dropFirst(whole.count)
    if rest.first == UInt8(ascii: ".") {
      let digits = rest.dropFirst().prefix { (0x30...0x39).contains($0) }
      guard !digits.isEmpty else { return false }
      rest = rest.dropFirst(1 + digits.count)
    }
    guard let letter = rest.first else { return true }
    guard letter | 0x20 == UInt8(ascii: "e") else { return false }
    rest.removeFirst()
    if let sign = rest.first, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") {
      rest.removeFirst()
    }
    return !rest.isEmpty && rest.allSatisfy { (0x30...0x39).contains($0) }
  }

  /// Skips an object or array; brackets must match.
  private mutating func skipNested() -> Bool {
    var open: [UInt8] = []
    while index < bytes.count {
      let byte = bytes[index]
      switch byte {
      case UInt8(ascii: "\""):
        guard string() != nil else { return false }
        continue
      case UInt8(ascii: "{"): open.append(UInt8(ascii: "}"))
      case UInt8(ascii: "["): open.append(UInt8(ascii: "]"))
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        guard open.popLast() == byte else { return false }
      default: break
      }
      index += 1
      if open.isEmpty { return true }
    }
    return false
  }

  // MARK: Strings

  /// The text of a string; nil for an invalid escape, a control character, or a missing end.
  private mutating func string() -> [UInt8]? {
    guard take(UInt8(ascii: "\"")) else { return nil }
    var text: [UInt8] = []
    while index < bytes.count {
      let byte = bytes[index]
      index += 1
      switch byte {
      case UInt8(ascii: "\""): return text
      case 0..<0x20: return nil
      case UInt8(ascii: "\\"):
        guard escape(into: &text) else { return nil }
      default: text.append(byte)
      }
    }
    return nil
  }

  private mutating func escape(into text: inout [UInt8]) -> Bool {
    guard index < bytes.count else { return false }
    let letter = bytes[index]
    index += 1
    switch letter {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(letter)
    case UInt8(ascii: "b"): text.append(0x08)
    case UInt8(ascii: "f"): text.append(0x0C)
    case UInt8(ascii: "n"): text.append(0x0A)
    case UInt8(ascii: "r"): text.append(0x0D)
    case UInt8(ascii: "t"): text.append(0x09)
    case UInt8(ascii: "u"):
      guard let scalar = unicodeEscape() else { return false }
      text.append(contentsOf: Array(String(Character(scalar)).utf8))
    default: return false
    }
    return true
  }

  /// The character after `\u`, which may need a second escape for its other half; nil for half a character.
  private mutating func unicodeEscape() -> Unicode.Scalar? {
    guard let first = fourDigits() else { return nil }
    guard (0xD800..<0xDC00).contains(first) else { return Unicode.Scalar(first) }
    guard take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")), let second = fourDigits(),
      (0xDC00..<0xE000).contains(second)
    else { return nil }
    return Unicode.Scalar(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00))
  }

  private mutating func fourDigits() -> UInt32? {
    guard bytes.count - index >= 4 else { return nil }
    let digits = bytes[index..<(index + 4)]
    let isDigit = { (byte: UInt8) in
      (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte | 0x20)
    }
    guard digits.allSatisfy(isDigit) else { return nil }
    index += 4
    return UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
  }
}
