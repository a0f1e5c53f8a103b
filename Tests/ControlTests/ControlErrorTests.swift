import Control
import FoundationEssentials
import Testing

@Suite struct ControlErrorTests {
  static let errors: [(ControlError, Int, Int32)] = [
    (.invalid("t"), 400, 64), (.notFound("t"), 404, 5), (.refusedByPolicy("t"), 403, 4),
    (.forbidden("t"), 403, 1), (.conflict("t"), 409, 1), (.tooLarge("t"), 413, 1),
    (.timedOut("t"), 408, 1), (.busy("t"), 503, 1), (.shuttingDown("t"), 503, 3),
    (.unreachable("t"), 503, 3), (.failed("t"), 500, 1),
  ]

  @Test(arguments: errors) func everyErrorSurvivesTheWire(
    _ error: ControlError, _ status: Int, _ exitCode: Int32
  ) throws {
    let problem = try ControlCoding.decode(
      Problem.self, from: ControlCoding.encode(error.problem))
    #expect(problem.error == error)
    #expect(problem.status == status)
    #expect(problem.exitCode.rawValue == exitCode)
    #expect(problem.type.hasPrefix("urn:figment:problem:"))
  }

  @Test func unknownNamesGetAHint() {
    let error = ControlError.unknown("dataset", "glyhps", among: ["faces", "glyphs"])
    #expect(error.message == "dataset 'glyhps': unknown. Did you mean 'glyphs'?")
    let far = ControlError.unknown("dataset", "mountains", among: ["faces", "glyphs"])
    #expect(far.message == "dataset 'mountains': unknown. Known: faces, glyphs.")
    let none = ControlError.unknown("job", "a-1", among: [])
    #expect(none.message == "job 'a-1': unknown. No job exists yet. 'figment train' submits one.")
  }
}

@Suite struct SpellingTests {
  @Test(arguments: [
    ("epsilom", "epsilon"), ("epslion", "epsilon"), ("epsion", "epsilon"), ("epsilonn", "epsilon"),
  ]) func aSlipIsRecognised(_ word: String, _ meant: String) {
    #expect(Spelling.nearest(to: word, among: ["delta", "epsilon", "steps"]) == meant)
  }

  @Test func anotherWordIsNot() {
    #expect(Spelling.nearest(to: "banana", among: ["delta", "epsilon", "steps"]) == nil)
    #expect(Spelling.nearest(to: "", among: ["delta"]) == nil)
    #expect(Spelling.nearest(to: "eps", among: ["delta", "epsilon", "steps"]) == "epsilon")
    #expect(Spelling.nearest(to: "ab", among: ["abcdefg", "abcxyzw"]) == nil)
    #expect(Spelling.nearest(to: "x", among: ["0", "1"]) == nil)
  }
}

@Suite struct NameTests {
  @Test(arguments: ["a", "7", "glyphs-7", "my.faces_2"]) func plainNames(_ name: String) {
    #expect(Name.isValid(name))
  }

  @Test(arguments: [
    "", ".", "..", ".a", "-a", "_a", "a/b", "../a", "a b", "A", "ü", "a\0b", "a\n",
    String(repeating: "a", count: 81),
  ]) func namesThatCouldBePathsOrWorse(_ name: String) {
    #expect(!Name.isValid(name))
    #expect(JobID(name) == nil)
  }

  @Test func aJobIsNamedByItsDatasetAndNumber() {
    let id = JobID(dataset: "my-faces", number: 12)
    #expect(id.name == "my-faces-12")
    #expect(id.number == 12)
    #expect(JobID("glyphs")?.number == nil)
  }
}

@Suite struct JobProgressTests {
  @Test(arguments: JobPhase.allCases) func countsOfRealImagesAreToldInPercent(_ phase: JobPhase) {
    let progress = JobProgress(
      phase: phase, done: 12_345, total: 60_000, speed: 900, remainingSeconds: 50)
    if phase.countsRealImages {
      #expect(progress.done == 20)
      #expect(progress.total == 100)
      #expect(progress.speed == nil)
      #expect(progress.remainingSeconds == nil)
    } else {
      #expect(progress.done == 12_345)
      #expect(progress.total == 60_000)
      #expect(progress.speed == 900)
    }
  }

  @Test func anUnknownTotalHasNoFraction() {
    #expect(JobProgress(phase: .scan, done: 5, total: 0).fraction == nil)
    #expect(JobProgress(phase: .train, done: 3, total: 4).fraction == 0.75)
  }

  @Test func onlyReleasableFieldsHaveAName() throws {
    let full = JobProgress(
      phase: .train, name: "training", done: 1, total: 2, plannedEpsilon: 1, targetEpsilon: 2,
      delta: 0.1, speed: 3,
      remainingSeconds: 4, curve: CurveValue(name: "fake_accuracy", value: 0.5), checkpoint: 6)
    let text = String(decoding: try ControlCoding.encode(full), as: UTF8.self)
    let names = text.split(separator: "\"").enumerated().filter { $0.offset % 2 == 1 }
      .map { String($0.element) }.filter { !["train", "training", "fake_accuracy"].contains($0) }
    // A new field requires the decision that its value may be shown to everyone.
    #expect(
      names.sorted() == [
        "checkpoint", "curve", "delta", "done", "name", "name", "phase", "planned_epsilon",
        "remaining_seconds", "speed", "target_epsilon", "total", "value",
      ])
  }
}

@Suite struct RoundedTests {
  @Test(arguments: [
    (0.0, "0"), (10, "10"), (1234.5, "1,235"), (60_000, "60,000"), (0.831234, "0.831"),
    (0.001234, "0.00123"),
    (1e-5, "1e-5"), (2.34e-6, "2.34e-6"), (-4.567, "-4.57"), (2.0, "2"),
  ]) func threeDigitsThatMeanSomething(_ value: Double, _ text: String) {
    #expect(Rounded.text(value) == text)
  }

  @Test(arguments: [
    (0.4, "0 s"), (59.4, "59 s"), (130, "2 min 10 s"), (120, "2 min"), (7500, "2 h 5 min"),
    (3600, "1 h"), (86_400, "1 d"),
    (273_600, "3 d 4 h"), (.infinity, "?"),
  ]) func durations(_ seconds: Double, _ text: String) {
    #expect(Rounded.duration(seconds) == text)
  }

  @Test func bytes() {
    #expect(Rounded.bytes(512) == "512 B")
    #expect(Rounded.bytes(1_572_864) == "1.5 MiB")
    #expect(Rounded.bytes(3 << 40) == "3 TiB")
  }
}
