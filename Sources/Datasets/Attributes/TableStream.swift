/// The values of one row, for the columns that are read.
struct RowValues {
  /// The text of each column, UTF-8; nothing if it is absent.
  fileprivate(set) var texts: [[UInt8]]
  /// Whether the row has a value for each column.
  fileprivate(set) var isPresent: [Bool]

  fileprivate init(count: Int) {
    texts = [[UInt8]](repeating: [], count: count)
    isPresent = [Bool](repeating: false, count: count)
  }

  fileprivate mutating func clear() {
    for index in texts.indices {
      texts[index].removeAll(keepingCapacity: true)
      isPresent[index] = false
    }
  }
}

/// Reads the rows of one table, keeping only some of its columns.
///
/// Columns that are not asked for are never kept.
final class TableStream {
  /// One step of reading.
  enum Step: Equatable {
    /// A row, whose values are in `values`.
    case row(line: Int)
    /// An unusable row.
    case fault(RowVerdict, line: Int)
  }

  /// The values of the last row.
  private(set) var values: RowValues
  /// Indices into the columns that the header lacks; empty for JSON lines, which have no header.
  private(set) var absent: [Int] = []

  private let names: [String]
  private let records: RecordReader
  private var seenReads = 0
  private let format: TableFormat
  private let slots: [[UInt8]: Int]
  /// For each field of the header, the index of the column; -1 if it is not read.
  private var fieldSlots: [Int] = []
  /// The indices of the columns that the header has.
  private var present: [Int] = []
  private let hasFormulaMarks: Bool
  /// The longest name that can be one of the columns.
  private let longestName: Int

  /// Starts reading.
  ///
  /// - Parameters:
  ///   - columns: the names of the columns to keep, distinct.
  ///   - hasFormulaMarks: whether names in a header may have the mark of `FormulaMark`.
  ///   - isStopped: asked every 4 MiB; true ends the reading with `DatasetError.stopped`.
  /// - Throws: `TableProblem` if CSV has no readable header, or has one of the columns twice.
  init(
    _ source: any ByteSource, format: TableFormat, columns: [String],
    limit: Int = TableLimits.standard.rowBytes, hasFormulaMarks: Bool = false,
    isStopped: @escaping () -> Bool = { false }
  ) throws {
    records = RecordReader(source, format: format, limit: limit, isStopped: isStopped)
    self.format = format
    names = columns
    values = RowValues(count: columns.count)
    slots = Dictionary(
      columns.enumerated().map { (CanonicalName.bytes(Array($1.utf8)), $0) },
      uniquingKeysWith: { first, _ in first })
    self.hasFormulaMarks = hasFormulaMarks
    longestName = CanonicalName.longest(equalTo: columns.map(\.utf8.count).max() ?? 0)
    if format == .csv { try readHeader(columns) }
  }

  /// Throws `TableProblem` if the header lacks one of the columns.
  func requireAllColumns() throws {
    // Without it, no row belongs to an image, whatever else it has.
    if let place = names.firstIndex(of: AttributeFile.fileName), absent.contains(place) {
      throw TableProblem(
        finding: "the header of the table has no column '\(AttributeFile.fileName)' (one expected, "
          + "with the path of each file below the root). Add it")
    }
    guard let absent = absent.first else { return }
    throw TableProblem(
      finding:
        "the header of a table has no column '\(names[absent])' (every table must have the declared columns). Correct the "
        + "declared name, or add the column; columns are separated by commas")
  }

  /// The next row; nil at the end.
  func next() throws -> Step? {
    guard let record = try records.next() else { return nil }
    if format == .csv { try refuseUnsoundQuotes() }
    switch record {
    case .fault(let reason, let line, let lines):
      if format == .csv { try refuseHiddenRows(in: lines, from: line) }
      return .fault(reason, line: line)
    case .bytes(let bytes, let line):
      if format == .csv { try refuseHiddenRows(in: bytes, from: line) }
      values.clear()
      if let reason = Self.textFault(in: bytes) { return .fault(reason, line: line) }
      let reason = format == .csv ? readFields(bytes) : readObject(bytes)
      return reason.map { .fault($0, line: line) } ?? .row(line: line)
    }
  }

