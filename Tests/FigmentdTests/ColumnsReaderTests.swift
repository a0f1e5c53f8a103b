import Control
import Datasets
import Foundation
import Testing

@testable import figmentd

/// Declarations of columns in a file.
@Suite struct ColumnsReaderTests {
  private func read(_ text: String) throws -> [ColumnDomain] {
    let scratch = ScratchFolder()
    return try ColumnsFile.read(scratch.write("columns.yaml", text))
  }

  private static let declared = [
    ColumnDomain(
      name: "age",
      values: .numbers(minimum: 0, maximum: 99, bins: 10, areIntegers: true)),
    ColumnDomain(name: "site", values: .categories(["north", "south"]), allowsMissing: false),
  ]

  @Test func columnsAreReadInTheirOrder() throws {
    let text = """
      age: {minimum: 0, maximum: 99, bins: 10, integers: true}
      site: {categories: [north, south], missing: false}
      """
    #expect(try read(text) == Self.declared)
    // With the line above them in a configuration.
    let lines = text.split(separator: "\n").map { "  \($0)" }
    #expect(try read((["columns:"] + lines).joined(separator: "\n")) == Self.declared)
  }

  @Test func aColumnMayBeCalledColumns() throws {
    let found = try read("columns: {categories: [a, b]}")
    #expect(found == [ColumnDomain(name: "columns", values: .categories(["a", "b"]))])
  }

  @Test(arguments: [
    ("age: {min: 0, maximum: 9, bins: 3}", "key 'age.min': unknown. Did you mean 'minimum'?"),
    ("age: {minimum: 0, max: 9, bins: 3}", "maximum"), ("age: {}", "no domain"),
    ("age: {categories: [a, a]}", "occurs twice"), ("", "empty"),
    ("age: {categories: [a]}\nage: {categories: [b]}", "twice"),
  ])
  func aSlipOfThePenIsNamed(_ text: String, finding: String) {
    let error = #expect(throws: ConfigurationError.self) { try read(text) }
    #expect(error?.description.contains(finding) == true, "\(error?.description ?? "")")
  }

  /// Comparing each of a hundred thousand words with all before it would take half a minute.
  @Test func aListOfManyWordsIsReadInLinearTime() {
    let words = (0..<100_000).map { "w\($0)" }.joined(separator: ", ")
    let time = ContinuousClock().measure {
      let error = #expect(throws: ConfigurationError.self) {
        try read("a: {categories: [\(words)]}")
      }
      #expect(error?.description.contains("at most 256 codes") == true)
    }
    #expect(time < .seconds(30))
  }
}
