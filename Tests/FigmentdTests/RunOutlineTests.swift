import Control
import Models
import Privacy
import Testing

@testable import Runs

/// The division of epsilon over phases.
@Suite struct RunOutlineTests {
  private let bench: RunBench

  init() throws { bench = try RunBench() }

  private static let training = TrainingSettings(batchSize: 16, steps: 30, clipNorm: 1)
  private static let three: [PhaseOutline] = [
    PhaseOutline("means", "a noisy mean of each class", .answer(clipNorm: 2), share: 0.1),
    PhaseOutline("warm-up", "drawn images", .free(.publicData, steps: 5)),
    PhaseOutline("teacher", "a noisy teacher", .training(training), share: 0.3),
    PhaseOutline("training", "a noisy model", .training(training)),
    PhaseOutline("distilling", "from its images", .free(.postProcessing, steps: 7)),
  ]

  private func phases(
    _ outlines: [PhaseOutline], epsilon: Double = 4, answers: [String: Double] = [:]
  ) throws -> (phases: [Phase], epsilon: Double) {
    var order = bench.order
    order.answers = answers
    let budget = try PrivacyBudget(epsilon: epsilon, delta: 1e-5)
    return try RunOutline(order, model: outlines, population: 64)
      .phases(within: budget, calibration: Calibration(budget: budget))
  }

  private func epsilon(_ event: PrivacyEvent?) throws -> Double {
    try PrivacyCost(of: EventTally(#require(event)), delta: 1e-5).epsilon
  }

  @Test func eachShareBoundsItsPhaseAloneAndTheRestFillsTheBudget() throws {
    let (phases, epsilon) = try phases(Self.three, answers: ["class-counts": 0.5])
    #expect(
      phases.map(\.name) == [
        "class counts", "means", "warm-up", "teacher", "training", "distilling", "drawing",
      ])
    for (name, bound) in [("class counts", 0.5), ("means", 0.4), ("teacher", 1.2)] {
      let phase = try #require(phases.first { $0.name == name })
      let alone = try self.epsilon(phase.event())
      #expect(alone <= bound && alone > 0.98 * bound, "\(name): \(alone)")
      #expect(try #require(phase.epsilon) >= alone)
    }
    let whole = try self.epsilon(phases.event())
    #expect(whole <= 4 && whole > 3.95 && epsilon >= whole)
    // Losses add up more slowly than epsilons: the last phase gets more than the difference.
    let rest = try #require(phases.first { $0.name == "training" }?.epsilon)
    #expect(rest > 4 - 0.5 - 0.4 - 1.2 && rest < 4)
  }

  @Test func anAnswerOfTheModelReadsEveryUnitOnce() throws {
    let phase = try #require(try phases(Self.three).phases.first { $0.name == "means" })
    let plan = try #require(phase.plan)
    #expect(plan.steps == 1 && plan.samplingProbability == 1 && plan.batchSize == 64)
    #expect(plan.mechanism?.clipNorm == 2 && phase.kind == "answer")
    #expect(phase.accessCount == 1)
  }

  @Test func freePhasesSayWhyTheyCostNothing() throws {
    let phases = try phases(Self.three).phases
    let free = phases.filter { $0.freeReason != nil }
    #expect(free.map(\.name) == ["warm-up", "distilling", "drawing"])
    #expect(free.allSatisfy { $0.access == nil && $0.event() == nil && $0.epsilon == nil })
    #expect(free.map(\.freeReason) == [.publicData, .postProcessing, .postProcessing])
  }

  @Test func sharesThatTakeTheWholeEpsilonAreRefused() throws {
    var outlines = Self.three
    outlines[2] = PhaseOutline("teacher", "", .training(Self.training), share: 0.9)
    let error = #expect(throws: ControlError.self) { try phases(outlines) }
    #expect(error?.message.contains("not below the run's epsilon") == true)
  }

  @Test func aResumedRunAnnouncesWhatIsLeftOfEachPhase() throws {
    let phases = try phases(Self.three).phases
    let left = try EventTally(phases.event(without: ["means": 1, "teacher": 12]))
    #expect(left.total == 18 + 30)
    let done = phases.event(without: ["means": 1, "teacher": 30, "training": 30])
    #expect(try EventTally(done).isEmpty)
  }

  private static let tables: [PhaseOutline] = [
    PhaseOutline(
      "one-way tables", "a noisy table of each column", .answer(clipNorm: 1), share: 0.2),
    PhaseOutline("rounds", "a choice and a noisy table each", .rounds(count: 12)),
  ]

  @Test func roundsGetTheRestOfEpsilonForTheirChoicesAndTables() throws {
    let (phases, epsilon) = try phases(Self.tables, epsilon: 2)
    let rounds = try #require(phases.first { $0.name == "rounds" })
    let plan = try #require(rounds.selection)
    #expect(plan.rounds == 12 && plan.population == 64 && rounds.stepCount == 12)
    let mechanism = try #require(plan.mechanism)
    #expect(rounds.event() == .repeated(event: mechanism.event, times: 12))
    let whole = try self.epsilon(phases.event())
    #expect(whole <= 2 && whole > 1.98 && epsilon >= whole)
    #expect(try #require(rounds.epsilon) < 2 && phases[0].epsilon.map { $0 <= 0.4 } == true)
    let left = try EventTally(phases.event(without: ["one-way tables": 1, "rounds": 5]))
    #expect(left.total == 2 * 7)
    #expect(
      try StateFormat.decode(Phase.self, from: StateFormat.encode(rounds), of: "phase") == rounds)
  }

