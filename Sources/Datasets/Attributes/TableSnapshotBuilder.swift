import Glibc

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
  /// Called every 65,536 rows with the number of rows so far.
  public var onProgress: @Sendable (Int) -> Void = { _ in }
  /// Called once with what became of the rows, even if `build` throws later.
  public var onSummary: @Sendable (TableSummary) -> Void = { _ in }
  /// Called every 65,536 rows; true ends the work with `DatasetError.stopped`.
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
      throw refuse("no columns for a root of tables (at least one declared column expected)")
    }
    guard rules.classes == nil || rules.classes == [DatasetRules.singleClass] else {
      throw refuse("classes of rows of a table (none expected; declare the column as categories)")
    }
    switch (rules.privacyUnit, rules.personColumn) {
    case (.folder, nil):
      throw refuse("persons as units without the column that names them (its name expected)")
    case (.file, .some):
      throw refuse(
        "a column of persons, but rows as units (persons as units expected, or no such column)")
    case (_, let person?) where person.isEmpty || rules.columns.contains { $0.name == person }:
      throw refuse(
        "the column of persons is empty or one of the columns to learn (a column of its own expected)"
      )
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
      let tables = try tables(in: directory)
      guard !tables.isEmpty else {
        throw TableProblem(
          finding: "there is no table in the root (files *.csv or *.jsonl expected). Add one")
      }
      for table in tables {
        let file = try TableFile(
          table.bytes, in: directory, rules: rules, limits: limits, isSettled: isSettled)
        guard let format = TableFormat(name: table.bytes) else { continue }
        try rows.read(file, format: format, table: table) { count in
          onProgress(count)
          if isStopped() { throw DatasetError.stopped }
        }
      }
      rows.sort()
      return rows
    } catch let problem as TableProblem {
      throw DatasetError.tableUnusable(root: root, finding: problem.finding)
    }
  }
}

/// The used rows of tables, in memory.
struct TableRows {
  /// What became of the rows.
  private(set) var summary = TableSummary()
  /// The used rows in the order of the packed file.
  private(set) var order: [UInt32] = []
  /// All rows that were encoded.
  let store: RowStore

  private let rules: DatasetRules
  private let limits: TableLimits
  private let encoders: [ColumnEncoder]
  private var persons = PersonNumbers()

  init(rules: DatasetRules, limits: TableLimits = .standard) {
    self.rules = rules
    self.limits = limits
    encoders = rules.columns.map(ColumnEncoder.init)
    store = RowStore(width: rules.columns.count, hasPersons: rules.personColumn != nil)
    summary.missingValues = [Int](repeating: 0, count: rules.columns.count)
  }

  /// Reads one table.
  ///
  /// - Throws: `TableProblem` if a declared column is absent or there are too many rows; what `onProgress` throws.
  mutating func read(
    _ source: any ByteSource, format: TableFormat, table: RelativePath,
    onProgress: (Int) throws -> Void = { _ in }
  ) throws {
    summary.tables.append(table)
    let names = rules.columns.map(\.name) + (rules.personColumn.map { [$0] } ?? [])
    let stream = try TableStream(source, format: format, columns: names, limit: limits.rowBytes)
    if let absent = stream.absent.first {
      throw TableProblem(
        finding:
          "the header of a table has no column '\(names[absent])' (every table must have the "
          + "declared columns). Add it, or put the table elsewhere")
    }
    var codes: [UInt8] = []
    while let step = try stream.next() {
      summary.rows += 1
      if summary.rows & 0xFFFF == 0 { try onProgress(summary.rows) }
      switch step {
      case .fault(let reason, let line):
        summary.add(reason, at: TableSummary.Place(table: table, line: line))
      case .row(let line):
        if let reason = add(stream.values, &codes) {
          summary.add(reason, at: TableSummary.Place(table: table, line: line))
        } else if store.count > limits.rows {
          throw TableProblem(
            finding:
              "the tables have more than \(limits.rows) usable rows (fewer expected). Divide "
              + "the root")
        }
      }
    }
  }

