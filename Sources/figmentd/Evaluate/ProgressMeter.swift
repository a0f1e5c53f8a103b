import Control
import Glibc

/// Prints progress on standard error: one updated line on a terminal, plain lines elsewhere.
final class ProgressMeter {
  private let start = ContinuousClock().now
  private var plain = PlainProgress(stride: 10)
  private var isLineOpen = false

  /// Prints a stage and its completed share.
  func show(_ stage: String, _ share: Double) {
    let elapsed = Double((ContinuousClock().now - start).components.seconds)
    if StandardError.isTerminal {
      let width = Terminal.width(of: STDERR_FILENO)
      StandardError.write(
        Terminal.emptyLine
          + ProgressLine.bar(stage, share: share, elapsedSeconds: elapsed, width: width))
      isLineOpen = true
    } else if plain.deservesLine(stage, share: share) {
      StandardError.write(
        ProgressLine.plain(stage, share: share, elapsedSeconds: elapsed) + "\n")
    }
  }

  /// Ends the updated line.
  func finish() {
    if isLineOpen { StandardError.write(Terminal.emptyLine) }
    isLineOpen = false
  }

  /// Prints a line of its own.
  func say(_ line: String) {
    finish()
    StandardError.write(line + "\n")
  }
}
