import Control
import Datasets
import Runs

extension LocalEngine {
  func rows(of dataset: DatasetConfiguration) throws -> RowsReport {
    try Self.translated {
      guard dataset.declaresColumns else {
        throw ControlError.conflict(
          "dataset \(dataset.name): it declares no columns, so no table is read. Declare 'columns' in its configuration."
        )
      }
      let summary = try summary(of: dataset)
      return RowsReport(
        dataset: dataset.name, tables: summary.tables.map(\.description), rows: summary.rows,
        used: summary.used,
        unused: summary.faults.map {
          RowsReport.Unused(reason: $0.reason.rawValue, count: $0.count)
        },
        imagesWithoutRow: summary.filesWithoutRow,
        lines: ["\(summary)", summary.missingText(dataset.rules.columns) ?? ""]
          .flatMap { $0.split(separator: "\n").map(String.init) })
    }
  }

  /// Reads the table beside the images, or the tables of a root without one.
  private func summary(of dataset: DatasetConfiguration) throws -> TableSummary {
    do {
      let builder = TableSnapshotBuilder(root: dataset.root, rules: dataset.rules)
      guard try builder.tables().contains(where: \.isAttributeFile) else {
        return try builder.inspect()
      }
      return try SnapshotBuilder(
        root: dataset.root, rules: dataset.rules, transform: PreviewDrawing.commonForm
      ).inspectAttributes()
    } catch let error as DatasetError {
      // The folder is not as it should be: nothing has failed.
      throw ControlError.conflict("dataset \(dataset.name): \(error.ownersDescription)")
    }
  }
}
