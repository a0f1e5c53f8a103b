import Datasets
import Evaluation
import Privacy
import Runs

/// The tables of an evaluated job: the rows of its release, and the real ones.
struct JobTables {
  /// The rows of the release.
  let synthetic: Releasable<CodedTable>
  /// The rows that the model was trained on.
  let train: Sensitive<CodedTable>
  /// The rows of the hold-out folder; nil without one.
  let test: Sensitive<CodedTable>?
  /// What the report says about the test rows.
  let split: String

  /// What the report says of test rows of a hold-out folder, and without one.
  private static let splits = (
    held: "the dataset's hold-out folder",
    none:
      "none: nothing is predicted and no attack is run, because both need real rows that the model"
      + " has not seen (hold_out)"
  )

  /// The tables of a run on tables alone.
  ///
  /// - Parameter released: the folder of the release.
  init(
    ofTablesIn released: String, frozen snapshot: DatasetSnapshot, holdOut: HoldOut?,
    stop: StopSignal
  ) throws {
    let rows = try CodedRows(
      table: released + "/data.csv", columns: snapshot.columns, hasFormulaMarks: true
    ) { stop.isRaised }
    self.init(
      rows: Releasable(try rows.table(), .postProcessing),
      train: Sensitive(try snapshot.table(at: 0..<snapshot.count)),
      test: try holdOut?.rows(of: snapshot.columns))
  }

  /// The tables of a run on images with a row each.
  ///
  /// - Parameters:
  ///   - images: the paths of the released images below `data`.
  ///   - test: the rows of the held-out images; nil without a hold-out folder.
  init(
    ofImages images: [RelativePath], in released: String, frozen snapshot: DatasetSnapshot,
    test: Sensitive<CodedTable>?
  ) throws {
    let rows = try CodedRows(
      ofImages: images.map { $0.below("data") }, below: released, columns: snapshot.columns)
    self.init(
      rows: Releasable(try rows.table(), .postProcessing),
      train: Sensitive(try snapshot.table(at: 0..<snapshot.count)), test: test)
  }

  private init(
    rows: Releasable<CodedTable>, train: Sensitive<CodedTable>, test: Sensitive<CodedTable>?
  ) {
    synthetic = rows
    self.train = train
    self.test = test
    split = test == nil ? Self.splits.none : Self.splits.held
  }

  /// Compares the tables.
  func findings(seed: UInt64, assumptions: [String]) throws -> TableFindings {
    try TableEvaluation.run(
      synthetic: synthetic, training: train, test: test, seed: seed, assumptions: assumptions)
  }
}

extension RelativePath {
  /// The same path below a folder of this name.
  func below(_ folder: String) -> RelativePath {
    RelativePath(bytes: Array(folder.utf8)).appending(bytes)
  }
}
