import Control

/// Decides which progress is worth a line of its own where lines stay.
struct PlainProgress {
  private var phase: JobPhase?
  private var shown = -1

  /// Percent between two lines of a phase.
  static let stride = 5

  /// Whether this progress gets a line: a new phase, or five percent more than the last line.
  mutating func deservesLine(_ progress: JobProgress) -> Bool {
    let percent = Int(100 * (progress.fraction ?? 0))
    if progress.phase == phase, percent < shown + Self.stride, percent < 100 || shown == 100 {
      return false
    }
    phase = progress.phase
    shown = percent
    return true
  }
}
