import Glibc

/// Shows progress on standard error: a line that redraws itself on a terminal, plain lines elsewhere.
final class ProgressMeter {
  private let isTerminal = isatty(STDERR_FILENO) == 1
  private let start = ContinuousClock().now
  private var stage = ""
  private var tenth = -1
  private var isLineOpen = false

  /// Shows a stage and the share that is done.
  func show(_ stage: String, _ share: Double) {
    let elapsed = (ContinuousClock().now - start).components.seconds
    if isTerminal {
      let filled = max(0, min(30, Int(share * 30)))
      let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: 30 - filled)
      write("\r\u{1B}[K\(bar) \(Int(share * 100)) %  \(stage)  \(elapsed) s")
      isLineOpen = true
    } else if stage != self.stage || Int(share * 10) != tenth {
      write("\(Int(share * 100)) % \(stage), \(elapsed) s\n")
    }
    self.stage = stage
    tenth = Int(share * 10)
  }

  /// Ends the line that redraws itself.
  func finish() {
    if isLineOpen { write("\r\u{1B}[K") }
    isLineOpen = false
  }

  /// Writes a line of its own.
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
