import FoundationEssentials
import Testing

@testable import Control

@Suite struct ErrorWordsTests {
  private struct Sample: Decodable {
    struct Inner: Decodable { let epsilonMaximum: Double }
    let inner: Inner
    let names: [String]
    let count: Int
    let isOpen: Bool
  }

  @Test(arguments: [
    ("{", "not JSON, or cut off"), ("[]", "JSON: of the wrong type"),
    (#"{"inner": {}}"#, "field 'inner.epsilon_maximum': missing."),
    (
      #"{"inner": {"epsilonMaximum": "x"}}"#, "'inner.epsilon_maximum': of the wrong type (a number"
    ),
    (
      #"{"inner": {"epsilonMaximum": 1}, "names": 5}"#,
      "'names': of the wrong type (a list expected)"
    ),
    (
      #"{"inner": {"epsilonMaximum": 1}, "names": [], "count": null}"#,
      "'count': null (a whole number expected)"
    ),
  ]) func whatDoesNotFitIsNamedInWords(_ json: String, _ words: String) {
    let error = #expect(throws: DecodingError.self) {
      try JSONDecoder().decode(Sample.self, from: Data(json.utf8))
    }
    let text = error.map { ErrorWords.text(of: $0) } ?? ""
    #expect(text.contains(words), "\(text)")
    #expect(!text.contains("Swift.") && !text.contains("codingPath"), "\(text)")
  }

  @Test func filesThatCannotBeReadAreNamedWithTheReason() {
    let missing = #expect(throws: (any Error).self) {
      try Data(contentsOf: URL(filePath: "/nowhere/at/all"))
    }
    let text = missing.map { ErrorWords.text(of: $0) } ?? ""
    #expect(text == "/nowhere/at/all: there is no such file or folder. Check the path.")
  }

  @Test func whatNobodyForesawNamesItsKindAlone() {
    struct Odd: Error { let secret = 5 }
    let text = ErrorWords.text(of: Odd())
    #expect(text.contains("of type Odd") && !text.contains("secret"))
    #expect(ErrorWords.text(of: CancellationError()) == "it was stopped.")
    #expect(ControlError(inWords: ControlError.busy("x")) == .busy("x"))
  }

  @Test func complaintsAreLinesOrProblems() throws {
    let error = ControlError.refusedByPolicy("no \"more\"")
    #expect(error.complaint(of: "figment", asJSON: false) == "figment: no \"more\"")
    let json = error.complaint(of: "figment", asJSON: true)
    #expect(!json.contains("\n"))
    let problem = try ControlCoding.decode(Problem.self, from: Data(json.utf8))
    #expect(problem.error == error && problem.exitCode == .refused)
  }
}

@Suite struct NumberTests {
  @Test(arguments: [
    (0.1 + 0.2, "0.3"), (1e-5, "1e-5"), (0.00001234, "1.234e-5"), (10, "10"), (60_000, "60,000"),
    (1e-12, "1e-12"), (2.5, "2.5"), (0, "0"), (-3, "-3"), (123456.789, "123456.789"),
    (1234567, "1,234,567"), (9.99999999999, "10"), (Double.infinity, "inf"),
  ]) func numbersAreAsPeopleWriteThem(_ value: Double, _ text: String) {
    #expect(Rounded.number(value) == text)
  }

  @Test(arguments: [
    (0, "0"), (999, "999"), (1000, "1,000"), (60_000, "60,000"), (-1_234_567, "-1,234,567"),
    (Int.max, "9,223,372,036,854,775,807"), (Int.min, "-9,223,372,036,854,775,808"),
  ]) func countsHaveCommas(_ value: Int, _ text: String) {
    #expect(Rounded.count(value) == text)
  }
}

@Suite struct CommandWordsTests {
  private let words = CommandWords([
    "status": CommandWords(), "train": CommandWords(),
    "config": CommandWords(["check": CommandWords()]),
    "ledger": CommandWords(["verify": CommandWords()], needsWord: false),
  ])

  private func refusal(_ arguments: String...) -> String? {
    do throws(ControlError) {
      try words.check(arguments, of: "figment")
      return nil
    } catch {
      #expect(error.exitCode == .usage)
      return error.message
    }
  }

  @Test func knownWordsPass() {
    #expect(refusal("status") == nil && refusal("config", "check", "--json") == nil)
    #expect(refusal("ledger") == nil && refusal("ledger", "glyphs") == nil)
    #expect(refusal() == nil && refusal("--help") == nil && refusal("help", "train") == nil)
    #expect(refusal("train", "anything") == nil)
  }

  @Test func misspeltWordsGetASuggestion() {
    #expect(
      refusal("staus") == "command 'figment staus': unknown. Did you mean 'figment status'?")
    #expect(
      refusal("config", "chekc")
        == "command 'figment config chekc': unknown. Did you mean 'figment config check'?")
    #expect(
      refusal("help", "staus") == "command 'figment staus': unknown. Did you mean 'figment status'?"
    )
    #expect(refusal("zzz")?.hasSuffix("Known: config, ledger, status, train.") ?? false)
  }
}

@Suite struct TerminalTests {
  @Test func longTextsBreakBetweenWords() {
    #expect(Terminal.lines("one two three", width: 8) == ["one two", "three"])
    #expect(Terminal.lines("  one two three", width: 9) == ["  one two", "  three"])
    #expect(Terminal.lines("short", width: 8) == ["short"])
    #expect(
      Terminal.lines("see /a/very/long/path now", width: 8) == ["see", "/a/very/long/path", "now"])
    #expect(Terminal.lines("", width: 8) == [""])
  }

  @Test func progressFitsEveryWidth() {
    let progress = JobProgress(
      phase: .train, done: 1200, total: 4000, plannedEpsilon: 0.8312, targetEpsilon: 2,
      speed: 12.34,
      remainingSeconds: 226)
    let widths = Array(20...140)
    for width in widths {
      let line = ProgressLine.bar(progress, width: width)
      #expect(line.count < width, "\(line)")
      #expect(line.contains("30%"), "\(line)")
    }
    let usual = ProgressLine.bar(progress, width: 80)
    #expect(usual.contains("step 1,200/4,000") && usual.contains("epsilon 0.832 of 2"), "\(usual)")
    #expect(usual.contains("3 min 46 s left"), "\(usual)")
  }

  /// Evaluations and audits print the same progress line as jobs.
  @Test func workThatIsNoJobHasTheSameLine() {
    #expect(
      ProgressLine.bar("reading real images", share: 0.375, elapsedSeconds: 12, width: 80)
        == "reading real images [#########---------------] 37%  12 s")
    #expect(
      ProgressLine.plain("reading real images", share: 0.375, elapsedSeconds: 12)
        == "reading real images: 37%, 12 s")
    for width in 20...140 {
      let line = ProgressLine.bar(
        "reading real images", share: 1.5, elapsedSeconds: 0, width: width)
      #expect(line.count < width, "\(line)")
    }
    #expect(
      ProgressLine.bar("train", share: 0.5, elapsedSeconds: 4, width: 80)
        == ProgressLine.bar("train", share: 0.5, elapsedSeconds: 4, width: 200))
  }

  @Test func shortWorkGetsALineForEveryTenPercent() {
    var plain = PlainProgress(stride: 10)
    let shown = (0...100).filter { plain.deservesLine("drawing images", share: Double($0) / 100) }
    #expect(shown == Array(stride(from: 0, through: 100, by: 10)))
    let isNextShown = plain.deservesLine("reading images", share: 0)
    #expect(isNextShown)
  }
}
