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
  /// The images of the folder, each with its row of the table if the run has columns.
  package struct AttributedImages {
    /// The images.
    package let images: Sensitive<LabelledImages>
    /// The rows of the same images; nil without columns.
    package let rows: Sensitive<CodedTable>?
  }

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
    try read(under: DatasetRules(classes: classes), like: snapshot, in: place, on: machine) {
      Sensitive($0.labelledImages(at: $1, classNames: classes))
    }
  }

  /// The same images with their rows, from the table of the folder; an image that lacks a required value is left
  /// out, as in the training set.
  package func attributedImages(
    like snapshot: DatasetSnapshot, classes: [String], in place: String, on machine: Machine
  ) throws -> AttributedImages {
    let rules = DatasetRules(classes: classes, columns: snapshot.columns)
    return try read(under: rules, like: snapshot, in: place, on: machine) { held, unseen in
      AttributedImages(
        images: Sensitive(held.labelledImages(at: unseen, classNames: classes)),
        rows: held.columns.isEmpty ? nil : Sensitive(try held.table(at: unseen)))
    }
  }

  /// The rows of the tables in the folder.
  ///
  /// A row that equals a training row stays: rows are not compared, and many people have the same values.
  package func rows(of columns: [ColumnDomain]) throws -> Sensitive<CodedTable> {
    Sensitive(
      try CodedRows(tablesIn: folder.root, columns: columns) { folder.stop.isRaised }.table())
  }

  /// Packs the images for a moment, and passes them on with the places of those that `snapshot` lacks.
  private func read<Result>(
    under rules: DatasetRules, like snapshot: DatasetSnapshot, in place: String,
    on machine: Machine, _ body: (_ held: DatasetSnapshot, _ unseen: [Int]) throws -> Result
  ) throws -> Result {
    let held = try folder.pack(
      under: rules, like: snapshot, in: place, named: Self.pack, on: machine)
    defer { unlink("\(place)/\(Self.pack)") }
    let seen = Set((0..<snapshot.count).map { snapshot.contentHash(of: $0) })
    return try body(
      held, (0..<held.count).filter { !seen.contains(held.contentHash(of: $0)) })
  }
}
