/// The codes of rows of tables, in memory, for evaluations.
///
/// The files are read as a run reads them: a value outside its domain counts as missing, and a row that lacks a
/// required value is left out. Persons are not read, and rows keep the order of their tables.
///
/// Memory: twice one byte per column of each used row.
public struct CodedRows: Sendable {
  /// The declared columns.
  public let columns: [ColumnDomain]
  /// rows × columns: the codes, row by row.
  public let codes: [UInt8]
  /// What became of the rows; private if the rows are.
  public let summary: TableSummary

  /// The number of rows.
  public var count: Int { codes.count / columns.count }

  /// The most bytes of codes of an evaluation.
  static let largestSize = 1 << 30

  /// Reads every `*.csv` and `*.jsonl` directly in a folder, in order of their names.
  ///
  /// - Parameter isStopped: called every 4 MiB; true ends the work with `DatasetError.stopped`.
  /// - Throws: `DatasetError`; `.tableUnusable` if there is no table, or if one of them cannot be read or lacks a
  ///   declared column, `.noRows` if no row can be used.
  public init(
    tablesIn root: String, columns: [ColumnDomain], isStopped: @escaping () -> Bool = { false }
  ) throws {
    let names = try TableSnapshotBuilder(root: root, rules: DatasetRules()).tables()
    try self.init(
      names, in: root, of: root, columns: columns, hasFormulaMarks: false, isStopped: isStopped)
  }

  /// Reads one table, whose name ends with `.csv` or `.jsonl`.
  ///
  /// - Parameter hasFormulaMarks: whether `TableWriter` may have written it, so that a `FormulaMark` is not a part of
  ///   a text or a column's name.
  /// - Throws: as for the tables of a folder.
  public init(
    table path: String, columns: [ColumnDomain], hasFormulaMarks: Bool = false,
    isStopped: @escaping () -> Bool = { false }
  ) throws {
    let bytes = Array(path.utf8)
    let slash = bytes.lastIndex(of: UInt8(ascii: "/"))
    let folder = slash.map { $0 == 0 ? "/" : String(decoding: bytes[..<$0], as: UTF8.self) } ?? "."
    let name = RelativePath(bytes: Array(bytes[(slash.map { $0 + 1 } ?? 0)...]))
    try self.init(
      [name], in: folder, of: path, columns: columns, hasFormulaMarks: hasFormulaMarks,
      isStopped: isStopped)
  }

  /// Reads `metadata.csv` or `metadata.jsonl` directly in a folder, for images whose paths below the folder are
  /// known; the values of an image without a row are missing.
  ///
  /// - Throws: `DatasetError`; `.tableUnusable` if there is none or both, if it cannot be read or lacks a declared
  ///   column, `.noRows` if all images lack a required value.
  public init(
    ofImages files: [RelativePath], below root: String, columns: [ColumnDomain],
    isStopped: @escaping () -> Bool = { false }
  ) throws {
    try Self.check(columns)
    let attributes: ImageAttributes
    do {
      try Self.check(files.count, columns, TableLimits.standard)
      attributes = try ImageAttributes(
        ofFilesIn: files, below: Directory.root(root), rules: DatasetRules(columns: columns),
        limits: .standard, isSettled: { _, _ in true }, isStopped: isStopped)
      try Self.requireAll(columns, attributes.presentColumns, of: attributes.summary)
    } catch let problem as TableProblem {
      throw DatasetError.tableUnusable(
        root: root, finding: problem.finding, place: problem.place)
    }
    self.columns = columns
    codes = files.indices.flatMap { attributes.codes(ofFile: $0) ?? [] }
    summary = attributes.summary
    guard !codes.isEmpty else { throw DatasetError.noRows(root: root) }
  }

  private init(
    _ names: [RelativePath], in folder: String, of place: String, columns: [ColumnDomain],
    hasFormulaMarks: Bool, isStopped: @escaping () -> Bool
  ) throws {
    try Self.check(columns)
    var reading = Reading(columns, hasFormulaMarks)
    do {
      guard !names.isEmpty else {
        throw TableProblem(
          finding: "there is no table in the folder (files *.csv or *.jsonl expected). Add one")
      }
      let directory = try Directory.root(folder)
      for name in names {
        try TableProblem.naming(name) { try reading.read(name, in: directory, isStopped) }
      }
    } catch let problem as TableProblem {
      throw DatasetError.tableUnusable(
        root: place, finding: problem.finding, place: problem.place)
    }
    guard !reading.codes.isEmpty else { throw DatasetError.noRows(root: place) }
    self.columns = columns
    codes = reading.codes
    summary = reading.finished()
  }

