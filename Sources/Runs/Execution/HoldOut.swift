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
  /// Real images exist in it only for a moment.
  static let pack = "holdout.pack"

  private let folder: SideFolder

  /// Describes a folder; `report` is called with the progress of decoding.
  package init(
    root: String, makeDecoder: @escaping @Sendable () throws -> any ImageDecoder, stop: StopSignal,
    report: @escaping @Sendable (JobReport) -> Void
  ) {
    folder = SideFolder(root: root, makeDecoder: makeDecoder, stop: stop, report: report)
  }

  /// Reads the images in the form of `snapshot`, except those that it contains too; `place` holds a
  /// temporary file meanwhile.
  package func images(
    like snapshot: DatasetSnapshot, classes: [String], in place: String, on machine: Machine
  ) throws -> Sensitive<LabelledImages> {
    let held = try folder.pack(
      under: DatasetRules(classes: classes), like: snapshot, in: place, named: Self.pack,
      on: machine)
    defer { unlink("\(place)/\(Self.pack)") }
    let seen = Set((0..<snapshot.count).map { snapshot.contentHash(of: $0) })
    let unseen = (0..<held.count).filter { !seen.contains(held.contentHash(of: $0)) }
    return Sensitive(held.labelledImages(at: unseen, classNames: classes))
  }
}
