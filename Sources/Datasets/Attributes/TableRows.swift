import Glibc

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
  /// - Throws: `TableProblem` if a declared column is absent or there are too many rows;
  ///   `DatasetError.stopped` if `isStopped` says so, which is asked every 4 MiB.
  mutating func read(
    _ source: any ByteSource, format: TableFormat, table: RelativePath,
    isStopped: @escaping () -> Bool = { false }, onProgress: (Int) -> Void = { _ in }
  ) throws {
    summary.tables.append(table)
    let names = rules.columns.map(\.name) + (rules.personColumn.map { [$0] } ?? [])
    let stream = try TableStream(
      source, format: format, columns: names, limit: limits.rowBytes, isStopped: isStopped)
    try stream.requireAllColumns()
    var codes: [UInt8] = []
    while let step = try stream.next() {
      summary.rows += 1
      if stream.hasReadMore() { onProgress(summary.rows) }
      switch step {
      case .fault(let reason, let line):
        summary.add(reason, at: TableSummary.Place(table: table, line: line))
      case .row(let line):
        let place = TableSummary.Place(table: table, line: line)
        if let reason = add(stream.values, &codes, at: place) {
          summary.add(reason, at: place)
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
  private mutating func add(
    _ values: RowValues, _ codes: inout [UInt8], at place: TableSummary.Place
  ) -> RowVerdict? {
    codes.removeAll(keepingCapacity: true)
    for (column, encoder) in encoders.enumerated() {
      let code = encoder.code(of: values.texts[column])
      summary.countOutside(values.texts[column], of: column, coded: code, encoders, at: place)
      guard let code else { return .missingValue }
      codes.append(code)
    }
    guard rules.personColumn != nil else {
      store.append(codes)
      return nil
    }
    guard let person = persons.number(of: values.texts[encoders.count]) else { return .noPerson }
    store.append(codes, person: person)
    return nil
  }

  /// Chooses the rows that count and orders them by their codes, then by their persons, so that the packed file
  /// does not depend on the order in the tables.
  ///
  /// - Throws: `DatasetError.stopped` if `isStopped` says so, which is asked every million comparisons.
  mutating func sort(unless isStopped: () -> Bool = { false }) throws {
    var comparisons = 0
    order = (0..<UInt32(store.count)).map(\.self)
    let (store, hashes) = (store, persons.hashes)
    let width = store.width
    limitPersons()
    try order.sort { left, right in
      comparisons += 1
      if comparisons.isMultiple(of: 1 << 20), isStopped() { throw DatasetError.stopped }
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
