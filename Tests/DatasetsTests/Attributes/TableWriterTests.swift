import Compute
import Foundation
import Testing

@testable import Datasets

@Suite struct TableWriterTests {
  private static let columns = [
    colour, age, weight, sex,
    ColumnDomain(
      name: "=note, \"x\"",
      values: .categories(["=1+1", "+2", "-3", "@a", "a,b", "say \"é\"", "plain", "a=b", "'q"])),
  ]

  private func table(_ codes: [UInt8], _ format: TableWriter.Format, seed: UInt64 = 1) -> String {
    var writer = TableWriter(columns: Self.columns, format: format, seed: seed)
    return String(decoding: writer.header + writer.lines(codes), as: UTF8.self)
  }

  private static let codes: [UInt8] = {
    var random = SeededStream(seed: 61)
    return (0..<200).flatMap { _ in
      columns.map { UInt8(random.next() % UInt64($0.codeCount)) }
    }
  }()

  @Test func textsThatASpreadsheetWouldRunAreQuotedAndMarked() throws {
    let column = Self.columns[4]
    var writer = TableWriter(
      columns: [
        column,
        ColumnDomain(
          name: "n", values: .numbers(minimum: -5, maximum: -4, bins: 2, areIntegers: true)),
      ], format: .csv, seed: 1)
    #expect(String(decoding: writer.header, as: UTF8.self) == "\"'=note, \"\"x\"\"\",n\r\n")
    let lines = writer.lines((0..<10).flatMap { [UInt8($0), UInt8($0 % 3)] })
    #expect(
      String(decoding: lines, as: UTF8.self)
        == """
        "'=1+1",-5\r
        "'+2",-4\r
        "'-3",\r
        "'@a",-5\r
        "a,b",-4\r
        "say ""é""\",\r
        plain,-5\r
        a=b,-4\r
        'q,\r
        ,-5\r

        """)
    #expect(TableWriter.field("\tx") == "\"'\tx\"")
    #expect(TableWriter.field("\rx") == "\"'\rx\"")
    #expect(TableWriter.field("\r\nx") == "\"'\r\nx\"")
    #expect(TableWriter.field("") == "")
    #expect(TableWriter.field("a\nb") == "\"a\nb\"")
  }

  @Test func whatIsWrittenHasItsCodesAgain() throws {
    for format in TableWriter.Format.allCases {
      let text = table(Self.codes, format)
      // The names and texts as they are in the table, with the apostrophes of CSV.
      let columns =
        format == .jsonLines
        ? Self.columns
        : Self.columns.dropLast() + [
          ColumnDomain(
            name: "'=note, \"x\"",
            values: .categories([
              "'=1+1", "'+2", "'-3", "'@a", "a,b", "say \"é\"", "plain", "a=b", "'q",
            ]))
        ]
      var found: [UInt8] = []
      let encoders = columns.map(ColumnEncoder.init)
      let stream = try TableStream(
        BytesSource(text), format: format == .csv ? .csv : .jsonLines,
        columns: columns.map(\.name))
      #expect(stream.absent.isEmpty)
      while let step = try stream.next() {
        guard case .row = step else {
          Issue.record("\(step)")
          continue
        }
        for (encoder, text) in zip(encoders, stream.values.texts) {
          found.append(try #require(encoder.code(of: text)))
        }
      }
      #expect(found == Self.codes)
    }
  }

  /// An independent reader.
  @Test func everyLineIsJSONWithNumbersAsNumbers() throws {
    let lines = table(Self.codes, .jsonLines).split(separator: "\n")
    #expect(lines.count == 200)
    for (row, line) in lines.enumerated() {
      let object = try #require(
        try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
      let codes = Array(Self.codes[(row * 5)..<(row * 5 + 5)])
      #expect(object.count == 5)
      #expect(
        (object["colour"] as? String)
          == (codes[0] < 3 ? ["red", "green", "blue"][Int(codes[0])] : nil))
      let number = object["age"] as? Int
      #expect(codes[1] < 10 ? number.map { $0 / 10 } == Int(codes[1]) : object["age"] is NSNull)
      let real = object["weight"] as? Double
      #expect(codes[2] < 4 ? real.map { Int($0 * 2) } == Int(codes[2]) : object["weight"] is NSNull)
      #expect((object["sex"] as? String) == ["f", "m"][Int(codes[3])])
    }
  }

  @Test func aSeedGivesTheSameBytesHoweverTheRowsAreDivided() throws {
    for format in TableWriter.Format.allCases {
      let whole = table(Self.codes, format)
      #expect(table(Self.codes, format) == whole)
      #expect(table(Self.codes, format, seed: 2) != whole)
      var writer = TableWriter(columns: Self.columns, format: format, seed: 1)
      var parts = writer.header
      for row in 0..<200 { parts += writer.lines(Self.codes[(row * 5)..<(row * 5 + 5)]) }
      #expect(String(decoding: parts, as: UTF8.self) == whole)
    }
  }
}
