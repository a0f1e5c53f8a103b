import FoundationEssentials
import Glibc
import Runs

/// Where commands write how they get on.
enum StandardError {
  /// Whether lines can be redrawn.
  static let isTerminal = isatty(STDERR_FILENO) == 1

  /// Writes a text, or nothing: neither a full disk nor a reader that left holds anything up.
  static func write(_ text: String) {
    try? DurableFile.writeAll(
      Data(text.utf8), to: STDERR_FILENO, of: "standard error", patience: RoomPatience())
  }
}
