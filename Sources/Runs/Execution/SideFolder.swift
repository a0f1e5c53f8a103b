import Compute
import Control
import Datasets

/// A folder of images beside a run's own, read in the form of the run's images.
struct SideFolder {
  /// The folder; it is read, never written.
  let root: String
  /// Makes a decoder for images that may be hostile.
  let makeDecoder: @Sendable () throws -> any ImageDecoder
  let stop: StopSignal
  /// Called with the progress of decoding.
  let report: @Sendable (JobReport) -> Void

  /// Packs the images into a file `name` of `folder`.
  ///
  /// - Throws: `DatasetError`.
  func pack(
    under rules: DatasetRules, like snapshot: DatasetSnapshot, in folder: String,
    named name: String, on machine: Machine
  ) throws -> DatasetSnapshot {
    var builder = SnapshotBuilder(
      root: root, rules: rules, transform: snapshot.transform,
      threadCount: machine.threads.threadCount)
    builder.makeDecoder = makeDecoder
    builder.isStopped = { [stop] in stop.isRaised }
    builder.onProgress = { [report] progress in
      report(.progress(JobProgress(phase: .decode, done: progress.finished, total: progress.total)))
    }
    return try builder.build(in: folder, named: name).snapshot
  }
}
