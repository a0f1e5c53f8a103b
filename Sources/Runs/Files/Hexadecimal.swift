import Datasets
import FoundationEssentials

extension ContiguousBytes {
  /// SHA-256 of the bytes, as 64 lower-case hexadecimal digits.
  package var sha256: String { withUnsafeBytes { ContentHash(of: $0).description } }
}

extension Sequence<UInt8> {
  /// The bytes as two lower-case hexadecimal digits each.
  var hexadecimal: String {
    let digits = Array("0123456789abcdef".utf8)
    let text = flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
    return String(decoding: text, as: UTF8.self)
  }
}

extension String {
  /// Random bytes of the kernel as hexadecimal digits, for secrets and for unused names.
  static func randomHexadecimal(byteCount: Int) -> String {
    var source = SystemRandomNumberGenerator()
    return (0..<byteCount).map { _ in UInt8.random(in: .min ... .max, using: &source) }.hexadecimal
  }
}
