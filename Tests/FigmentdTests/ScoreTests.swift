import Compute
import Control
import Datasets
import Evaluation
import FoundationEssentials
import Models
import Privacy
import Testing

@testable import Runs
@testable import figmentd

/// A score on the real images that is paid for: planned, charged, answered once, released.
@Suite struct ScoreTests {
  private let score = "/score.json"

  private func purposes(_ bench: RunBench) throws -> [String] {
    try bench.history().charges.map(\.entry.purpose).filter { $0 != "training" }
  }

  @Test func theScoreIsChargedBesideCountsOfTheSamePriceAndLeavesWithTheRelease() throws {
    let bench = try RunBench(countEpsilon: 0.5, scoreEpsilon: 0.5)
    #expect(try bench.run().isFinished)
    let history = try bench.history()
    #expect(try purposes(bench) == ["class counts", "score"])
    let charged = try #require(history.charges.last?.entry)
    #expect(charged.event == history.charges.first?.entry.event && charged.times == 1)
    let kind = try #require(try EventTally(charged.event).counts.keys.first)
    #expect(history.spent.total == 42 && history.spent.counts[kind] == 2)
    #expect(!history.isAdaptive)
    let cost = try PrivacyCost(of: history.spent, delta: 1e-5)
    #expect(cost.epsilon <= 4 && cost.epsilon > 3.9)
    let file = try JSONDecoder().decode(
      ScoreFile.self, from: DurableFile.read(bench.places.release + score))
    #expect(file.epsilon <= 0.5 && file.delta == 1e-5 && file.imagesPerUnit == 1)
    #expect(file.syntheticImages == 12)
    // 64 images: noise of about seven on both counts leaves the sum in sight.
    #expect(abs(file.of - 64) < 60)
    #expect(file.interval.low >= 0 && file.interval.high <= 1)
    let release = bench.places.release
    #expect(try bench.text(release + score).contains("those that the model was trained on"))
    #expect(try bench.text(release + "/manifest.json").contains("score.json"))
    #expect(try bench.text(release + "/README.md").contains("- `score.json`: a classifier"))
    #expect(try bench.text(release + "/report.json").contains("Usefulness"))
    let statement = try bench.text(release + "/PRIVACY.md")
    #expect(statement.contains("- score.json: how many of the training images"))
    #expect(statement.contains("2 times Gaussian noise of \(file.standardDeviation) times"))
  }

  @Test func aRunThatIsResumedAndPublishedAgainAsksOnce() throws {
    let bench = try RunBench(countEpsilon: 0.5, scoreEpsilon: 0.5)
    let stop = StopSignal()
    let ending = try bench.run(stop: stop) { report in
      if case .progress(let progress) = report, progress.phase == .train { stop.raise() }
    }
    if case .stopped = ending { #expect(try bench.run().isFinished) }
    let answer = try bench.text(bench.places.internalFiles + score)
    // What a crash between the answer and the end leaves.
    try FileManager.default.removeItem(atPath: bench.places.internalFiles + "/results.json")
    #expect(try bench.run().isFinished)
    #expect(try bench.text(bench.places.release + score) == answer)
    #expect(try purposes(bench) == ["class counts", "score"])
    #expect(try bench.history().spent.total <= 42)
    #expect(try !bench.history().isAdaptive)
  }

  /// Both questions are the same event, so the ledger's tally alone could not say which was paid.
  @Test(arguments: RunQuestion.allCases)
  func anAnswerThatACrashLostStaysChargedAndTheOtherQuestionIsAsked(_ lost: RunQuestion) throws {
    let bench = try RunBench(countEpsilon: 0.5, scoreEpsilon: 0.5)
    try bench.leaveReservation(
      of: { $0.questions[lost]?.event }, times: 1, for: lost.rawValue)
    #expect(try bench.run().isFinished)
    #expect(try bench.history().spent.total == 42)
    #expect(Set(try purposes(bench)) == ["class counts", "score"])
    let files = try DurableFile.names(in: bench.places.release)
    #expect(files.contains("class_counts.json") == (lost != .counts))
    #expect(files.contains("score.json") == (lost != .score))
    let statement = try bench.text(bench.places.release + "/PRIVACY.md")
    #expect(statement.contains("score.json:") == (lost != .score))
  }

  @Test func aRunThatIsStoppedWhileTheClassifierLearnsIsChargedNothingForIt() throws {
    let bench = try RunBench(scoreEpsilon: 0.5)
    let stop = StopSignal()
    let ending = try bench.run(stop: stop) { report in
      // At the end of drawing; the classifier's first step comes after it.
      if case .progress(let progress) = report, progress.phase == .generate,
        progress.done == progress.total
      {
        stop.raise()
      }
    }
    #expect(!ending.isFinished)
    #expect(try purposes(bench).isEmpty)
    #expect(try bench.run().isFinished)
    #expect(try purposes(bench) == ["score"])
    #expect(try bench.history().spent.total == 41)
  }

  @Test func aHardenedRunAnswersWithDiscreteNoise() throws {
    let bench = try RunBench(hardened: true, scoreEpsilon: 0.5)
    #expect(try bench.run().isFinished)
    let spent = try bench.history().spent
    #expect(spent.total == 41 && spent.counts.keys.allSatisfy { $0.noise == .discreteGaussian })
    #expect(try PrivacyCost(of: spent, delta: 1e-5).epsilon <= 4)
  }

  @Test(arguments: [(2.0, 2.0), (nil, 4), (3.9, 0.2)] as [(Double?, Double?)])
  func questionsThatTakeTheWholeEpsilonAreRefusedBeforeAnythingIsReserved(
    _ counts: Double?, _ score: Double?
  ) throws {
    let bench = try RunBench(countEpsilon: counts, scoreEpsilon: score)
    let error = #expect(throws: ControlError.self) { try bench.run() }
    #expect(error?.message.contains("score_epsilon") == true)
    #expect(error?.message.contains("not below the run's epsilon") == true)
    #expect(error?.exitCode == .usage)
    #expect(try DurableFile.names(in: bench.places.ledgers).isEmpty)
  }

  @Test func aScoreIsRefusedWhereItWouldSayNothing() throws {
    let none = try RunBench(count: 0, scoreEpsilon: 0.5)
    let error = #expect(throws: ControlError.self) { try none.run() }
    #expect(error?.message.contains("count is 0") == true)
    let questions = try RunBench(scoreEpsilon: 0.5).order.questions(within: 4)
    #expect(throws: ControlError.self) { try questions.validate(classes: ["all"]) }
    try questions.validate(classes: ["a", "b"])
    let folders = try RunBench(
      scoreEpsilon: 0.5, rules: DatasetRules(privacyUnit: .folder, maximumPerUnit: nil))
    #expect(throws: ControlError.self) { try folders.order.questions(within: 4) }
  }

  @Test func noiseHidesAllImagesOfAFolder() throws {
    let one = try RunBench(scoreEpsilon: 0.5).order.questions(within: 4)
    let six = try RunBench(
      scoreEpsilon: 0.5, rules: DatasetRules(privacyUnit: .folder, maximumPerUnit: 6)
    ).order.questions(within: 4)
    #expect(six.score?.event == one.score?.event && six.counts == nil)
    #expect(six.score?.standardDeviation == one.score.map { 6 * $0.standardDeviation })
  }
}