  /// Stores a row, or returns why it is not used.
  private mutating func add(_ values: RowValues, _ codes: inout [UInt8]) -> RowVerdict? {
    codes.removeAll(keepingCapacity: true)
    for (column, encoder) in encoders.enumerated() {
      guard let code = encoder.code(of: values.texts[column]) else { return .missingValue }
      codes.append(code)
    }
    guard rules.personColumn != nil else {
      store.append(codes)
      return nil
    }
    let name = values.texts[encoders.count]
    guard !FieldText.trimmed(name[...]).isEmpty else { return .noPerson }
    store.append(codes, person: persons.number(of: name))
    return nil
  }

  /// Chooses the rows that count and orders them by their codes, then by their persons, so that the packed file
  /// does not depend on the order in the tables.
  mutating func sort() {
    order = (0..<UInt32(store.count)).map(\.self)
    let (store, hashes) = (store, persons.hashes)
    let width = store.width
    limitPersons()
    order.sort { left, right in
      let codes = memcmp(store.codes(of: Int(left)), store.codes(of: Int(right)), width)
      guard codes == 0, !hashes.isEmpty else { return codes < 0 }
      return hashes[Int(store.person(of: Int(left)))] < hashes[Int(store.person(of: Int(right)))]
    }
    summary.used = order.count
    summary.unitCount = units().count
    let missing = rules.columns.map { $0.missingCode ?? -1 }
    for row in order {
      let codes = store.codes(of: Int(row))
      for column in 0..<width where Int(codes[column]) == missing[column] {
        summary.missingValues[column] += 1
      }
    }
    summary.sortFaults()
  }

  /// Keeps the first rows of each person in the order of their content hashes, which no other person's rows
  /// affect, and which prefers no value.
  private mutating func limitPersons() {
    guard rules.personColumn != nil, let limit = rules.maximumPerUnit else { return }
    var counts = [UInt32](repeating: 0, count: persons.hashes.count)
    for row in order { counts[Int(store.person(of: Int(row)))] += 1 }
    var rich: [UInt32: [(hash: ContentHash, row: UInt32)]] = [:]
    for row in order {
      let person = store.person(of: Int(row))
      guard counts[Int(person)] > limit else { continue }
      rich[person, default: []].append((store.hash(of: Int(row)), row))
    }
    var dropped: Set<UInt32> = []
    for own in rich.values {
      let ordered = own.sorted { $0.hash < $1.hash }
      dropped.formUnion(ordered.dropFirst(limit).map(\.row))
    }
    guard !dropped.isEmpty else { return }
    order.removeAll { dropped.contains($0) }
    summary.add(.beyondUnitLimit, count: dropped.count)
  }

  /// The number of the unit of each used row, in their order, and the number of units.
  ///
  /// Persons are numbered in the order of the hashes of their names, rows in the order of the packed file.
  func units() -> (number: (_ place: Int) -> UInt32, count: Int) {
    guard rules.personColumn != nil else { return ({ UInt32($0) }, order.count) }
    var isUsed = [Bool](repeating: false, count: persons.hashes.count)
    for row in order { isUsed[Int(store.person(of: Int(row)))] = true }
    let used = isUsed.indices.filter { isUsed[$0] }
      .sorted { persons.hashes[$0] < persons.hashes[$1] }
    var numbers = [UInt32](repeating: 0, count: isUsed.count)
    for (number, person) in used.enumerated() { numbers[person] = UInt32(number) }
    let (order, store) = (order, store)
    return ({ numbers[Int(store.person(of: Int(order[$0])))] }, used.count)
  }

  /// The hash of the person of a row; nil if rows are units.
  func personHash(of row: UInt32) -> ContentHash? {
    rules.personColumn == nil ? nil : persons.hashes[Int(store.person(of: Int(row)))]
  }
}
