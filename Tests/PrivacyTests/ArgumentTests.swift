import FoundationEssentials
import Testing

/// The privacy argument and the list of threats name files and tests; these tests check that they
/// exist.
@Suite struct ArgumentTests {
  private static let argument = "Sources/Privacy/Privacy.docc/ThePrivacyArgument.md"
  private static let threats = "THREATS.md"
  private static let mutants = "Tests/Mutants/mutants.py"

  private let root =
    "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/") + "/"

  private func text(_ path: String) throws -> String {
    String(decoding: try Data(contentsOf: URL(fileURLWithPath: root + path)), as: UTF8.self)
  }

  /// The code spans of a page, such as paths and names of tests.
  private func names(in page: String) throws -> [String] {
    try text(page).matches(of: /`([^`\n]+)`/).map { String($0.1) }
  }

  /// Every test as Suite/name; the tests of a suite follow its opening line.
  private func tests() throws -> Set<String> {
    var tests: Set<String> = []
    let folder = root + "Tests"
    for path in try FileManager.default.subpathsOfDirectory(atPath: folder)
    where path.hasSuffix("Tests.swift") {
      let source = try text("Tests/" + path)
      let suites = source.matches(of: /struct (\w+Tests)\b/)
      for test in source.matches(of: /@Test[^{}]*?func (\w+)/) {
        let suite = suites.last { $0.range.lowerBound < test.range.lowerBound }
        if let suite { tests.insert("\(suite.1)/\(test.1)") }
      }
    }
    return tests
  }

  @Test(arguments: [argument, threats])
  func everyFileAndTestThatTheArgumentNamesExists(_ page: String) throws {
    let tests = try tests()
    let names = try names(in: page)
    let paths = names.filter { $0.contains(/^(Sources|Tests|Scripts|Models|Systemd)\//) }
    #expect(paths.count > 10)
    for path in paths {
      #expect(FileManager.default.fileExists(atPath: root + path), "\(page): no file \(path)")
    }
    let named = names.filter { $0.contains(/^\w+Tests\/\w+$/) }
    #expect(named.count > 10)
    for test in named {
      let isThere = tests.contains(test)
      #expect(isThere, "\(page): no test \(test)")
    }
  }

  /// Every seeded bug is listed after the test that kills it, or in words if the compiler refuses it.
  @Test func everyMutantIsListedWithItsTestInTheArgument() throws {
    let source = try text(Self.mutants)
    let page = try text(Self.argument).split(whereSeparator: \.isWhitespace)
      .joined(separator: " ")
    let seeded = source.matches(of: /Mutant\(\s*'(\w+)',[^\n]*\s*'\w+\.(\w+\/\w+)'/)
    #expect(seeded.count == source.matches(of: /\n  Mutant\(/).count && seeded.count > 30)
    for mutant in seeded {
      let (number, test) = (String(mutant.1), String(mutant.2))
      if test == "none/none" {
        #expect(page.contains("(mutant \(number))") || page.contains("(mutant \(number), refused"))
        continue
      }
      let list = page.after("`\(test)` (mutant").prefix { $0 != ")" }
      let isTold = list.matches(of: /\w+/).contains { $0.0 == number }
      #expect(isTold, "mutant \(number) is not named with \(test)")
    }
  }
}

extension String {
  /// The text after the first occurrence of another text; empty if there is none.
  fileprivate func after(_ text: String) -> Substring {
    guard let range = firstRange(of: text) else { return "" }
    return self[range.upperBound...]
  }
}
