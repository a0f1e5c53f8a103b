/// Which steps of a run are charged together, checkpointed and reported.
///
/// It depends on the number of steps and never on the clock: the duration of a step depends on the images
/// that it sampled, so a count or a curve that depended on the clock would reveal something about them.
struct TrainingSchedule: Sendable {
  /// The approximate number of blocks in which a phase is charged; a checkpoint ends each, so a crash costs
  /// at most one.
  static let blockCount = 100
  /// The approximate number of points of a curve.
  static let pointCount = 480

  /// The number of steps that are charged together.
  let blockSize: Int
  /// The number of steps between two points of a curve.
  private let pointInterval: Int

  /// The schedule of a plan of `steps` steps.
  init(steps: Int) {
    blockSize = max(1, steps / Self.blockCount)
    pointInterval = max(1, steps / Self.pointCount)
  }

  /// Whether the curves have a point after `step`; `last` is the last step.
  func hasPoint(after step: Int, last: Int) -> Bool {
    step == 1 || step == last || step % pointInterval == 0
  }
}
