import Compute
import Foundation
import Testing

@testable import Datasets

@Suite struct HostileTableTests {
  /// Random bytes, weighted towards bytes and words that mean something.
  private static func bytes(_ random: inout SeededStream) -> [UInt8] {
    let meaningful = Array("\",\r\n{}[]:\\u0abtrue-+.e1 \0".utf8) + [0xEF, 0xBB, 0xBF, 0xFF, 0xC3]
    let words = [
      "{\"a\":", "\"b\": \"x\"", "1}\n", "[{}]", "null,", "\"a\",1\n", "{\"a\":1}\n", "x,y\n",
    ]
    let share = random.next() % 5
    var bytes: [UInt8] = []
    for _ in 0..<Int(random.next() % 300) {
      let word = random.next()
      let choice = word >> 16
      switch word % 5 {
      case ..<share where word & 0x100 == 0: bytes.append(UInt8(truncatingIfNeeded: choice))
      case ..<share: bytes.append(meaningful[Int(choice % UInt64(meaningful.count))])
      default: bytes += words[Int(choice % UInt64(words.count))].utf8
      }
    }
    return bytes
  }

  @Test(arguments: [TableFormat.csv, .jsonLines])
  func anyBytesAreReadOrRefused(format: TableFormat) throws {
    var random = SeededStream(seed: format == .csv ? 31 : 32)
    var rowCount = 0
    var faultCount = 0
    for trial in 0..<6_000 {
      let head = format == .csv && trial % 2 == 0 ? Array("a,b\n".utf8) : []
      let bytes = head + Self.bytes(&random)
      let chunk = Int(random.next() % 50 + 1)
      let limit = trial % 3 == 0 ? 20 : 1 << 20
      let rows = try? seenRows(
        BytesSource(bytes, chunk: chunk), format, columns: ["a", "b"], limit: limit)
      // The way in which bytes arrive does not matter.
      let whole = try? seenRows(BytesSource(bytes), format, columns: ["a", "b"], limit: limit)
      #expect(rows == whole)
      guard let rows else { continue }
      let breaks = bytes.count { $0 == 0x0A } + 1
      var last = 0
      for row in rows {
        let line =
          switch row {
          case .row(let line, _): line
          case .fault(let line, _): line
          }
        #expect(line > last && line <= breaks)
        last = line
        if case .row = row { rowCount += 1 } else { faultCount += 1 }
      }
    }
    #expect(rowCount > 100 && faultCount > 1_000, "\(rowCount) rows, \(faultCount) faults")
  }