  private static func check(_ columns: [ColumnDomain]) throws(DatasetError) {
    guard !columns.isEmpty else {
      throw .invalidDeclaration(finding: "no columns (at least one declared column expected)")
    }
    try ColumnDomain.check(columns)
  }

  fileprivate static func check(
    _ rows: Int, _ columns: [ColumnDomain], _ limits: TableLimits
  ) throws {
    let limit = min(limits.rows, largestSize / columns.count)
    guard rows <= limit else {
      throw TableProblem(
        finding: "there are more than \(limit) usable rows (fewer of so many columns expected, "
          + "because they are kept in memory). Evaluate with a part of them")
    }
  }

  /// Refuses tables that lack a declared column: all its values would count as missing.
  fileprivate static func requireAll(
    _ columns: [ColumnDomain], _ isPresent: [Bool], of summary: TableSummary
  ) throws {
    guard summary.rows > 0, let absent = zip(columns, isPresent).first(where: { !$1 })?.0 else {
      return
    }
    throw TableProblem(
      finding: "no row has a column '\(absent.name)' (every table must have the declared columns). "
        + "Add it, or declare the columns that all tables have")
  }
}

/// Rows while they are read.
private struct Reading {
  private(set) var codes: [UInt8] = []
  private let columns: [ColumnDomain]
  private let encoders: [ColumnEncoder]
  private let hasFormulaMarks: Bool
  /// Whether the table that is being read has marks of formulas.
  private var isMarked = false
  private var summary = TableSummary()

  init(_ columns: [ColumnDomain], _ hasFormulaMarks: Bool) {
    self.columns = columns
    self.hasFormulaMarks = hasFormulaMarks
    encoders = columns.map(ColumnEncoder.init)
    summary.missingValues = [Int](repeating: 0, count: columns.count)
  }

  mutating func read(
    _ name: RelativePath, in directory: Directory, _ isStopped: @escaping () -> Bool
  ) throws {
    guard let format = TableFormat(name: name.bytes) else {
      throw TableProblem(
        finding: "the name of a table does not end with .csv or .jsonl (one of them expected). "
          + "Rename it")
    }
    let file = try TableFile(
      name.bytes, in: directory, rules: DatasetRules(columns: columns), limits: .standard,
      isSettled: { _, _ in true })
    summary.tables.append(name)
    isMarked = hasFormulaMarks && format == .csv
    let stream = try TableStream(
      file, format: format, columns: columns.map(\.name), hasFormulaMarks: isMarked,
      isStopped: isStopped)
    try stream.requireAllColumns()
    var isPresent = [Bool](repeating: false, count: columns.count)
    while let step = try stream.next() {
      summary.rows += 1
      switch step {
      case .fault(let reason, let line):
        summary.add(reason, at: TableSummary.Place(table: name, line: line))
      case .row(let line):
        for (column, own) in stream.values.isPresent.enumerated() where own {
          isPresent[column] = true
        }
        if try !add(stream.values) {
          summary.add(.missingValue, at: TableSummary.Place(table: name, line: line))
        }
      }
    }
    try CodedRows.requireAll(columns, isPresent, of: summary)
  }

  /// Adds a row; false if it lacks a required value.
  private mutating func add(_ values: RowValues) throws -> Bool {
    let start = codes.count
    for (column, encoder) in encoders.enumerated() {
      let code = code(of: values.texts[column], encoder)
      summary.countOutside(values.texts[column], of: column, coded: code, encoders)
      guard let code else {
        codes.removeLast(codes.count - start)
        return false
      }
      codes.append(code)
    }
    for (column, domain) in columns.enumerated()
    where Int(codes[start + column]) == domain.missingCode ?? -1 {
      summary.missingValues[column] += 1
    }
    summary.used += 1
    try CodedRows.check(summary.used, columns, .standard)
    return true
  }

  /// The code of a text; marks are looked for in CSV alone, because lines of JSON have none.
  private func code(of text: [UInt8], _ encoder: ColumnEncoder) -> UInt8? {
    if isMarked, let unmarked = FormulaMark.removed(from: text),
      let code = encoder.value(of: unmarked)
    {
      return code
    }
    return encoder.code(of: text)
  }

  /// What became of the rows.
  func finished() -> TableSummary {
    var summary = summary
    summary.sortFaults()
    return summary
  }
}
