/// Cuts a stream into the records of a table, with bounded memory: 4 MiB, whatever the stream contains.
///
/// A record of CSV ends at the first line break outside quotes (RFC 4180), one of JSON lines at the first line break.
/// Reading begins anew at each record, so taking the bytes of one record out of a table whose quotes are balanced
/// leaves all other records as they are: the record of a unit of privacy depends on no other unit.
///
/// Where a quote is not closed, only the first line is given up and reading continues with the next one. Giving up
/// everything to the next quote would let one person's stray quote remove the rows of many others. But if the record
/// was written over several lines, its further lines would become rows of their own. So a fault says which lines
/// its record had, and `TableStream` refuses a table in which one of them could be a row. A record of several lines that
/// is too long is refused here.
///
/// Time is linear even for hostile input: the search for a closing quote ends at the latest on the next line with an
/// odd number of quotes, and no line before that one begins a search of its own.
final class RecordReader {
  /// One record.
  enum Record {
    /// The bytes without the line break, valid until the next call.
    case bytes(UnsafeRawBufferPointer, line: Int)
    /// An unusable record: its first line. If a quote of it opens in that line and was followed into others, these lines up
    /// to that of the fault, which are read again, come with it, valid until the next call; nothing otherwise.
    case fault(RowVerdict, line: Int, lines: UnsafeRawBufferPointer)
  }

  /// What is known of the quotes of the table so far.
  struct QuoteFindings {
    /// The first record over several lines that was read whole.
    fileprivate(set) var severalLines: Int?
    /// The first record with a value that ends with a backslash and a quote, which some programs write for a quote.
    fileprivate(set) var backslash: Int?
    /// The first misplaced or unclosed quote.
    fileprivate(set) var fault: Int?
  }

  private static let capacity = 4 << 20
  private static let mark: [UInt8] = [0xEF, 0xBB, 0xBF]

