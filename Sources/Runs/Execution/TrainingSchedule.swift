/// Which steps of a run are paid for together, checkpointed and reported.
///
/// It follows the number of steps and never the clock: how long a step takes depends on the images
/// that it drew, so a count or a curve that the clock decides would reveal something about them.
struct TrainingSchedule: Sendable {
  /// A run is paid for in about so many blocks; a checkpoint ends each, so a crash costs at most one.
  static let blockCount = 100
  /// A curve has about so many points.
  static let pointCount = 480

  /// Steps that are paid for together.
  let blockSize: Int
  /// Steps between two points of a curve.
  private let pointInterval: Int

  /// The schedule of a plan of `steps` steps.
  init(steps: Int) {
    blockSize = max(1, steps / Self.blockCount)
    pointInterval = max(1, steps / Self.pointCount)
  }

  /// Whether the curves get a point after `step`, of which `last` is the last.
  func hasPoint(after step: Int, last: Int) -> Bool {
    step == 1 || step == last || step % pointInterval == 0
  }
}
