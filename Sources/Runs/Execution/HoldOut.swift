package import Compute
import Control
package import Datasets
package import Evaluation
import Glibc
import Models
package import Privacy

/// A folder of real images that are never trained on, read as a run reads its own images.
///
/// Their use is not charged, so nothing computed from them is released.
package struct HoldOut {
  /// The folder; it is read, never written.
  package let root: String
  /// Makes a decoder for images that may be hostile.
  package let makeDecoder: @Sendable () throws -> any ImageDecoder
  package let stop: StopSignal
  /// Called with the progress of decoding.
  package let report: @Sendable (JobReport) -> Void

  /// Describes a folder; `report` is called with the progress of decoding.
  package init(
    root: String, makeDecoder: @escaping @Sendable () throws -> any ImageDecoder, stop: StopSignal,
    report: @escaping @Sendable (JobReport) -> Void
  ) {
    self.root = root
    self.makeDecoder = makeDecoder
    self.stop = stop
    self.report = report
  }

  /// Reads the images in the form of `snapshot`, except those that it contains too; `folder` holds a
  /// temporary file meanwhile.
  package func images(
    like snapshot: DatasetSnapshot, classes: [String], in folder: String, on machine: Machine
  ) throws -> Sensitive<LabelledImages> {
    var builder = SnapshotBuilder(
      root: root, rules: DatasetRules(classes: classes), transform: snapshot.transform,
      threadCount: machine.threads.threadCount)
    builder.makeDecoder = makeDecoder
    builder.isStopped = { [stop] in stop.isRaised }
    builder.onProgress = { [report] progress in
      report(.progress(JobProgress(phase: .decode, done: progress.finished, total: progress.total)))
    }
    let name = "holdout.pack"
    let held = try builder.build(in: folder, named: name).snapshot
    defer { unlink("\(folder)/\(name)") }
    let seen = Set((0..<snapshot.count).map { snapshot.contentHash(of: $0) })
    let unseen = (0..<held.count).filter { !seen.contains(held.contentHash(of: $0)) }
    return Sensitive(held.labelledImages(at: unseen, classNames: classes))
  }
}
