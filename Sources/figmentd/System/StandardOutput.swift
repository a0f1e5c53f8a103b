import FoundationEssentials

/// Where commands write what was asked of them.
enum StandardOutput {
  /// Writes a line, or nothing when nobody reads any more.
  static func writeLine(_ text: String) {
    try? DurableFile.writeAll(Data((text + "\n").utf8), to: 1, of: "standard output")
  }
}