  /// Whether more of the table was read since the last call: at most 4 MiB, so a good moment to ask whether to go on,
  /// however long the rows are.
  func hasReadMore() -> Bool {
    defer { seenReads = records.reads }
    return records.reads > seenReads
  }

  /// Finds zero bytes and bytes that are not UTF-8.
  private static func textFault(in bytes: UnsafeRawBufferPointer) -> RowVerdict? {
    var all: UInt8 = 0
    var hasZero = false
    for byte in bytes {
      all |= byte
      hasZero = hasZero || byte == 0
    }
    if hasZero { return .zeroByte }
    if all < 0x80 { return nil }
    return String(validating: bytes, as: UTF8.self) == nil ? .invalidText : nil
  }

  // MARK: CSV

  /// What separates the names of a header without commas, as spreadsheets of some countries write it; nil if nothing
  /// known does.
  ///
  /// In quotes, everything is part of a name.
  private static func otherSeparator(in header: UnsafeRawBufferPointer) -> String? {
    if header.contains(0x22) { return nil }
    if header.contains(UInt8(ascii: ";")) { return "semicolons" }
    return header.contains(UInt8(ascii: "\t")) ? "tabs" : nil
  }

  private func readHeader(_ columns: [String]) throws {
    guard case .bytes(let bytes, _)? = try records.next(isLast: true),
      Self.textFault(in: bytes) == nil
    else {
      throw TableProblem(
        finding:
          "a table has no readable header (the names of its columns in UTF-8, separated by commas, "
          + "expected on the first line). Add or correct it")
    }
    // A stray quote would join the header with the rows up to the next quote.
    guard !bytes.contains(0x0A) else {
      throw TableProblem(
        finding:
          "the header of a table goes on over several lines (one line expected). Remove line breaks from the names "
          + "of columns, and correct stray quotes")
    }
    var counts = [Int](repeating: 0, count: columns.count)
    Self.forEachField(bytes) { field in
      let slot = slot(ofHeader: FieldText.trimmed(field[...])) ?? -1
      fieldSlots.append(slot)
      if slot >= 0 { counts[slot] += 1 }
    }
    if let twice = counts.firstIndex(where: { $0 > 1 }) {
      throw TableProblem(
        finding: "the header of a table has the column '\(columns[twice])' twice (once expected). "
          + "Rename one of them")
    }
    if fieldSlots == [-1], let mark = Self.otherSeparator(in: bytes) {
      throw TableProblem(
        finding:
          "the columns of a table are separated by \(mark) (commas expected). Save it with commas")
    }
    present = counts.indices.filter { counts[$0] == 1 }
    absent = counts.indices.filter { counts[$0] == 0 }
  }

  /// Refuses a table with a broken quote if others of its quotes may be misread too.
  ///
  /// Each row of a table that a program wrote by RFC 4180 is read by itself, whatever stands in it. A misplaced quote
  /// shows that a table was not written so, and then the same quotes may close and open values elsewhere: a value over
  /// several lines may be the rows of others, and a value that ends with a backslash and a quote may go on.
  private func refuseUnsoundQuotes() throws {
    let quotes = records.quotes
    guard let fault = quotes.fault else { return }
    if quotes.backslash != nil {
      throw TableProblem(
        finding:
          "a quote inside a value of a table follows a backslash, so it seems to end the value (quotes inside a value "
          + "doubled expected). Write the table with doubled quotes", line: quotes.backslash)
    }
    guard quotes.severalLines != nil else { return }
    throw TableProblem(
      finding:
        "a table has a misplaced quote, and values that go on over several lines, so rows and text cannot be told apart "
        + "(sound quotes expected). Correct the quote, or remove line breaks from values",
      line: fault)
  }

  /// Refuses a record whose further lines could be rows.
  ///
  /// Between two stray quotes, such lines are the rows of others, and the unit that wrote the quotes would remove them. In a
  /// quoted text, they are the text of one unit, and reading them as rows would multiply that unit. Both look the
  /// same, so no bound on the influence of one unit holds for either reading. A line could be a row if it has as many
  /// fields as the header. The last line could be the beginning of one if it opens a quoted field, except where its
  /// first byte is the quote: many texts end with a line break.
  ///
  /// If a quote is never closed properly, the record is given up and its lines are read again, each by itself. Then the
  /// same holds.
  private func refuseHiddenRows(in record: UnsafeRawBufferPointer, from line: Int) throws {
    guard var next = record.firstIndex(of: 0x0A) else { return }
    while next < record.endIndex {
      let start = next + 1
      next = record[start...].firstIndex(of: 0x0A) ?? record.endIndex
      guard Self.couldBeRow(record[start..<next], fieldCount: fieldSlots.count) else { continue }
      throw TableProblem(
        finding:
          "a quoted value of a table goes on over a line that could be a row, so rows and text cannot be told apart "
          + "(values without such lines expected). Remove line breaks from values, and correct stray quotes",
        line: line)
    }
  }

