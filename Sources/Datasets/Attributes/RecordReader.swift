/// Cuts a stream into the records of a table, with bounded memory: 4 MiB, whatever the stream contains.
///
/// A record of CSV ends at the first line break outside quotes (RFC 4180), one of JSON lines at the first line break.
/// Reading begins anew at each record, so taking the bytes of one record out of a table whose quotes are balanced
/// leaves all other records as they are: the record of a unit of privacy depends on no other unit.
///
/// Where a quote is not closed, only the first line is given up and reading continues with the next one. Giving up
/// everything to the next quote would let one person's stray quote remove the rows of many others. Two stray quotes can
/// still join all lines between them to one record; `TableStream` refuses a table in which such a line could be a
/// row.
///
/// Time is linear even for hostile input: the search for a closing quote ends at the latest on the next line with an
/// odd number of quotes, and no line before that one begins a search of its own.
final class RecordReader {
  /// One record.
  enum Record {
    /// The bytes without the line break, valid until the next call.
    case bytes(UnsafeRawBufferPointer, line: Int)
    /// An unusable record.
    case fault(RowVerdict, line: Int)
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

  init(_ source: any ByteSource, format: TableFormat, limit: Int) {
    self.source = source
    self.format = format
    self.limit = limit
  }

  deinit { buffer.deallocate() }

  /// The next record that is not blank; nil at the end.
  func next() throws -> Record? {
    while true {
      try fill()
      if isFirst {
        isFirst = false
        // The byte order mark that some programs put before UTF-8.
        if buffer[start..<end].starts(with: Self.mark) { start += Self.mark.count }
      }
      guard start < end else { return nil }
      let first = line
      let found = format == .csv ? quotedRecord() : lineRecord(reason: nil)
      switch found {
      case .complete(let length, let size):
        let bytes = UnsafeRawBufferPointer(rebasing: buffer[start..<(start + length)])
        start += size
        if length > 0 { return .bytes(bytes, line: first) }
      case .fault(let reason):
        try skipLine()
        return .fault(reason, line: first)
      }
    }
  }

  private enum Found {
    /// A record of `length` bytes, `size` with its line break; its lines are counted.
    case complete(length: Int, size: Int)
    /// The first line is unusable; nothing is counted.
    case fault(RowVerdict)
  }

  /// Ensures that the buffer contains a whole record of the greatest length, or the rest of the stream.
  private func fill() throws {
    guard !isAtEnd, end - start < limit + 2 else { return }
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
  private func skipLine() throws {
    line += 1
    while true {
      if let place = buffer[start..<end].firstIndex(of: 0x0A) {
        start = place + 1
        return
      }
      start = end
      try fill()
      if start == end { return }
    }
  }

  private func lineRecord(reason: RowVerdict?) -> Found {
    let window = buffer[start..<min(end, start + limit + 2)]
    let place = window.firstIndex(of: 0x0A)
    guard place != nil || window.endIndex == end && isAtEnd else { return .fault(.tooLong) }
    var length = (place ?? end) - start
    let size = length + (place == nil ? 0 : 1)
    if length > 0, buffer[start + length - 1] == 0x0D { length -= 1 }
    guard length <= limit else { return .fault(.tooLong) }
    line += 1
    return .complete(length: length, size: size)
  }

  /// The places in a record of CSV.
  private enum Place {
    case fieldStart, unquoted, quoted, afterQuote
  }

  private func quotedRecord() -> Found {
    let stop = min(end, start + limit + 2)
    var place = Place.fieldStart
    var breaks = 0
    // A fault after the first line is that of a quote of the first line.
    func fault(_ reason: RowVerdict) -> Found { .fault(breaks > 0 ? .unclosedQuote : reason) }
    var index = start
    while index < stop {
      let byte = buffer[index]
      if byte == 0x0A, place != .quoted {
        var length = index - start
        // After a closing quote, CR was checked to stand before LF.
        if length > 0, buffer[index - 1] == 0x0D { length -= 1 }
        guard length <= limit else { return fault(.tooLong) }
        line += breaks + 1
        return .complete(length: length, size: index + 1 - start)
      }
      switch place {
      case .fieldStart:
        place = byte == 0x22 ? .quoted : byte == 0x2C ? .fieldStart : .unquoted
      case .unquoted:
        if byte == 0x22 { return fault(.misplacedQuote) }
        if byte == 0x2C { place = .fieldStart }
      case .quoted:
        if byte == 0x22 { place = .afterQuote } else if byte == 0x0A { breaks += 1 }
      case .afterQuote:
        if byte == 0x22 {
          place = .quoted
        } else if byte == 0x2C {
          place = .fieldStart
        } else if byte != 0x0D || (index + 1 < stop && buffer[index + 1] != 0x0A) {
          return fault(.misplacedQuote)
        }
      }
      index += 1
    }
    guard stop == end, isAtEnd else { return fault(place == .quoted ? .unclosedQuote : .tooLong) }
    guard place != .quoted else { return .fault(.unclosedQuote) }
    var length = stop - start
    if buffer[stop - 1] == 0x0D { length -= 1 }
    guard length <= limit else { return fault(.tooLong) }
    line += breaks + 1
    return .complete(length: length, size: stop - start)
  }
}
