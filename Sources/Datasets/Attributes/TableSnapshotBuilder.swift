/// The result of reading the tables of a root.
public struct TableSnapshotResult: Sendable {
  /// The packed rows, opened: images without pixels, whose codes are the rows.
  public let snapshot: DatasetSnapshot
  /// What became of all rows.
  public let summary: TableSummary
}

/// Reads the tables of a root that has no images, and packs their rows into one file.
///
/// It reads every `*.csv` and `*.jsonl` directly in the root, in order of their names, and keeps only the declared
/// columns. The unit of privacy is a row, or the person whom `DatasetRules.personColumn` names. Rows are not
/// compared with each other: two equal rows are two units, or two rows of a person, and both count, so that one
/// unit more changes no record of another.
///
/// Memory: for each used row one byte per column, 6 bytes to sort, and with persons 4 bytes more and about
/// 120 bytes per person; beside these 4 MiB to read and 1 MiB to write. Nothing grows with unused rows or with
/// columns that are not declared.
public struct TableSnapshotBuilder: Sendable {
  /// The folder.
  public let root: String
  /// The declarations about it; at least one column.
  public let rules: DatasetRules
  /// Limits on the tables.
  public var limits = TableLimits.standard
  /// Whether a file has been unchanged for long enough; the tables are refused otherwise.
  public var isSettled: @Sendable (RelativePath, FileSignature) -> Bool = { _, _ in true }
  /// Called every 4 MiB with the number of rows so far.
  public var onProgress: @Sendable (Int) -> Void = { _ in }
  /// Called once with what became of the rows, even if `build` throws later.
  public var onSummary: @Sendable (TableSummary) -> Void = { _ in }
  /// Called every 4 MiB; true ends the work with `DatasetError.stopped`.
  public var isStopped: @Sendable () -> Bool = { false }

  /// Creates a builder for one folder.
  public init(root: String, rules: DatasetRules) {
    self.root = root
    self.rules = rules
  }

  /// The names of the tables directly in the root, sorted; names of backups and hidden files are skipped.
  ///
  /// - Throws: `DatasetError` if the root cannot be read.
  public func tables() throws -> [RelativePath] { try tables(in: Directory.root(root)) }

  /// Reads the tables and returns only what became of their rows.
  ///
  /// - Throws: `DatasetError`; `.tableUnusable` if there is no table, or if one of them cannot be read or lacks a
  ///   declared column.
  public func inspect() throws -> TableSummary {
    let summary = try read().summary
    onSummary(summary)
    return summary
  }

  /// Reads the tables and packs their rows into `directory`/`name`, under the conditions of
  /// `SnapshotBuilder.build`.
  ///
  /// - Throws: as `inspect`; `.noRows` if no row can be used.
  public func build(
    in directory: String, named name: String = "images.pack"
  ) throws -> TableSnapshotResult {
    let rows = try read()
    onSummary(rows.summary)
    guard !rows.order.isEmpty else { throw DatasetError.noRows(root: root) }
    let packer = try SnapshotPacker(
      directory: directory, name: name, slotCount: 0, transform: .noPixels)
    try packer.finish(rows, columns: rules.columns, unit: rules.privacyUnit)
    return TableSnapshotResult(
      snapshot: try DatasetSnapshot(opening: packer.path, isChecksumKnown: true),
      summary: rows.summary)
  }

  private func tables(in root: Directory) throws -> [RelativePath] {
    var names: [RelativePath] = []
    try root.forEachEntry { name, kind in
      if kind != .directory, TableFormat(name: name) != nil,
        PassedOverName(name, isFolder: false) == nil
      {
        names.append(RelativePath(bytes: name))
      }
    }
    return names.sorted()
  }

  private func validate() throws {
    try rules.validate()
    func refuse(_ finding: String) -> DatasetError { .invalidDeclaration(finding: finding) }
    guard !rules.columns.isEmpty else {
      throw refuse(
        "no columns for a root of tables (at least one declared column expected: 'columns' in the "
          + "configuration, or --columns)")
    }
    guard rules.classes == nil || rules.classes == [DatasetRules.singleClass] else {
      throw refuse("classes of rows of a table (none expected; declare the column as categories)")
    }
    switch (rules.privacyUnit, rules.personColumn) {
    case (.folder, nil):
      throw refuse(
        "persons as units without the column that names them (--person-column, or person_column in the configuration, "
          + "expected)")
    case (.file, .some):
      throw refuse(
        "a column of persons, but rows as units (persons as units expected, or no such column)")
    case (_, let person?) where rules.columns.contains { $0.name == person }:
      throw refuse(
        "the column of persons is one of the columns to learn (a column of its own expected)")
    default: break
    }
    guard rules.privacyUnit == .folder || rules.maximumPerUnit == nil else {
      throw refuse("a limit of rows per person, but rows as units (no limit expected)")
    }
  }

  private func read() throws -> TableRows {
    try validate()
    let directory = try Directory.root(root)
    do {
      var rows = TableRows(rules: rules, limits: limits)
      var contents: Set<ContentHash> = []
      let tables = try tables(in: directory)
      guard !tables.contains(where: \.isAttributeFile) else {
        throw TableProblem(
          finding:
            "the root has metadata.csv or metadata.jsonl, whose rows belong to images (tables of "
            + "other names expected). Take a recipe that learns images too, or move the table")
      }
      guard !tables.isEmpty else {
        throw TableProblem(
          finding: "there is no table in the root (files *.csv or *.jsonl expected). Add one")
      }
      for table in tables {
        try TableProblem.naming(table) { try read(table, in: directory, to: &rows, &contents) }
      }
      try rows.sort(unless: isStopped)
      return rows
    } catch let problem as TableProblem {
      throw DatasetError.tableUnusable(
        root: root, finding: problem.finding, place: problem.place)
    }
  }

  /// Reads one table; `contents` has the hashes of the earlier tables of several rows.
  private func read(
    _ table: RelativePath, in directory: Directory, to rows: inout TableRows,
    _ contents: inout Set<ContentHash>
  ) throws {
    let file = try TableFile(
      table.bytes, in: directory, rules: rules, limits: limits, isSettled: isSettled)
    guard let format = TableFormat(name: table.bytes) else { return }
    let before = rows.summary.rows
    try rows.read(
      file, format: format, table: table, isStopped: isStopped, onProgress: onProgress)
    // A header alone counts nothing twice, and where each person has a table of one row, some are alike.
    guard rows.summary.rows <= before + 1 || contents.insert(file.finishHash()).inserted else {
      throw TableProblem(
        finding:
          "two tables of several rows have the same bytes, so every row would count twice (each table once "
          + "expected). Remove one of them; if they are the rows of two people, put both into one table"
      )
    }
  }
}
