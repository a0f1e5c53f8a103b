// The standard library offers normalisation of text only under this SPI name; FoundationEssentials offers
// none.
@_spi(_Unicode) import Swift

/// Normalises names: an é is one letter, whether stored as one character (Linux, Windows) or as e and an
/// accent (older Macs).
enum CanonicalName {
  /// The most bytes of a text that equals, in form C, one of `length` bytes.
  ///
  /// Form C of a text, and its full decomposition, have at most three times its bytes of UTF-8 (Unicode Standard
  /// Annex 15), and at least a third. Longer texts need no normalisation, which takes more than linear time for
  /// long rows of accents.
  static func longest(equalTo length: Int) -> Int { 9 * length }

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