  @Test func anyRowsAreCountedOnceAndHaveCodesOfTheirColumns() throws {
    var random = SeededStream(seed: 33)
    let files = ["a", "b", "c/d"].map { RelativePath($0) }
    let columns = [colour, age, sex]
    let words = [
      "a", "b", "c/d", "e", "", "red", "blue", "7", "99.5", "-1", "NaN", "f", "m", "\"", "\"x\"",
      "\0",
    ]
    var refused = 0
    for _ in 0..<1_000 {
      var text = "file_name,colour,age,sex\n"
      for _ in 0..<Int(random.next() % 12) {
        let row = (0..<4).map { _ in words[Int(random.next() % UInt64(words.count))] }
        text += row.joined(separator: ",") + "\n"
      }
      let read: ImageAttributes
      do {
        read = try ImageAttributes(
          ofFilesIn: files, columns: columns, from: BytesSource(text), format: .csv,
          table: RelativePath("metadata.csv"))
      } catch is TableProblem {
        // Two stray quotes with lines between them that could be rows.
        #expect(text.contains("\""))
        refused += 1
        continue
      }
      let summary = read.summary
      #expect(summary.rows == summary.used + summary.faults.reduce(0) { $0 + $1.count })
      #expect(summary.used + summary.filesWithoutRow == files.count)
      for file in files.indices {
        guard let codes = read.codes(ofFile: file) else { continue }
        #expect(zip(codes, columns).allSatisfy { Int($0) < $1.codeCount })
      }
      var rows = TableRows(rules: DatasetRules(columns: columns))
      try rows.read(BytesSource(text), format: .csv, table: RelativePath("t.csv"))
      try rows.sort()
      #expect(
        rows.summary.rows == rows.summary.used + rows.summary.faults.reduce(0) { $0 + $1.count })
    }
    #expect(refused < 600, "\(refused) refused")
  }

  /// A quote that is never closed, before many lines with pairs of quotes, is searched for once.
  @Test func quotesThatNeverCloseCostLinearTime() throws {
    // Two fields, so no line could be a row.
    let line = String(repeating: "\"\"", count: 10) + ",\n"
    let text = "a\n\"x\n" + String(repeating: line, count: 45_000)
    let clock = ContinuousClock()
    var count = 0
    let time = try clock.measure { count = try seenRows(text, columns: ["a"]).count }
    #expect(count == 45_001)
    #expect(time < .seconds(20))
  }

  /// A mebibyte of accents in disorder takes minutes to normalise, and a header of a million names costs its length
  /// for each row if every row goes through it.
  @Test(arguments: [TableFormat.csv, .jsonLines])
  func longRowsOfAccentsAndLongHeadersCostLinearTime(format: TableFormat) throws {
    let accents = String(repeating: "\u{301}\u{316}", count: 260_000)
    let text: String
    switch format {
    case .csv:
      let names = String(repeating: ",", count: 1_000_000)
      text =
        "colour,person\(names)\n" + String(repeating: "\(accents)\n", count: 3)
        + String(repeating: "red\n", count: 20_000) + "colour\n"
    case .jsonLines:
      text = [
        "{\"colour\": \"\(accents)\", \"person\": \"a\"}", "{\"\(accents)\": 1, \"person\": \"b\"}",
        "{\"colour\": \"red\", \"person\": \"\(accents)\"}",
        "{\"colour\": \"red\", \"person\": \"c\"}",
      ].joined(separator: "\n")
    }
    var rules = DatasetRules(columns: [colour])
    rules.privacyUnit = .folder
    rules.personColumn = "person"
    var rows = TableRows(rules: rules)
    let time = try ContinuousClock().measure {
      try rows.read(BytesSource(text), format: format, table: RelativePath("t"))
    }
    try rows.sort()
    #expect(rows.summary.used == (format == .csv ? 0 : 3))
    #expect(rows.summary.count(of: .noPerson) == (format == .csv ? 0 : 1))
    #expect(time < .seconds(20))
  }

  /// A table of `head` and then the letter x without end.
  private struct Endless: ByteSource {
    var head: [UInt8]

    mutating func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
      let count = min(head.count, buffer.count)
      guard count == 0 else {
        buffer.copyBytes(from: head[..<count])
        head.removeFirst(count)
        return count
      }
      buffer.initializeMemory(as: UInt8.self, repeating: UInt8(ascii: "x"))
      return buffer.count
    }
  }

  /// 64 GiB without a line break are minutes of reading, and a check of the configuration reads headers.
  @Test(.timeLimit(.minutes(1))) func aHeaderWithoutEndIsRefusedAtOnce() {
    let error = #expect(throws: TableProblem.self) {
      _ = try TableStream(Endless(head: []), format: .csv, columns: ["a"])
    }
    #expect(error?.finding.contains("no readable header") == true)
  }

  @Test(.timeLimit(.minutes(1)), arguments: ["a\n1\n", "a\n\"x\" y"])
  func aRowWithoutEndIsLeftOnRequest(head: String) throws {
    var reads = 0
    let stream = try TableStream(
      Endless(head: Array(head.utf8)), format: .csv, columns: ["a"],
      isStopped: {
        reads += 1
        return reads > 5
      })
    let error = #expect(throws: DatasetError.self) { while try stream.next() != nil {} }
    #expect(error.map { "\($0)".contains("stopped") } == true && reads == 6)
  }

  @Test func sortingStopsOnRequest() throws {
    var rows = TableRows(rules: DatasetRules(columns: [age]))
    let lines = (0..<200_000).map { "\($0 * 7_919 % 100)\n" }.joined()
    try rows.read(BytesSource("age\n" + lines), format: .csv, table: RelativePath("t.csv"))
    var asked = 0
    #expect(throws: DatasetError.self) {
      try rows.sort {
        asked += 1
        return true
      }
    }
    #expect(asked == 1)
  }

  /// A header of accents alone is a header without the column.
  @Test func aNameOfManyAccentsIsNoColumn() throws {
    let accents = String(repeating: "\u{301}\u{316}", count: 260_000)
    let time = ContinuousClock().measure {
      #expect(throws: TableProblem.self) {
        var rows = TableRows(rules: DatasetRules(columns: [colour]))
        try rows.read(
          BytesSource("\(accents)\nred\n"), format: .csv, table: RelativePath("t.csv"))
      }
    }
    #expect(time < .seconds(20))
  }

  /// 240 MB of text, of which 1,000,000 rows of three codes remain.
  @Test func aMillionRowsNeedMemoryForTheirCodesOnly() throws {
    struct Rows: ByteSource {
      var row = -1
      var pending: [UInt8] = []
      let filler = Array(String(repeating: "f", count: 220).utf8)

      mutating func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        while row < 1_000_000, pending.count < min(buffer.count, 100_000) {
          pending +=
            row < 0
            ? Array("filler,colour,age,weight\n".utf8)
            : filler + Array(",red,\(row % 100),\(Double(row % 20) / 10)\n".utf8)
          row += 1
        }
        let count = min(pending.count, buffer.count)
        buffer.copyBytes(from: pending[..<count])
        pending.removeFirst(count)
        return count
      }
    }
    let before = try Self.residentBytes()
    var rows = TableRows(rules: DatasetRules(columns: [colour, age, weight]))
    try rows.read(Rows(), format: .csv, table: RelativePath("t.csv"))
    try rows.sort()
    let growth = try Self.residentBytes() - before
    #expect(rows.order.count == 1_000_000)
    #expect(rows.summary.used == 1_000_000)
    // 16 blocks of 65,536 rows of three bytes.
    #expect(rows.store.byteCount == 16 * 65_536 * 3)
    // Codes, order and its spare, buffers: 15 MB. Other tests of this process run beside this one.
    #expect(growth < 100 << 20, "\(growth) bytes")
  }

  private static func residentBytes() throws -> Int {
    let text = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
    let pages = try #require(text.split(separator: " ").dropFirst().first.flatMap { Int($0) })
    return pages * sysconf(Int32(_SC_PAGESIZE))
  }
}
