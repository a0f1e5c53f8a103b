import Control

/// Selects the progress reports to print where lines cannot be redrawn.
struct PlainProgress {
  private var phase: JobPhase?
  private var shown = -1

  /// The least increase between two lines of a phase, in percent.
  static let stride = 5

  /// Whether to print this progress: a new phase, or five percent more than the last line.
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
