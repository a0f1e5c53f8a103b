import Compute
import Foundation
import Testing

@testable import Datasets

@Suite struct ColumnDomainTests {
  @Test(
    arguments: [
      ("red", 0), (" blue\t", 2), ("Red", 3), ("violet", 3), ("", 3), ("NA", 3), ("NaN", 3),
      ("inf", 3), ("1", 3), ("red;", 3),
    ])
  func aCategoryHasItsCodeAndEveryOtherTextIsMissing(text: String, code: Int) {
    #expect(colour.code(of: text) == code)
  }

  /// Ten bins of 0...99 hold ten whole numbers each.
  @Test(
    arguments: [
      ("0", 0), ("9", 0), ("10", 1), (" 42 ", 4), ("42.0", 4), ("4.2e1", 4), ("+7", 0), ("99", 9),
      ("-1", 10), ("100", 10), ("1e300", 10), ("1e999", 10), ("42.5", 10), ("forty", 10),
      ("0x10", 10), ("1_0", 10), ("1,5", 10), ("NaN", 10), ("nan", 10), ("inf", 10),
      ("-Infinity", 10), ("", 10), (".", 10), ("1e", 10), ("--1", 10), ("٤", 10),
    ])
  func aWholeNumberHasTheCodeOfItsBinAndEverythingElseIsMissing(text: String, code: Int) {
    #expect(age.code(of: text) == code)
  }

  @Test(
    arguments: [
      ("0", 0), ("0.49999999", 0), ("0.5", 1), (".5", 1), ("1.", 2), ("1.999", 3), ("2", 3),
      ("2.0000001", 4), ("-0.0000001", 4), ("-0", 0),
    ])
  func aNumberHasTheCodeOfItsBinAndIsNeverMovedIntoTheRange(text: String, code: Int) {
    #expect(weight.code(of: text) == code)
  }

  @Test func aRowIsLeftOutWhereNoValueMayBeMissing() {
    #expect(sex.code(of: "m") == 1)
    #expect(sex.code(of: "x") == nil)
    #expect(sex.code(of: "") == nil)
    #expect(sex.codeCount == 2)
  }

  @Test func aCategoryMayBeCalledNAAndBothSpellingsOfALetterAreOne() {
    let land = ColumnDomain(name: "land", values: .categories(["NA", "Côte d\u{2019}Ivoire"]))
    #expect(land.code(of: "NA") == 0)
    #expect(land.code(of: "Co\u{302}te d\u{2019}Ivoire") == 1)
  }

  @Test func edgesDivideTheRange() {
    #expect(weight.binEdges == [0, 0.5, 1, 1.5, 2])
    #expect(age.binEdges == [0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100])
    let dice = ColumnDomain(
      name: "dice", values: .numbers(minimum: 1, maximum: 6, bins: 4, areIntegers: true))
    #expect(dice.binEdges == [1, 3, 4, 6, 7])
    #expect((1...6).map { dice.code(of: "\($0)") } == [0, 0, 1, 2, 2, 3])
    #expect(colour.binEdges.isEmpty)
  }

