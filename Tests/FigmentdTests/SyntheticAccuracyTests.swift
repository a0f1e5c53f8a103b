import Compute
import Control
import Datasets
import Evaluation
import FoundationEssentials
import Models
import Testing

@testable import Privacy
@testable import Runs
@testable import figmentd

/// A paid train-on-synthetic accuracy: planned, charged, computed once, released.
@Suite struct SyntheticAccuracyTests {
  private let file = "/accuracy.json"

  private func purposes(_ bench: RunBench) throws -> [String] {
    try bench.history().charges.map(\.entry.purpose).filter { $0 != "training" }
  }

  @Test func theAccuracyIsChargedBesideCountsOfTheSamePriceAndLeavesWithTheRelease() throws {
    let bench = try RunBench(answers: ["class-counts": 0.5, "accuracy": 0.5])
    #expect(try bench.run().isFinished)
    let history = try bench.history()
    #expect(try purposes(bench) == ["class counts", "train-on-synthetic accuracy"])
    let charged = try #require(history.charges.last?.entry)
    #expect(charged.event == history.charges.first?.entry.event && charged.times == 1)
    let kind = try #require(try EventTally(charged.event).counts.keys.first)
    #expect(history.spent.total == 42 && history.spent.counts[kind] == 2)
    #expect(!history.isAdaptive)
    let cost = try PrivacyCost(of: history.spent, delta: 1e-5)
    #expect(cost.epsilon <= 4 && cost.epsilon > 3.9)
    let answer = try JSONDecoder().decode(
      SyntheticAccuracyAnswer.self, from: DurableFile.read(bench.places.release + file))
    #expect(answer.epsilon <= 0.5 && answer.delta == 1e-5 && answer.imagesPerUnit == 1)
    #expect(answer.syntheticImages == 12)
    // 64 images: noise of about seven on both counts keeps the sum close.
    #expect(abs(answer.of - 64) < 60)
    #expect(answer.interval.low >= 0 && answer.interval.high <= 1)
    let release = bench.places.release
    #expect(try bench.text(release + file).contains("those that the model was trained on"))
    #expect(try bench.text(release + "/manifest.json").contains("accuracy.json"))
    #expect(try bench.text(release + "/README.md").contains("- `accuracy.json`: a classifier"))
    #expect(try bench.text(release + "/report.json").contains("Usefulness"))
    let statement = try bench.text(release + "/PRIVACY.md")
    #expect(statement.contains("- accuracy.json: how many of the training images"))
    #expect(
      statement.contains(
        "2 Gaussian releases, each with noise of \(Decimals.short(answer.standardDeviation)) times")
    )
  }

  @Test func aRunThatIsResumedAndPublishedAgainAsksOnce() throws {
    let bench = try RunBench(answers: ["class-counts": 0.5, "accuracy": 0.5])
    let stop = StopSignal()
    let ending = try bench.run(stop: stop) { report in
      if case .progress(let progress) = report, progress.phase == .train { stop.raise() }
    }
    if case .stopped = ending { #expect(try bench.run().isFinished) }
    let answer = try bench.text(bench.places.internalFiles + file)
    // The state after a crash between the answer and the end.
    try FileManager.default.removeItem(atPath: bench.places.internalFiles + "/results.json")
    #expect(try bench.run().isFinished)
    #expect(try bench.text(bench.places.release + file) == answer)
    #expect(try purposes(bench) == ["class counts", "train-on-synthetic accuracy"])
    #expect(try bench.history().spent.total <= 42)
    #expect(try !bench.history().isAdaptive)
  }

  /// Both answers are the same event, so the ledger's tally alone could not show which one was paid.
  @Test(arguments: ["class counts", "train-on-synthetic accuracy"])
  func anAnswerThatACrashLostStaysChargedAndTheOtherIsAskedFor(_ lost: String) throws {
    let bench = try RunBench(answers: ["class-counts": 0.5, "accuracy": 0.5])
    try bench.leaveReservation(
      of: { plan in plan.phases.first { $0.name == lost }?.access }, times: 1, for: lost)
    #expect(try bench.run().isFinished)
    #expect(try bench.history().spent.total == 42)
    #expect(Set(try purposes(bench)) == ["class counts", "train-on-synthetic accuracy"])
    let files = try DurableFile.names(in: bench.places.release)
    #expect(files.contains("class_counts.json") == (lost != "class counts"))
    #expect(files.contains("accuracy.json") == (lost == "class counts"))
    let statement = try bench.text(bench.places.release + "/PRIVACY.md")
    #expect(statement.contains("accuracy.json:") == (lost == "class counts"))
  }

  @Test func aRunThatIsStoppedWhileTheClassifierLearnsIsChargedNothingForIt() throws {
    let bench = try RunBench(answers: ["accuracy": 0.5])
    let stop = StopSignal()
    let ending = try bench.run(stop: stop) { report in
      // At the end of drawing; the classifier's first step follows.
      if case .progress(let progress) = report, progress.phase == .generate,
        progress.done == progress.total
      {
        stop.raise()
      }
    }
    #expect(!ending.isFinished)
    #expect(try purposes(bench).isEmpty)
    #expect(try bench.run().isFinished)
    #expect(try purposes(bench) == ["train-on-synthetic accuracy"])
    #expect(try bench.history().spent.total == 41)
  }

  @Test func aHardenedRunAnswersWithDiscreteNoise() throws {
    let bench = try RunBench(hardened: true, answers: ["accuracy": 0.5])
    #expect(try bench.run().isFinished)
    let spent = try bench.history().spent
    #expect(spent.total == 41 && spent.counts.keys.allSatisfy { $0.noise == .discreteGaussian })
    #expect(try PrivacyCost(of: spent, delta: 1e-5).epsilon <= 4)
  }

  @Test(arguments: [(2.0, 2.0), (nil, 4), (3.9, 0.2)] as [(Double?, Double?)])
  func questionsThatTakeTheWholeEpsilonAreRefusedBeforeAnythingIsReserved(
    _ counts: Double?, _ accuracy: Double?
  ) throws {
    let bench = try RunBench(
      answers: ["class-counts": counts, "accuracy": accuracy].compactMapValues { $0 })
    let error = #expect(throws: ControlError.self) { try bench.run() }
    #expect(error?.message.contains("answers: ") == true)
    #expect(error?.message.contains("not below the run's epsilon") == true)
    #expect(error?.exitCode == .usage)
    #expect(try DurableFile.names(in: bench.places.ledgers).isEmpty)
  }

  @Test func anAccuracyIsRefusedWhereItWouldMeanNothing() throws {
    let none = try RunBench(count: 0, answers: ["accuracy": 0.5])
    let error = #expect(throws: ControlError.self) { try none.run() }
    #expect(error?.message.contains("count is 0") == true)
    let order = try RunBench(answers: ["accuracy": 0.5]).order
    #expect(throws: ControlError.self) { try order.requireAnswers(classes: ["all"]) }
    try order.requireAnswers(classes: ["a", "b"])
    let folders = try RunBench(
      answers: ["accuracy": 0.5], rules: DatasetRules(privacyUnit: .folder, maximumPerUnit: nil))
    #expect(throws: ControlError.self) { try folders.phases() }
  }

  @Test func noiseHidesAllImagesOfAFolder() throws {
    let asked = { (rules: DatasetRules) in
      try RunBench(answers: ["accuracy": 0.5], rules: rules).phases()
        .first { $0.name == "train-on-synthetic accuracy" }?.query
    }
    let one = try #require(try asked(DatasetRules()))
    let six = try #require(
      try asked(DatasetRules(privacyUnit: .folder, maximumPerUnit: 6)))
    #expect(six.event == one.event)
    #expect(six.standardDeviation == 6 * one.standardDeviation)
  }
}
