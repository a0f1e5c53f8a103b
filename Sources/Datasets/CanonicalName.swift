// The standard library offers normalisation of text only under this SPI name; FoundationEssentials offers
// none.
@_spi(_Unicode) import Swift

/// Normalises names: an é is one letter, whether stored as one character (Linux, Windows) or as e and an
/// accent (older Macs).
enum CanonicalName {
  /// `text` in Unicode normalisation form C.
  static func text(_ text: String) -> String {
    guard !text.utf8.allSatisfy({ $0 < 0x80 }) else { return text }
    var scalars = String.UnicodeScalarView()
    scalars.append(contentsOf: text._nfc)
    return String(scalars)
  }

  /// A file name in form C; bytes that are not valid text remain unchanged.
  static func bytes(_ name: some Collection<UInt8>) -> [UInt8] {
    guard !name.allSatisfy({ $0 < 0x80 }), let text = String(validating: name, as: UTF8.self) else {
      return Array(name)
    }
    return Array(Self.text(text).utf8)
  }
}
