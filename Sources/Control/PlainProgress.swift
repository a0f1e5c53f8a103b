/// Decides which progress reports get a line where lines cannot be redrawn.
public struct PlainProgress: Sendable {
  private var stage: String?
  private var shown = -1
  private let stride: Int

  /// Percent between two lines of a stage, for work of hours.
  public static let usualStride = 5

  /// Nothing was shown yet.
  ///
  /// - Parameter stride: percent between two lines of a stage.
  public init(stride: Int = usualStride) { self.stride = stride }

  /// Whether this progress gets a line: a new phase, or a stride more than the last line.
  public mutating func deservesLine(_ progress: JobProgress) -> Bool {
    // Phases of a run's plan are told apart by name: each begins at 0 again.
    let stage = progress.phase.rawValue + (progress.name.map { " (\($0))" } ?? "")
    return deservesLine(stage, share: progress.fraction ?? 0)
  }

  /// Whether this share of a stage gets a line.
  public mutating func deservesLine(_ stage: String, share: Double) -> Bool {
    let percent = Int(100 * share)
    if stage == self.stage, percent < shown + stride, percent < 100 || shown == 100 {
      return false
    }
    self.stage = stage
    shown = percent
    return true
  }
}
