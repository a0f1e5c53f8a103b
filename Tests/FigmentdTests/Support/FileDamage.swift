import Compute
import FoundationEssentials

/// Changes that a disk, an edit by hand or an attacker may make to a file.
struct FileDamage {
  private var stream: SeededStream

  /// Damage that the seed determines.
  init(seed: UInt64) { stream = SeededStream(seed: seed) }

  /// The replacements of a number.
  static let numbers = [
    "-1", "0", "1", "9223372036854775807", "9223372036854775808", "-9223372036854775808",
    "18446744073709551616", "1e999", "-1e999", "NaN", "1e308", "-1e308", "1e-320", "0.5",
    "4294967296",
    "null", "true", "\"7\"", "[]", "{}",
  ]
  /// The replacements of a text.
  static let texts = [
    #""""#, #""../../../pwned""#, #""/etc/passwd""#, #""a\u0000b""#, #""\ud800""#, #""NaN""#, "7",
    "null",
    "[]", "{\"a\": 1}", "\"" + String(repeating: "x", count: 70_000) + "\"",
  ]
  /// JSON as deep as some readers recurse, and deeper.
  static let deep = [100, 600, 20_000].map {
    String(repeating: "[", count: $0) + String(repeating: "]", count: $0)
  }

  private mutating func below(_ limit: Int) -> Int { Int.random(in: 0..<limit, using: &stream) }

  /// Changed content for a file.
  ///
  /// - Parameter others: files that may replace it.
  mutating func changed(_ file: Data, others: [Data]) -> Data {
    var bytes = file
    guard !bytes.isEmpty else { return Data("x".utf8) }
    switch below(12) {
    case 0: return bytes.prefix(below(bytes.count))
    case 1: return below(4) == 0 ? Data() : others[below(others.count)]
    case 2: return bytes + bytes
    case 3, 4:
      for _ in 0...below(3) { bytes[below(bytes.count)] ^= 1 << UInt8(below(8)) }
      return bytes
    case 5:
      for _ in 0...below(3) {
        bytes[below(bytes.count)] = Array("0123456789{}[],:\"-e".utf8)[below(19)]
      }
      return bytes
    case 6: return doubledKey(bytes)
    default:
      for _ in 0...below(2) { bytes = otherToken(bytes) }
      return bytes
    }
  }

  /// JSON with one number or text replaced.
  mutating func otherToken(_ json: Data) -> Data {
    let (numbers, texts) = Self.tokens(of: json)
    guard !numbers.isEmpty || !texts.isEmpty else { return json + [0] }
    var changed = json
    if below(20) == 0, let place = (numbers + texts).randomElement(using: &stream) {
      changed.replaceSubrange(place, with: Self.deep[below(Self.deep.count)].utf8)
    } else if let place = numbers.randomElement(using: &stream), texts.isEmpty || below(3) > 0 {
      changed.replaceSubrange(place, with: Self.numbers[below(Self.numbers.count)].utf8)
    } else if let place = texts.randomElement(using: &stream) {
      changed.replaceSubrange(place, with: Self.texts[below(Self.texts.count)].utf8)
    }
    return changed
  }

  /// JSON whose first object has a key twice.
  private mutating func doubledKey(_ json: Data) -> Data {
    let (_, texts) = Self.tokens(of: json)
    guard let key = texts.randomElement(using: &stream),
      let brace = json.firstIndex(of: UInt8(ascii: "{"))
    else { return json + json }
    let value = Self.numbers[below(Self.numbers.count)]
    var changed = json
    changed.replaceSubrange(
      (brace + 1)..<(brace + 1), with: json[key] + Data(": \(value),".utf8))
    return changed
  }

  /// The positions of numbers and texts in JSON; keys are texts.
  static func tokens(of json: Data) -> (numbers: [Range<Int>], texts: [Range<Int>]) {
    var (numbers, texts): ([Range<Int>], [Range<Int>]) = ([], [])
    let bytes = [UInt8](json)
    var place = 0
    while place < bytes.count {
      let start = place
      if bytes[place] == UInt8(ascii: "\"") {
        place += 1
        while place < bytes.count, bytes[place] != UInt8(ascii: "\"") {
          place += bytes[place] == UInt8(ascii: "\\") ? 2 : 1
        }
        place = min(place + 1, bytes.count)
        texts.append(start..<place)
      } else if Array("-0123456789".utf8).contains(bytes[place]) {
        while place < bytes.count, Array("-+.eE0123456789".utf8).contains(bytes[place]) {
          place += 1
        }
        numbers.append(start..<place)
      } else {
        place += 1
      }
    }
    return (numbers, texts)
  }
}