  /// Whether a line by itself could be a row, or the beginning of one.
  private static func couldBeRow(_ line: Slice<UnsafeRawBufferPointer>, fieldCount: Int) -> Bool {
    // A blank line is none.
    if line.allSatisfy({ $0 == 0x0D }) { return false }
    var (fields, isAtStart, isQuoted, mayEnd) = (1, true, false, false)
    for byte in line {
      if isQuoted {
        // A quote ends the field, unless another one follows.
        if byte == 0x22 { (isQuoted, mayEnd) = (false, true) }
      } else if byte == 0x2C {
        fields += 1
        (isAtStart, mayEnd) = (true, false)
        continue
      } else if byte == 0x22 {
        guard isAtStart || mayEnd else { return false }
        (isQuoted, mayEnd) = (true, false)
      } else if mayEnd, byte != 0x0D {
        return false
      }
      isAtStart = false
    }
    return isQuoted ? line.first != 0x22 : fields == fieldCount
  }

  private func slot(ofHeader name: ArraySlice<UInt8>) -> Int? {
    if hasFormulaMarks, let text = FormulaMark.removed(from: name), let slot = slot(of: text) {
      return slot
    }
    return slot(of: name)
  }

  /// The index of a column; names that are too long to be one are not normalised, which takes more than linear time.
  private func slot(of name: some Collection<UInt8>) -> Int? {
    name.count <= longestName ? slots[CanonicalName.bytes(name)] : nil
  }

  private func readFields(_ bytes: UnsafeRawBufferPointer) -> RowVerdict? {
    var field = 0
    var slot = fieldSlots.first ?? -1
    var isQuoted = false
    var index = 0
    while index < bytes.count {
      let byte = bytes[index]
      index += 1
      if isQuoted {
        guard byte == 0x22 else {
          if slot >= 0 { values.texts[slot].append(byte) }
          continue
        }
        // The reader of records has checked that a quote is doubled or ends the field.
        if index < bytes.count, bytes[index] == 0x22 {
          if slot >= 0 { values.texts[slot].append(byte) }
          index += 1
        } else {
          isQuoted = false
        }
      } else if byte == 0x2C {
        field += 1
        slot = field < fieldSlots.count ? fieldSlots[field] : -1
      } else if byte == 0x22 {
        isQuoted = true
      } else if slot >= 0 {
        values.texts[slot].append(byte)
      }
    }
    for slot in present { values.isPresent[slot] = true }
    return field + 1 == fieldSlots.count ? nil : .wrongFieldCount
  }

  /// Calls `body` with each field of a record.
  private static func forEachField(
    _ bytes: UnsafeRawBufferPointer, _ body: ([UInt8]) -> Void
  ) {
    var field: [UInt8] = []
    var isQuoted = false
    var wasQuote = false
    for byte in bytes {
      if byte == 0x2C, !isQuoted {
        body(field)
        field = []
      } else if byte == 0x22 {
        isQuoted.toggle()
        // The second of two quotes inside a field stands for a quote.
        if isQuoted, wasQuote { field.append(byte) }
        wasQuote = !wasQuote
        continue
      } else {
        field.append(byte)
      }
      wasQuote = false
    }
    body(field)
  }

  // MARK: JSON lines

  private func readObject(_ bytes: UnsafeRawBufferPointer) -> RowVerdict? {
    var parser = FlatObjectParser(bytes)
    var fault: RowVerdict?
    let isWhole = parser.parse { key, value in
      guard let slot = slot(of: key) else { return }
      if values.isPresent[slot] { fault = .repeatedField }
      values.isPresent[slot] = true
      if case .text(let text) = value { values.texts[slot] = text }
    }
    return isWhole ? fault : .invalidJSON
  }
}