  private var source: any ByteSource
  private let format: TableFormat
  private let limit: Int
  private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: capacity, alignment: 16)
  private var start = 0
  private var end = 0
  private var isAtEnd = false
  private var isFirst = true
  private var line = 1
  /// How often the buffer was filled.
  private(set) var reads = 0
  private(set) var quotes = QuoteFindings()
  private let isStopped: () -> Bool

  /// Starts reading.
  ///
  /// `isStopped` is asked each time the buffer is filled, so every 4 MiB however long a record is; true ends the reading
  /// with `DatasetError.stopped`.
  init(
    _ source: any ByteSource, format: TableFormat, limit: Int,
    isStopped: @escaping () -> Bool = { false }
  ) {
    self.isStopped = isStopped
    self.source = source
    self.format = format
    self.limit = limit
  }

  deinit { buffer.deallocate() }

  /// The next record that is not blank; nil at the end.
  ///
  /// - Parameter isLast: whether nothing is read after it, so that the rest of an unusable line need not be found.
  func next(isLast: Bool = false) throws -> Record? {
    while true {
      try fill()
      if isFirst {
        isFirst = false
        // The byte order mark that some programs put before UTF-8.
        if buffer[start..<end].starts(with: Self.mark) { start += Self.mark.count }
      }
      guard start < end else { return nil }
      let first = line
      let found = format == .csv ? try quotedRecord() : lineRecord()
      switch found {
      case .complete(let length, let size):
        let bytes = UnsafeRawBufferPointer(rebasing: buffer[start..<(start + length)])
        start += size
        if length > 0 { return .bytes(bytes, line: first) }
      case .fault(let reason, let scanned):
        if scanned > 0, quotes.fault == nil { quotes.fault = first }
        let lines = linesUpToFault(scanned: scanned)
        if !isLast { try skipLine() }
        return .fault(reason, line: first, lines: lines)
      case .longLine(let place, let scanned):
        if !isLast { try skipLine(after: scanned, in: place) }
        return .fault(.tooLong, line: first, lines: Self.none)
      }
    }
  }

  private static var none: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: nil, count: 0) }

  /// The lines from the first one to that of a fault, whole; nothing if it is the first one.
  ///
  /// The end of the first line is in the buffer then, so that skipping it moves no byte.
  private func linesUpToFault(scanned: Int) -> UnsafeRawBufferPointer {
    let fault = start + scanned
    guard scanned > 0, buffer[start..<fault].contains(0x0A) else { return Self.none }
    let last = buffer[(fault - 1)..<end].firstIndex(of: 0x0A) ?? end
    return UnsafeRawBufferPointer(rebasing: buffer[start..<max(fault, last)])
  }

  private enum Found {
    /// A record of `length` bytes, `size` with its line break; its lines are counted.
    case complete(length: Int, size: Int)
    /// The first line is unusable; nothing is counted. For a quote, `scanned` bytes were read up to the fault.
    case fault(RowVerdict, scanned: Int)
    /// A first line of CSV longer than the limit, of which `scanned` bytes were read up to `place`.
    case longLine(Place, scanned: Int)
  }

  /// Ensures that the buffer contains a whole record of the greatest length, or the rest of the stream.
  private func fill() throws {
    guard !isAtEnd, end - start < limit + 2 else { return }
    if isStopped() { throw DatasetError.stopped }
    reads += 1
    if start > 0 {
      buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[start..<end]))
      (start, end) = (0, end - start)
    }
    while !isAtEnd, end < Self.capacity {
      let count = try source.read(
        into: UnsafeMutableRawBufferPointer(rebasing: buffer[end..<Self.capacity]))
      if count == 0 { isAtEnd = true }
      end += count
    }
  }

  /// Gives up everything up to the next line break, however far it is.
  ///
  /// - Throws: `TableProblem` if the record of CSV that begins with this line, read up to `place` after `scanned`
  ///   bytes, goes on in the next line.
  private func skipLine(after scanned: Int = 0, in place: Place? = nil) throws {
    let first = line
    line += 1
    var place = place
    start += scanned
    while true {
      for index in start..<end {
        let byte = buffer[index]
        if byte == 0x0A {
          if place == .quoted { throw longRecord(at: first) }
          start = index + 1
          return
        }
        // After a misplaced quote, nothing is known of the others.
        place = place?.next(byte)
      }
      start = end
      try fill()
      if start == end { return }
    }
  }

  private func lineRecord() -> Found {
    let window = buffer[start..<min(end, start + limit + 2)]
    let place = window.firstIndex(of: 0x0A)
    guard place != nil || window.endIndex == end && isAtEnd else {
      return .fault(.tooLong, scanned: 0)
    }
    var length = (place ?? end) - start
    let size = length + (place == nil ? 0 : 1)
    if length > 0, buffer[start + length - 1] == 0x0D { length -= 1 }
    guard length <= limit else { return .fault(.tooLong, scanned: 0) }
    line += 1
    return .complete(length: length, size: size)
  }

  /// The places in a record of CSV.
  private enum Place {
    case fieldStart, unquoted, quoted, afterQuote

    /// The place after a byte that is no line break outside quotes; nil if a quote is misplaced.
    @inline(__always)
    func next(_ byte: UInt8) -> Place? {
      switch (self, byte) {
      case (.quoted, 0x22): .afterQuote
      case (.quoted, _), (.fieldStart, 0x22), (.afterQuote, 0x22): .quoted
      case (_, 0x2C): .fieldStart
      case (.fieldStart, _): .unquoted
      case (.unquoted, _): byte == 0x22 ? nil : .unquoted
      // Whether a line break follows is checked where bytes can be looked at in advance.
      case (.afterQuote, _): byte == 0x0D ? .afterQuote : nil
      }
    }
  }

  private func quotedRecord() throws -> Found {
    let stop = min(end, start + limit + 2)
    var place = Place.fieldStart
    var breaks = 0
    for index in start..<stop {
      let byte = buffer[index]
      if place == .afterQuote, byte != 0x22 { noteBackslash(before: index - 1) }
      if byte == 0x0A {
        if place != .quoted { return try record(to: index, size: index + 1 - start, breaks) }
        breaks += 1
      }
      guard let next = place.next(byte), !isLoneReturn(at: index, place, before: stop) else {
        noteBackslash(before: index)
        // A fault after the first line is that of a quote of the first line.
        return .fault(
          breaks > 0 ? .unclosedQuote : .misplacedQuote, scanned: index + 1 - start)
      }
      place = next
    }
    guard stop == end, isAtEnd else {
      if breaks > 0 { throw longRecord(at: line) }
      return .longLine(place, scanned: stop - start)
    }
    return place == .quoted
      ? .fault(.unclosedQuote, scanned: stop - start)
      : try record(to: stop, size: stop - start, breaks)
  }

  /// The record that ends at `index`, with `size` bytes and `breaks` line breaks in quotes.
  private func record(to index: Int, size: Int, _ breaks: Int) throws -> Found {
    var length = index - start
    // After a closing quote, CR was checked to stand before LF; programs that translate line breaks twice write two.
    while length > 0, buffer[start + length - 1] == 0x0D { length -= 1 }
    guard length <= limit else {
      if breaks > 0 { throw longRecord(at: line) }
      return .fault(.tooLong, scanned: 0)
    }
    if breaks > 0, quotes.severalLines == nil { quotes.severalLines = line }
    line += breaks + 1
    return .complete(length: length, size: size)
  }

  /// Whether a CR follows a closing quote without a line break after it.
  @inline(__always)
  private func isLoneReturn(at index: Int, _ place: Place, before stop: Int) -> Bool {
    place == .afterQuote && buffer[index] == 0x0D && index + 1 < stop && buffer[index + 1] != 0x0A
      && buffer[index + 1] != 0x0D
  }

  /// Notes a backslash before a quote that ends a value or is misplaced.
  @inline(__always)
  private func noteBackslash(before quote: Int) {
    guard quote > start, buffer[quote - 1] == 0x5C, quotes.backslash == nil else { return }
    quotes.backslash = line
  }

  private func longRecord(at line: Int) -> TableProblem {
    TableProblem(
      finding:
        "a quoted value of a table goes on over several lines and is longer than 1 MiB, so its lines cannot be told "
        + "from rows (shorter rows expected). Shorten the value, or look for a quote that is not closed",
      line: line)
  }
}
