import Compute
import Foundation
import Testing

@testable import Datasets

@Suite struct TableReadingTests {
  @Test func quotesBreaksMarksAndLineEndsAreThoseOfRFC4180() throws {
    let text =
      "\u{FEFF}a,b,c\r\n1,\"two, \"\"2\"\"\",3\r\n\"x\r\ny\",,\" z \"\r\n\r\n\"\"\"\",é,last"
    #expect(
      try seenRows(text, columns: ["c", "a", "b"])
        == [
          .row(2, ["3", "1", "two, \"2\""]), .row(3, [" z ", "x\r\ny", ""]),
          .row(6, ["last", "\"", "é"]),
        ])
    #expect(try seenRows("a\n1\n\n2\n", columns: ["a"]) == [.row(2, ["1"]), .row(4, ["2"])])
    #expect(try seenRows("a\n\"1\"", columns: ["a"]) == [.row(2, ["1"])])
    #expect(try seenRows("\"a\"\"b\", c\n1,2\n", columns: ["c", "a\"b"]) == [.row(2, ["2", "1"])])
    #expect(try seenRows("a,b\n", columns: ["a"]) == [])
  }

  @Test func onlyTheColumnsThatAreAskedForAreKept() throws {
    #expect(
      try seenRows("b,secret,a\n1,x,2\n", columns: ["a", "absent"]) == [.row(2, ["2", nil])])
    let stream = try TableStream(
      BytesSource("b,a\n"), format: .csv, columns: ["a", "absent", "b", "c"])
    #expect(stream.absent == [1, 3])
  }

  /// Each bad row is followed by a good one that must be found.
  @Test(
    arguments: [
      ("1,2,3", RowVerdict.wrongFieldCount), ("1", .wrongFieldCount),
      ("x\"y,1", .misplacedQuote), ("\"x\"y,1", .misplacedQuote), ("\"x\" ,1", .misplacedQuote),
      ("1,\0", .zeroByte), ("\"\n\0\",2", .zeroByte),
      (String(repeating: "x", count: 60) + ",1", .tooLong),
    ])
  func aBadRowOfCSVGetsAVerdictAndTheOthersGoOn(row: String, verdict: RowVerdict) throws {
    let lines = row.split(separator: "\n").count
    let rows = try seenRows("a,b\n1,2\n\(row)\n3,4\n5,6", columns: ["a", "b"], limit: 50)
    #expect(
      rows == [
        .row(2, ["1", "2"]), .fault(3, verdict), .row(3 + lines, ["3", "4"]),
        .row(4 + lines, ["5", "6"]),
      ])
  }

  /// A quote that is not closed reaches to the next quote, or to the end; only its own line is given up.
  @Test func anUnclosedQuoteTakesNoOtherLineWithIt() throws {
    let rows = try seenRows("a,b\n1,x\n1,\"x\nno row\n2,y,z\n", columns: ["a", "b"])
    #expect(
      rows == [
        .row(2, ["1", "x"]), .fault(3, .unclosedQuote), .fault(4, .wrongFieldCount),
        .fault(5, .wrongFieldCount),
      ])
    #expect(
      try seenRows("a\n1\n\"", columns: ["a"]) == [.row(2, ["1"]), .fault(3, .unclosedQuote)])
  }

  /// Writers that end lines twice over, or leave a space behind a quote, and a table that was cut off in its last record:
  /// each line of the last value would be a row of its own, 100,000 of one person.
  ///
  /// Lines end at |, and carriage returns are written ^.
  @Test(
    arguments: [
      "1,\"x|2,y|bye\" |", "1,\"x|2,y|bye\"", "1,\"x|2,y|", "1,\"x|2,y|bye\"^^ |", "\"x|2,y|\" ,2|",
      "1,\"x|2,y|\"3\",\"z\"|", "1,\"x|\"3\",\"z\"|", "\"|2,y|",
    ])
  func aRecordWhoseLinesWouldBecomeRowsIsRefused(_ record: String) throws {
    let text = "a,b|0,x|\(record)".replacing("|", with: "\n").replacing("^", with: "\r")
    let error = #expect(throws: TableProblem.self) { try seenRows(text, columns: ["a", "b"]) }
    #expect(error?.finding.contains("rows and text cannot be told apart") == true)
    #expect(error?.line == 3)
  }

  /// Text files that translate a line break twice end lines with two carriage returns.
  @Test func linesMayEndWithTwoCarriageReturns() throws {
    let rows = try seenRows(
      "a,b\r\r\n1,\"x\"\r\r\n\"2\",y\r\r\n\"3\",\"two\nlines\"\r\r\n", columns: ["a", "b"])
    #expect(rows == [.row(2, ["1", "x"]), .row(3, ["2", "y"]), .row(4, ["3", "two\nlines"])])
  }

  /// Where one quote is broken, the others may open and close values elsewhere, too.
  ///
  /// Lines end at |.
  @Test(
    arguments: [
      "1,\"two|lines\"|stray\"quote,2|", "stray\"quote,2|1,\"two|lines\"|",
      "1,\"two|lines\"|2,\"never closed",
      // A stray quote takes the opening one of another's text, whose lines become rows.
      "1,\"|\"\",\"|5,f|5,f|bye\"|",
    ])
  func aMisplacedQuoteBesideValuesOverSeveralLinesIsRefused(_ rows: String) throws {
    let text = "a,b|0,x|\(rows)".replacing("|", with: "\n")
    let error = #expect(throws: TableProblem.self) { try seenRows(text, columns: ["a", "b"]) }
    #expect(error?.finding.contains("cannot be told apart") == true, "\(error?.finding ?? "")")
  }

  @Test func bytesThatAreNotTextGetAVerdict() throws {
    for bad: [UInt8] in [[0xFF], [0xC3, 0x28], [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80]] {
      let csv = Array("a\n".utf8) + bad + Array("\nok\n".utf8)
      #expect(
        try seenRows(BytesSource(csv), .csv, columns: ["a"])
          == [.fault(2, .invalidText), .row(3, ["ok"])])
      let json = Array("{\"a\": \"".utf8) + bad + Array("\"}\n{\"a\": \"ok\"}".utf8)
      #expect(
        try seenRows(BytesSource(json), .jsonLines, columns: ["a"])
          == [.fault(1, .invalidText), .row(2, ["ok"])])
    }
  }

  @Test func aRowOfMoreThanAMebibyteIsTooLongAndOneOfAMebibyteIsNot() throws {
    for (extra, verdict) in [(-3, nil), (-2, RowVerdict.tooLong), (5_000_000, .tooLong)] {
      let text = String(repeating: "x", count: (1 << 20) + extra)
      let rows = try seenRows(
        BytesSource("a,b\n1,\(text)\r\n12,\(text)\n2,3", chunk: 100_000), .csv, columns: ["a"])
      let first: SeenRow = extra > 0 ? .fault(2, .tooLong) : .row(2, ["1"])
      let second: SeenRow = verdict.map { .fault(3, $0) } ?? .row(3, ["12"])
      #expect(rows == [first, second, .row(4, ["2"])])
    }
  }

  @Test(arguments: [
    "", "\n\n", "\"a\nb\n", "a\0\nb\n", "a\"b\n1\n", String(repeating: "x", count: 2 << 20),
  ])
  func aTableWithoutAHeaderIsRefused(text: String) {
    let error = #expect(throws: TableProblem.self) { try seenRows(text, columns: ["a"]) }
    #expect(error?.finding.contains("header") == true)
  }

  /// Spreadsheets of many countries write semicolons, and the file still ends with .csv.
  @Test(arguments: [("a;b\n1;2\n", "semicolons"), ("a\tb\n1\t2\n", "tabs")])
  func aTableWithOtherSeparatorsIsToldSo(text: String, words: String) throws {
    let error = #expect(throws: TableProblem.self) { try seenRows(text, columns: ["a"]) }
    #expect(error?.finding.contains("separated by \(words) (commas expected)") == true)
    // One column whose name has a semicolon in quotes beside others is a table like others.
    #expect(try seenRows("\"x;y\",a\n1,2\n", columns: ["a"]) == [.row(2, ["2"])])
    // So is one with that column alone, and in quotes nothing is separated.
    for name in ["\"a;b\"", "a;b", "\"a\tb\""] {
      let column = name.replacing("\"", with: "")
      #expect(try seenRows("\(name)\n1\n", columns: [column]) == [.row(2, ["1"])])
    }
    #expect(try seenRows("\"a;b\"\n1\n", columns: ["a"]).count == 1)
  }

  @Test func aHeaderWithADeclaredColumnTwiceIsRefused() throws {
    #expect(throws: TableProblem.self) { try seenRows("a,b, a \n1,2,3\n", columns: ["a"]) }
    #expect(try seenRows("a,b,b\n1,2,3\n", columns: ["a"]) == [.row(2, ["1"])])
  }

  @Test func valuesOfJSONAreTextsNumbersBooleansAndNull() throws {
    let text = """
      {"a": "x", "b": -1.5e+3, "c": true}
      \u{20}{"c":null,"b":[1,{"d":"]}"}],"a":{}}\u{20}
      {"a": "\\u0041\\ud83d\\ude00\\n\\"\\\\\\/\\b\\f\\r\\t", "b": 0, "c": false, "x": {"y": [[]]}}

      {}
      """
    #expect(
      try seenRows(text, .jsonLines, columns: ["a", "b", "c"])
        == [
          .row(1, ["x", "-1.5e+3", "true"]), .row(2, ["", "", ""]),
          .row(3, ["A😀\n\"\\/\u{8}\u{C}\r\t", "0", "false"]), .row(5, [nil, nil, nil]),
        ])
  }

  @Test(arguments: [
    "1", "[]", "{", "}", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{,}", "{\"a\":1} x", "{\"a\":01}",
    "{\"a\":1.}", "{\"a\":.5}", "{\"a\":+1}", "{\"a\":1e}", "{\"a\":nan}", "{\"a\":NaN}",
    "{\"a\":True}", "{'a':1}", "{\"a\":\"x}", "{\"a\":\"\\x\"}", "{\"a\":\"\\u12\"}",
    "{\"a\":\"\\ud800\"}", "{\"a\":\"\\udc00\"}", "{\"a\":\"\\ud800\\u0041\"}", "{\"a\":\"\t\"}",
    "{\"a\":[1}", "{\"a\":[1}]}", "{\"a\":[\"]}", "{\"a\":{\"b\":1}", "{\"a\":1}{\"a\":2}", "null",
    "\"a\"", "{\"a\":1 \"b\":2}", "{\"a\":\"\\", "{a:1}",
  ])
  func aBadLineOfJSONGetsAVerdictAndTheOthersGoOn(line: String) throws {
    let rows = try seenRows("\(line)\n{\"a\": \"ok\"}", .jsonLines, columns: ["a"])
    #expect(rows == [.fault(1, .invalidJSON), .row(2, ["ok"])])
  }

  @Test func aFieldTwiceHasNoValueThatCouldBeMeant() throws {
    #expect(
      try seenRows("{\"a\":1,\"a\":1}\n{\"b\":1,\"b\":2}", .jsonLines, columns: ["a"])
        == [.fault(1, .repeatedField), .row(2, [nil])])
  }

  /// An independent writer of JSON, with random keys, texts and numbers.
  @Test func linesOfAnotherWriterAreReadAsTheyWereMeant() throws {
    var random = SeededStream(seed: 21)
    let letters = Array("aé\u{1F600}\"\\/\n\r\t\u{1},:{}[] \u{2028}0")
    for _ in 0..<2_000 {
      let text = String(
        (0..<Int(random.next() % 12)).map { _ in
          letters[Int(random.next() % UInt64(letters.count))]
        })
      let number = (random.uniform() - 0.5) * 1e6
      let object: [String: Any] = [
        "t": text, "n": number, "z": ["t": text], "b": random.next() % 2 == 0,
      ]
      let line = try JSONSerialization.data(withJSONObject: object)
      let rows = try seenRows(BytesSource(Array(line)), .jsonLines, columns: ["t", "n", "b"])
      guard case .row(1, let values)? = rows.first, rows.count == 1 else {
        Issue.record("\(String(decoding: line, as: UTF8.self)): \(rows)")
        continue
      }
      #expect(values[0] == text)
      #expect(values[1].flatMap(Double.init) == number)
      #expect(values[2] == (object["b"] as? Bool == true ? "true" : "false"))
    }
  }

  /// A writer of the rules of RFC 4180 in three lines, with random fields and chunks.
  @Test func rowsOfAnotherWriterAreReadAsTheyWereMeant() throws {
    var random = SeededStream(seed: 22)
    let letters = Array("ab,\"\n\r é;")
    var (broken, refused) = (0, 0)
    for _ in 0..<500 {
      var meant: [[String]] = []
      for _ in 0..<Int(random.next() % 6 + 1) {
        meant.append(
          (0..<3).map { _ in
            String(
              (0..<Int(random.next() % 5)).map { _ in
                letters[Int(random.next() % UInt64(letters.count))]
              })
          })
      }
      let end = random.next() % 2 == 0 ? "\r\n" : "\n"
      let text = ([["a", "b", "c"]] + meant).map { row in
        row.map { "\"" + $0.replacingOccurrences(of: "\"", with: "\"\"") + "\"" }
          .joined(separator: ",") + end
      }.joined()
      let source = BytesSource(text, chunk: Int(random.next() % 9 + 1))
      let hasBreaks = meant.joined().contains { $0.utf8.contains(0x0A) }
      guard let rows = try? seenRows(source, .csv, columns: ["a", "b", "c"]) else {
        #expect(hasBreaks, "only lines inside a value can be taken for rows: \(text)")
        refused += 1
        continue
      }
      broken += hasBreaks ? 1 : 0
      let found = rows.compactMap { row -> [String?]? in
        if case .row(_, let values) = row { values } else { nil }
      }
      #expect(found == meant.map { $0.map(Optional.some) })
    }
    #expect(broken > 50 && refused < 250, "\(broken) with breaks, \(refused) refused")
  }

  /// Between two stray quotes lie the rows of others, or the text of one row repeats rows: nobody can tell.
  ///
  /// Lines end at |.
  @Test(
    arguments: [
      "1,x,\"stray|2,y,z|3,y,\"|last line\"|", "1,x,\"|2,y,z|2,y,z\"|",
      // The first line of another record whose own text has a break.
      "1,x,\"stray|2,\"|b\",y|", "1,x,\"a|2,\"\"\"\"\",\"\"|\"|",
    ])
  func aQuotedValueOverLinesThatCouldBeRowsIsRefused(_ rows: String) {
    let text = "a,b,note|0,x,y|\(rows)4,x,y|".replacing("|", with: "\n")
    let error = #expect(throws: TableProblem.self) { try seenRows(text, columns: ["a", "b"]) }
    #expect(error?.finding.contains("rows and text cannot be told apart") == true)
    #expect(error?.finding.contains("last line") == false, "it names no value")
  }

  @Test func aQuotedValueOverOtherLinesIsOneRow() throws {
    let rows = try seenRows(
      "a,b,note\n1,x,\"first\nsecond line, with a comma\n\nsaid \"\"yes\"\"\"\n2,y,z\n",
      columns: ["a", "b"])
    #expect(rows == [.row(2, ["1", "x"]), .row(6, ["2", "y"])])
  }

  /// Notes of people often end with an empty line.
  @Test func aValueThatEndsWithALineBreakIsReadAsItWasMeant() throws {
    let rows = try seenRows(
      "a,b,note\n1,x,\"end\n\"\n2,\"end\n\",x\n\"3\n\",\"y\n\",\"z\n\n\"\n4,y,z\n",
      columns: ["a", "b"])
    #expect(
      rows == [
        .row(2, ["1", "x"]), .row(4, ["2", "end\n"]), .row(6, ["3\n", "y\n"]),
        .row(11, ["4", "y"]),
      ])
  }

  /// If a record over several lines were given up for its length, its further lines would be read as rows, and one
  /// person would have as many as the record has lines.
  ///
  /// Lines end at |; records have at most 50 bytes.
  @Test(
    arguments: [
      "1,\"\(String(repeating: "9,z|", count: 20))\"|",
      "1,\"\(String(repeating: "x|", count: 30))9,z|\"|",
      // The value goes on in the next line, and it begins before or after the longest record ends.
      "1,\"\(String(repeating: "x", count: 60))|9,z|\"|",
      "\(String(repeating: "x", count: 200_000)),\"|9,z|\"|",
      "1,\"\(String(repeating: "x", count: 60))\"\"|9,z|\"|",
      // The record ends one byte after the longest one.
      "1,\"\(String(repeating: "x", count: 44))|9,\"|",
    ])
  func aLongRecordOverSeveralLinesIsRefused(_ record: String) throws {
    let text = "a,b|0,x|\(record)4,y|".replacing("|", with: "\n")
    let error = #expect(throws: TableProblem.self) {
      try seenRows(BytesSource(text, chunk: 1_000), .csv, columns: ["a", "b"], limit: 50)
    }
    #expect(error?.finding.contains("goes on over several lines") == true, "\(record)")
  }

  @Test(
    arguments: [
      "1,\"\(String(repeating: "x", count: 60))\"",
      "\"\(String(repeating: "x", count: 60))\"\"\",1\r",
      "\(String(repeating: "x", count: 60))\"1,\"",
      "\(String(repeating: "x", count: 60)),\"1\",\"\"",
    ])
  func aLongRecordOfOneLineIsGivenUpAlone(_ record: String) throws {
    let rows = try seenRows("a,b\n\(record)\n4,y\n", columns: ["a", "b"], limit: 50)
    #expect(rows == [.fault(2, .tooLong), .row(3, ["4", "y"])])
  }

  /// `\"` ends a value by RFC 4180, so the lines after it would be rows of one person.
  @Test(
    arguments: [
      "\"he said \\\"hi\\\"|9,z|\"", "\"5' 10\\\"|9,z|end\"", "\"5' 10\\\", tall|9,z|end\"",
      "\"no \\\", and \\\"hi\\\"\"", "a \\\"b\\\"",
    ])
  func aQuoteAfterABackslashIsRefused(value: String) throws {
    let text = "a,b|1,\(value)|2,y|".replacing("|", with: "\n")
    let error = #expect(throws: TableProblem.self) { try seenRows(text, columns: ["a", "b"]) }
    #expect(error?.finding.contains("follows a backslash") == true)
    // A value may end with one.
    #expect(
      try seenRows("a,b\n1,\"C:\\\"\n\"D:\\\",2\n", columns: ["a", "b"])
        == [.row(2, ["1", "C:\\"]), .row(3, ["D:\\", "2"])])
  }

  /// A stray quote in the header would take the rows up to the next quote into the name of a column.
  ///
  /// Lines end at |.
  @Test(arguments: ["a,\"b|1,x|2,x\"|3,y|", "a,\"b|(years)\"|3,y|"])
  func aHeaderOverSeveralLinesIsRefused(text: String) throws {
    let error = #expect(throws: TableProblem.self) {
      try seenRows(text.replacing("|", with: "\n"), columns: ["a"])
    }
    #expect(error?.finding.contains("header of a table goes on over several lines") == true)
  }

  /// Reading begins anew at each record: the rows before and after a row do not depend on it.
  @Test func takingARowOutLeavesTheOthersAsTheyAre() throws {
    var random = SeededStream(seed: 23)
    let kinds = [
      "1,2", "\"x\ny\",3", "\"a,\"\"b\"\"\",", "1,2,3", "stray\"quote,1", "\"closed\" twice,1",
      "\"\",\"\"",
      "\0,1", "é,\u{1F600}",
    ]
    var read = 0
    for _ in 0..<400 {
      let rows = (0..<8).map { _ in kinds[Int(random.next() % UInt64(kinds.count))] }
      let taken = Int(random.next() % 8)
      func texts(_ rows: [String]) throws -> [String] {
        try seenRows("a,b\n" + rows.map { $0 + "\n" }.joined(), columns: ["a", "b"]).map {
          switch $0 {
          case .row(_, let values): "\(values)"
          case .fault(_, let reason): reason.rawValue
          }
        }
      }
      // A misplaced quote beside a value over two lines refuses the table.
      guard let all = try? texts(rows) else {
        #expect(
          rows.contains { $0.contains("\n") }
            && rows.contains { $0.contains("d\" t") || $0.contains("y\"q") })
        continue
      }
      read += 1
      var others = rows
      others.remove(at: taken)
      #expect(all.count == 8)
      var expected = all
      expected.remove(at: taken)
      #expect(try texts(others) == expected, "\(rows) without \(taken)")
    }
    #expect(read > 100, "\(read) tables were read")
  }
}
