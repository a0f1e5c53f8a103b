import Control
import Datasets
import Evaluation
import Privacy
import Runs

/// The three tables of an evaluation, read into memory with the same declared columns.
struct TableSets {
  let synthetic: Releasable<CodedTable>
  let train: Sensitive<CodedTable>
  let test: Sensitive<CodedTable>

  /// What the figures depend on besides the tables.
  private static let assumptions = [
    "Only the declared columns were read. A value outside its declared domain counts as missing, and numbers are"
      + " compared as bins."
  ]

  /// Reads tables without images; `train` and `test` are folders of tables, or a table each.
  init(
    alone table: String, train: String, test: String, columns: [ColumnDomain],
    say: (String) -> Void
  ) throws {
    func rows(_ path: String, _ name: String) throws -> CodedTable {
      let isFile = path.lowercased().hasSuffix(".csv") || path.lowercased().hasSuffix(".jsonl")
      return try Self.table(
        isFile
          ? CodedRows(table: path, columns: columns) : CodedRows(tablesIn: path, columns: columns),
        name, say)
    }
    synthetic = Releasable(
      try Self.table(
        CodedRows(table: table, columns: columns, hasFormulaMarks: true), "synthetic", say),
      .postProcessing)
    self.train = Sensitive(try rows(train, "training"))
    self.test = Sensitive(try rows(test, "test"))
  }

  /// Reads the tables beside images that were read already.
  init(
    beside images: ImageSets, _ place: SyntheticPlace, train: String, test: String,
    columns: [ColumnDomain], say: (String) -> Void
  ) throws {
    guard case .ofImages(let folder, let below) = place.table else {
      throw ControlError.invalid(
        "--columns: given, and there is no table beside the images of --synthetic (metadata.csv or "
          + "metadata.jsonl in the folder of images or beside it expected). Drop --columns to evaluate the images "
          + "alone.")
    }
    func rows(_ files: [RelativePath], _ folder: String, _ name: String) throws -> CodedTable {
      try Self.table(CodedRows(ofImages: files, below: folder, columns: columns), name, say)
    }
    synthetic = Releasable(
      try rows(
        below.isEmpty ? images.files.synthetic : images.files.synthetic.map { $0.below(below) },
        folder, "synthetic"), .postProcessing)
    self.train = Sensitive(try rows(images.files.train, train, "training"))
    self.test = Sensitive(try rows(images.files.test, test, "test"))
  }

  /// Compares the tables.
  func findings(seed: UInt64) throws -> TableFindings {
    try TableEvaluation.run(
      synthetic: synthetic, training: train, test: test, seed: seed,
      assumptions: Self.assumptions)
  }

  /// The rows as a table; says what became of them, because missing values may be a wrong declaration.
  private static func table(
    _ rows: CodedRows, _ name: String, _ say: (String) -> Void
  ) throws -> CodedTable {
    let missing = rows.summary.missingText(rows.columns).map { "\n\($0)" } ?? ""
    say("\(name) table: \(rows.summary)\(missing)")
    return try rows.table()
  }
}