  /// Also for ranges whose edges are not exact in binary, and for the numbers beside each edge.
  @Test(
    arguments: [
      (0.0, 1.0, 10, false), (0.1, 0.7, 7, false), (-1e9, 3e9, 255, false), (1e-9, 2e-9, 3, false),
      (-5.0, 5.0, 11, true), (0, 1e15, 250, true), (-0x1p53, 0x1p53, 255, true), (3, 4, 2, true),
      (-1e300, 1e300, 100, false),
    ])
  func aDrawnTextHasItsCodeAgain(minimum: Double, maximum: Double, bins: Int, whole: Bool) throws {
    let column = ColumnDomain(
      name: "x",
      values: .numbers(minimum: minimum, maximum: maximum, bins: bins, areIntegers: whole))
    try ColumnDomain.check([column])
    var stream = SeededStream(seed: 3)
    let edges = column.binEdges
    #expect(edges.count == bins + 1)
    #expect(zip(edges, edges.dropFirst()).allSatisfy { $0 < $1 })
    for code in 0..<bins {
      for _ in 0..<40 {
        let text = column.text(of: code, using: &stream)
        #expect(column.code(of: text) == code, "\(text)")
        let number = try #require(Double(text))
        #expect(number >= edges[code] && number <= edges[code + 1])
        #expect(!whole || number.rounded() == number)
      }
      #expect(column.code(of: "\(edges[code])") == code)
      if !whole { #expect(column.code(of: "\(edges[code + 1].nextDown)") == code) }
    }
    #expect(column.text(of: bins, using: &stream) == "")
  }

  /// 4,000 draws from a bin of ten ages: each is expected 400 times, with a standard deviation of 19.
  @Test func drawsAreUniformInTheirBin() throws {
    var stream = SeededStream(seed: 8)
    var counts = [Int](repeating: 0, count: 10)
    for _ in 0..<4_000 {
      let number = try #require(Int(age.text(of: 4, using: &stream)))
      counts[number - 40] += 1
    }
    #expect(counts.allSatisfy { abs($0 - 400) < 95 }, "\(counts)")
    let numbers = (0..<4_000).compactMap { _ in Double(weight.text(of: 1, using: &stream)) }
    // The mean of 4,000 uniform numbers of 0.5...1 has a standard deviation of 0.0023.
    #expect(numbers.count == 4_000)
    #expect(abs(numbers.reduce(0, +) / 4_000 - 0.75) < 0.012)
  }

  private static func numbers(
    _ minimum: Double, _ maximum: Double, _ bins: Int, whole: Bool = false
  ) -> ColumnDomain {
    ColumnDomain(
      name: "x",
      values: .numbers(minimum: minimum, maximum: maximum, bins: bins, areIntegers: whole))
  }

  private static func words(_ names: [String], name: String = "x", missing: Bool = true)
    -> ColumnDomain
  { ColumnDomain(name: name, values: .categories(names), allowsMissing: missing) }

  @Test(
    arguments: [
      ([words([])], "0 categories"), ([words(["a", "a"])], "twice"),
      ([words(["a", ""])], "is empty"), ([words([" a"])], "space"), ([words(["a\nb"])], "control"),
      ([words(["é", "e\u{301}"])], "twice"), ([words((0..<256).map { "\($0)" })], "at most 256"),
      ([words((0..<257).map { "\($0)" }, missing: false)], "at most 256"),
      ([words(["a"], name: "")], "is empty"), ([words(["a"], name: "a\u{0}")], "control"),
      ([words(["a"], name: "file_name")], "path"), ([words(["a"], name: "File_Name")], "path"),
      ([words(["a"], name: "mask_file_name")], "path"), ([words(["a"], name: "a/b")], "path"),
      ([words(["a"], name: "path")], "path"), ([words(["a"], name: "a\\b")], "path"),
      ([words(["a"], name: String(repeating: "n", count: 1_001))], "1,000 bytes"),
      ([words(["a"]), words(["b"])], "declared twice"),
      ([words(["a"], name: "a\u{202E}b")], "control character"),
      ([words(["\u{2066}a"])], "control character"), ([numbers(0, 0, 3)], "smaller"),
      ([numbers(1, 0, 3)], "smaller"),
      ([numbers(0, .infinity, 3)], "finite"), ([numbers(.nan, 1, 3)], "finite"),
      ([numbers(-1.7e308, 1.7e308, 3)], "finite"), ([numbers(0, 1, 0)], "0 categories or bins"),
      ([numbers(0, 1, -1)], "-1 categories or bins"), ([numbers(0, 1, 256)], "at most 256"),
      ([numbers(1, 1.0.nextUp, 2)], "precision"), ([numbers(0, 2.5, 2, whole: true)], "whole"),
      ([numbers(0, 1e17, 2, whole: true)], "2^53"), ([numbers(0, 3, 5, whole: true)], "one bin"),
      ((0..<257).map { words(["a"], name: "c\($0)") }, "257 columns"),
    ])
  func aDomainThatCannotBeMeantIsRefused(columns: [ColumnDomain], finding: String) throws {
    let error = #expect(throws: DatasetError.self) { try ColumnDomain.check(columns) }
    #expect(error?.description.contains(finding) == true, "\(String(describing: error))")
    #expect(error?.description.contains("expected") == true)
  }

  @Test func theLargestDomainsAreAccepted() throws {
    try ColumnDomain.check(
      (0..<256).map { Self.words((0..<255).map { "\($0)" }, name: "c\($0)") })
    try ColumnDomain.check([Self.words((0..<256).map { "\($0)" }, missing: false)])
    try ColumnDomain.check([Self.words(["only"], missing: false)])
    // Joiners belong to words of some languages.
    try ColumnDomain.check([Self.words(["a\u{200C}b"])])
    try ColumnDomain.check([])
  }

  @Test func rulesOfEarlierVersionsHaveNoColumns() throws {
    let old = #"{"privacyUnit":"file","crossesFileSystems":false,"colour":"convert"}"#
    let rules = try JSONDecoder().decode(DatasetRules.self, from: Data(old.utf8))
    #expect(rules == DatasetRules())
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    #expect(
      String(decoding: try encoder.encode(DatasetRules()), as: UTF8.self)
        == #"{"colour":"convert","crossesFileSystems":false,"privacyUnit":"file"}"#)
    let full = DatasetRules(
      classes: ["all"], privacyUnit: .folder, maximumPerUnit: 3, whiteLevel: 9,
      columns: [colour, age, weight, sex], personColumn: "who")
    #expect(try JSONDecoder().decode(DatasetRules.self, from: encoder.encode(full)) == full)
    #expect(DatasetRules(columns: [sex]).leavingNoneOut == DatasetRules())
    // Identical files with different rows are left out even where every value may be missing.
    #expect(DatasetRules(columns: [colour]).leavingNoneOut == DatasetRules())
  }
}
