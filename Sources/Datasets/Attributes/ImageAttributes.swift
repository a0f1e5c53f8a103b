/// The table of attributes in the root of a folder of images.
enum AttributeFile {
  /// Its possible names.
  static let names: [[UInt8]] = ["metadata.csv", "metadata.jsonl"].map { Array($0.utf8) }
  /// The column with the path of a file, relative to the root.
  static let fileName = "file_name"
}

extension RelativePath {
  /// Whether it is `metadata.csv` or `metadata.jsonl` in the root, whose rows belong to images.
  public var isAttributeFile: Bool { AttributeFile.names.contains(bytes) }
}

/// The codes of the images of one folder, from its table of attributes.
///
/// Everything about an image depends on its own rows alone, which belong to the unit of its file. So one unit more,
/// with its files and rows, changes the records of that unit only:
/// - A row counts for the file that it names byte for byte; a row of a file that is not there counts for nothing.
/// - If several rows name a file, none of them counts: its values are missing. (If the first one counted, its order
///   in the table would matter, which a sorted table takes from the rows of others; and one added row could replace
///   the codes of a record, which is a removal and an addition at once.)
/// - A file without a row has missing values. A file with a missing value that its column requires is left out.
/// - A malformed row counts for nothing and leaves the other rows as they are (see `RecordReader`).
/// The header and the kind of table are common to all units; a root where they cannot be used is refused.
///
/// It holds for each file of the listing its codes, one byte and an entry of a dictionary, and nothing for rows of
/// other files.
struct ImageAttributes {
  /// What became of the rows.
  private(set) var summary = TableSummary()
  /// Whether any row has each column.
  private(set) var presentColumns: [Bool] = []

  /// What is known of the rows of one file.
  private enum State: UInt8 {
    case noRow
    /// One row, with every required value.
    case usable
    /// One row that lacks a required value.
    case lacking
    case severalRows
  }

  private let columns: [ColumnDomain]
  private let isValueRequired: Bool
  private var states: [State]
  /// The codes, file by file; those of missing values unless the state is `usable`.
  private var codes: [UInt8]

  /// Reads `metadata.csv` or `metadata.jsonl` directly below `root`.
  ///
  /// - Throws: `TableProblem` if there is none, if there are both, or if it cannot be read as a table;
  ///   `DatasetError.stopped`.
  init(
    ofFilesIn files: [RelativePath], below root: Directory, rules: DatasetRules,
    limits: TableLimits,
    isSettled: (RelativePath, FileSignature) -> Bool, isStopped: @escaping () -> Bool
  ) throws {
    let names = AttributeFile.names.filter { root.status(of: $0) != nil }
    guard let name = names.first, names.count == 1, let format = TableFormat(name: name) else {
      throw TableProblem(
        finding: names.isEmpty
          ? "columns are declared, and the root has no table (metadata.csv or metadata.jsonl "
            + "expected). Add one, or declare no columns"
          : Self.bothTables)
    }
    self = try TableProblem.naming(RelativePath(bytes: name)) {
      let file = try TableFile(
        name, in: root, rules: rules, limits: limits, isSettled: isSettled)
      return try Self(
        ofFilesIn: files, columns: rules.columns, from: file, format: format,
        table: RelativePath(bytes: name), limits: limits, isStopped: isStopped)
    }
  }

  /// That a root has a table in both forms.
  static let bothTables =
    "the root has metadata.csv and metadata.jsonl (one of them expected). Remove one"

  /// Reads a table from a stream.
  init(
    ofFilesIn files: [RelativePath], columns: [ColumnDomain], from source: any ByteSource,
    format: TableFormat, table: RelativePath, limits: TableLimits = .standard,
    isStopped: @escaping () -> Bool = { false }
  ) throws {
    self.columns = columns
    isValueRequired = columns.contains { !$0.allowsMissing }
    states = [State](repeating: .noRow, count: files.count)
    let missing = columns.map { UInt8($0.missingCode ?? 0) }
    codes = []
    codes.reserveCapacity(files.count * columns.count)
    for _ in files { codes.append(contentsOf: missing) }
    summary.tables = [table]
    presentColumns = columns.map { _ in false }
    let stream = try TableStream(
      source, format: format, columns: columns.map(\.name) + [AttributeFile.fileName],
      limit: limits.rowBytes,
      isStopped: isStopped)
    // A column that no row can have is a slip of the pen, and its noisy table would be paid for.
    try stream.requireAllColumns()
    try read(stream, of: files, table)
    summarise()
  }

  /// Whether a required value of a file is missing.
  func lacksValue(file: Int) -> Bool { isValueRequired && states[file] != .usable }

  /// The codes of a file; nil if a required value is missing.
  func codes(ofFile file: Int) -> [UInt8]? {
    guard !lacksValue(file: file) else { return nil }
    return Array(codes[range(ofFile: file)])
  }

  private func range(ofFile file: Int) -> Range<Int> {
    (file * columns.count)..<((file + 1) * columns.count)
  }

  private mutating func read(
    _ stream: TableStream, of files: [RelativePath], _ table: RelativePath
  ) throws {
    let encoders = columns.map(ColumnEncoder.init)
    let numbers = Dictionary(
      files.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    while let step = try stream.next() {
      summary.rows += 1
      switch step {
      case .fault(let reason, let line):
        summary.add(reason, at: TableSummary.Place(table: table, line: line))
      case .row(let line):
        let place = TableSummary.Place(table: table, line: line)
        for column in columns.indices where stream.values.isPresent[column] {
          presentColumns[column] = true
        }
        let path = stream.values.texts[columns.count]
        if path.isEmpty {
          summary.add(.noFileName, at: place)
        } else if let file = numbers[RelativePath(bytes: path)] {
          add(stream.values, toFile: file, encoders, at: place)
        } else {
          summary.add(.noSuchFile, at: place)
        }
      }
    }
  }

  private mutating func add(
    _ values: RowValues, toFile file: Int, _ encoders: [ColumnEncoder], at place: TableSummary.Place
  ) {
    guard states[file] == .noRow else {
      // The first row counted as used, unless it had a fault of its own.
      summary.add(.repeatedFile, at: place, count: states[file] == .usable ? 2 : 1)
      states[file] = .severalRows
      clear(file)
      return
    }
    states[file] = .usable
    for (column, encoder) in encoders.enumerated() {
      let code = encoder.code(of: values.texts[column])
      summary.countOutside(values.texts[column], of: column, coded: code, encoders, at: place)
      if let code {
        codes[file * columns.count + column] = code
      } else {
        states[file] = .lacking
      }
    }
    if states[file] == .lacking {
      summary.add(.missingValue, at: place)
      clear(file)
    }
  }

  /// Makes all values of a file missing.
  private mutating func clear(_ file: Int) {
    for (index, column) in zip(range(ofFile: file), columns) {
      codes[index] = UInt8(column.missingCode ?? 0)
    }
  }

  private mutating func summarise() {
    summary.missingValues = [Int](repeating: 0, count: columns.count)
    for file in states.indices {
      guard states[file] == .usable else {
        summary.filesWithoutRow += 1
        continue
      }
      summary.used += 1
      for (place, column) in zip(range(ofFile: file), columns.indices)
      where Int(codes[place]) == columns[column].missingCode ?? -1 {
        summary.missingValues[column] += 1
      }
    }
    summary.sortFaults()
  }
}
