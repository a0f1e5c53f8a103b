/// The apostrophe before a text of CSV that a spreadsheet program would otherwise run as a formula when it opens the
/// file (OWASP, "CSV injection").
///
/// Texts that have such an apostrophe of their own get a second one, so that removing one gives back the text.
enum FormulaMark {
  private static let mark = UInt8(ascii: "'")
  private static let starts = Array("=+-@\t\r".utf8)

  /// Whether a text, after any apostrophes, begins with `=`, `+`, `-`, `@`, a tab or a carriage return.
  static func isNeeded(by text: some Sequence<UInt8>) -> Bool {
    text.first { $0 != mark }.map(starts.contains) ?? false
  }

  /// The text without its mark; nil if it has none.
  static func removed(from text: some Collection<UInt8>) -> [UInt8]? {
    text.first == mark && isNeeded(by: text) ? Array(text.dropFirst()) : nil
  }
}
