// The standard library normalises text for comparison and offers the result under this name only;
// FoundationEssentials offers none.
@_spi(_Unicode) import Swift

/// Names as people read them: an é is one letter, whether it was written as one character (Linux,
/// Windows) or as e and an accent (older Macs).
enum CanonicalName {
  /// `text` in Unicode normalisation form C.
  static func text(_ text: String) -> String {
    guard !text.utf8.allSatisfy({ $0 < 0x80 }) else { return text }
    var scalars = String.UnicodeScalarView()
    scalars.append(contentsOf: text._nfc)
    return String(scalars)
  }

  /// A name of the file system in form C; bytes that are no text stay as they are.
  static func bytes(_ name: some Collection<UInt8>) -> [UInt8] {
    guard !name.allSatisfy({ $0 < 0x80 }), let text = String(validating: name, as: UTF8.self) else {
      return Array(name)
    }
    return Array(Self.text(text).utf8)
  }
}
