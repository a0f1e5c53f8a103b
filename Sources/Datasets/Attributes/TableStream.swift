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

  private let records: RecordReader
  private let format: TableFormat
  private let slots: [[UInt8]: Int]
  /// For each field of the header, the index of the column; -1 if it is not read.
  private var fieldSlots: [Int] = []

  /// Starts reading; `columns` are the names of those to keep, distinct.
  ///
  /// - Throws: `TableProblem` if CSV has no readable header, or has one of the columns twice.
  init(
    _ source: any ByteSource, format: TableFormat, columns: [String],
    limit: Int = TableLimits.standard.rowBytes
  ) throws {
    records = RecordReader(source, format: format, limit: limit)
    self.format = format
    values = RowValues(count: columns.count)
    slots = Dictionary(
      columns.enumerated().map { (CanonicalName.bytes(Array($1.utf8)), $0) },
      uniquingKeysWith: { first, _ in first })
    if format == .csv { try readHeader(columnCount: columns.count) }
  }

  /// The next row; nil at the end.
  func next() throws -> Step? {
    guard let record = try records.next() else { return nil }
    switch record {
    case .fault(let reason, let line): return .fault(reason, line: line)
    case .bytes(let bytes, let line):
      values.clear()
      if let reason = Self.textFault(in: bytes) { return .fault(reason, line: line) }
      let reason = format == .csv ? readFields(bytes) : readObject(bytes)
      return reason.map { .fault($0, line: line) } ?? .row(line: line)
    }
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

  private func readHeader(columnCount: Int) throws {
    guard case .bytes(let bytes, _)? = try records.next(), Self.textFault(in: bytes) == nil else {
      throw TableProblem(
        finding: "a table has no readable header (the names of its columns in UTF-8 expected on "
          + "the first line). Add a header")
    }
    var seen = [Bool](repeating: false, count: columnCount)
    var twice = false
    Self.forEachField(bytes) { field in
      let name = CanonicalName.bytes(FieldText.trimmed(field[...]))
      let slot = slots[name] ?? -1
      fieldSlots.append(slot)
      guard slot >= 0 else { return }
      twice = twice || seen[slot]
      seen[slot] = true
    }
    guard !twice else {
      throw TableProblem(
        finding: "the header of a table has a declared column twice (once expected). Rename one "
          + "of them")
    }
    absent = seen.indices.filter { !seen[$0] }
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
    for slot in fieldSlots where slot >= 0 { values.isPresent[slot] = true }
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
      guard let slot = slots[CanonicalName.bytes(key)] else { return }
      if values.isPresent[slot] { fault = .repeatedField }
      values.isPresent[slot] = true
      if case .text(let text) = value { values.texts[slot] = text }
    }
    return isWhole ? fault : .invalidJSON
  }
}