  @Test func roundsMayHaveAShareOfTheirOwn() throws {
    let phases = try phases(
      [
        PhaseOutline("rounds", "a choice and a noisy table each", .rounds(count: 5), share: 0.25),
        PhaseOutline("training", "a noisy model", .training(Self.training)),
      ]
    ).phases
    let alone = try epsilon(phases[0].event())
    #expect(alone <= 1 && alone > 0.98)
    #expect(phases[0].epsilon.map { $0 >= alone } == true)
  }

  @Test func aSavedPhaseIsReadAsItWas() throws {
    for phase in try phases(Self.three, answers: ["class-counts": 0.5]).phases {
      let data = try StateFormat.encode(phase)
      #expect(try StateFormat.decode(Phase.self, from: data, of: "phase") == phase)
    }
  }
}

/// A run of a family that is not a loop of noisy steps.
@Suite struct EmbeddingRunTests {
  private static let recipe = """
    name: tiny-embedding
    summary: For tests.
    family: embedding
    image: {height: 8, width: 8, channels: 1}
    training: {batch_size: 1, steps: 1, clip_norm: 1}
    model:
      features: 2
      generator_width: 2
      latent_size: 4
      steps: 12
      batch_size: 4
      learning_rate: 0.01
      average_decay: 0.9
    """

  @Test(arguments: [false, true])
  func itReadsTheImagesOnceAndReleasesASet(_ isHardened: Bool) throws {
    let bench = try RunBench(
      hardened: isHardened, answers: ["class-counts": 0.5], recipe: Self.recipe)
    #expect(try bench.run().isFinished)
    let history = try bench.history()
    #expect(history.charges.map(\.entry.purpose) == ["class counts", "mean embeddings"])
    #expect(history.spent.total == 2 && !history.isAdaptive)
    let epsilon = try history.cost(atDelta: 1e-5).epsilon
    #expect(epsilon <= 4 && epsilon > 3.9)
    #expect(history.spent.counts.keys.allSatisfy { $0.sampledNoise?.samplingProbability == 1 })
    let page = try bench.text(bench.places.release + "/PRIVACY.md")
    #expect(page.contains("- mean embeddings (") && page.contains("- generator ("))
  }

  @Test func aRunThatIsStoppedInItsFreePhasePaysNothingMore() throws {
    let bench = try RunBench(recipe: Self.recipe)
    let stop = StopSignal()
    let ending = try bench.run(stop: stop) { report in
      if case .progress(let progress) = report, progress.name == "generator" { stop.raise() }
    }
    #expect(!ending.isFinished)
    #expect(try bench.history().spent.total == 1)
    #expect(try bench.run().isFinished)
    #expect(try bench.history().spent.total == 1)
    #expect(try !bench.history().isAdaptive)
  }

  /// The only paid access was charged and lost, so there is nothing to release.
  @Test func anAnswerThatACrashLostIsNotPublishedAsNoise() throws {
    let bench = try RunBench(recipe: Self.recipe)
    try bench.leaveReservation(times: 1, for: "mean embeddings")
    let error = #expect(throws: ControlError.self) { try bench.run() }
    #expect(error?.message.contains("0 of 1 planned steps") == true)
    #expect(try bench.history().spent.total == 1)
    #expect(try DurableFile.names(in: bench.places.release).isEmpty)
  }

  @Test func stepsAndBatchesAreRefusedWhereThereAreNone() throws {
    var bench = try RunBench(recipe: Self.recipe)
    bench.order.steps = 40
    let steps = #expect(throws: ControlError.self) { try bench.run() }
    #expect(steps?.message.hasPrefix("steps 40: models of family embedding make no noisy") == true)
    bench.order.steps = nil
    bench.order.batchSize = 40
    let batch = #expect(throws: ControlError.self) { try bench.run() }
    #expect(batch?.message.contains("make no noisy steps (no batch_size expected)") == true)
  }
}
