import Control
import Glibc

/// Prints progress on standard error: one updated line on a terminal, plain lines elsewhere.
final class ProgressMeter {
  private let isTerminal = isatty(STDERR_FILENO) == 1
  private let start = ContinuousClock().now
  private var stage = ""
  private var tenth = -1
  private var isLineOpen = false

  /// Prints a stage and its completed share.
  func show(_ stage: String, _ share: Double) {
    let seconds = (ContinuousClock().now - start).components.seconds
    let elapsed = Rounded.duration(Double(seconds))
    if isTerminal {
      let facts = "\(Int(share * 100)) %  \(stage)  \(elapsed)"
      let width = max(0, min(30, Terminal.width(of: STDERR_FILENO) - facts.count - 2))
      let filled = max(0, min(width, Int(share * Double(width))))
      let bar =
        String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
      write("\r\u{1B}[K\(bar) \(facts)")
      isLineOpen = true
    } else if stage != self.stage || Int(share * 10) != tenth {
      write("\(Int(share * 100)) % \(stage), \(elapsed)\n")
    }
    self.stage = stage
    tenth = Int(share * 10)
  }

  /// Ends the updated line.
  func finish() {
    if isLineOpen { write("\r\u{1B}[K") }
    isLineOpen = false
  }

  /// Prints a line of its own.
  func say(_ line: String) {
    finish()
    write(line + "\n")
  }

  private func write(_ text: String) {
    // A closed standard error is no reason to stop.
    let bytes = Array(text.utf8)
    _ = bytes.withUnsafeBytes { Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
  }
}
