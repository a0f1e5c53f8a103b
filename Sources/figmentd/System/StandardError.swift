import FoundationEssentials
import Glibc
import Runs

/// The output of messages and progress of commands.
enum StandardError {
  /// Whether lines can be redrawn.
  static let isTerminal = isatty(STDERR_FILENO) == 1

  /// Writes a text; ignores failures, so that neither a full disk nor a closed pipe stops the command.
  static func write(_ text: String) {
    try? DurableFile.writeAll(
      Data(text.utf8), to: STDERR_FILENO, of: "standard error", patience: RoomPatience())
  }
}
