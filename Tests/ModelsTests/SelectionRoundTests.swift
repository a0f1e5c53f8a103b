import Compute
import Datasets
import FoundationEssentials
import Learning
@_spi(Ledger) import Privacy
import Synchronization
import TestSupport
import Testing

@testable import Models

/// Notes in order.
private final class Notes: Sendable {
  private let lines = Mutex<[String]>([])
  func write(_ line: String) { lines.withLock { $0.append(line) } }
  var all: [String] { lines.withLock { $0 } }
}

private final class NotingLedger: PrivacyLedger {
  let notes: Notes
  let events = Mutex<[PrivacyEvent]>([])

  init(_ notes: Notes) { self.notes = notes }

  func reserve(
    _ event: PrivacyEvent, times: Int, for purpose: String
  ) throws(LedgerError) -> Reservation {
    notes.write("reserve \(times) for \(purpose)")
    events.withLock { $0.append(event) }
    return Reservation(number: 1, event: event, times: times)
  }

  func settle(_ reservation: consuming Reservation, used: Int) throws(LedgerError) {
    notes.write("settle \(used) of \(reservation.times)")
  }

  func spent() throws(LedgerError) -> EventTally { EventTally() }
}

/// Three people: two with a row, one with two rows.
private struct Rows: ExampleSource {
  var count: Int { 4 }
  var units: [Int]? { [0, 1, 2, 2] }
  func labels(in range: Range<Int>) -> [Int] { [] }
  func fill(_ target: Tensor, from range: Range<Int>) { target.fill(0) }
  func codes(in range: Range<Int>) -> [UInt8] {
    Array(([[0, 1], [0, 0], [1, 1], [1, 0]] as [[UInt8]])[range].joined())
  }
}

private final class RowBatches: Trainer.Images {
  let notes: Notes
  init(_ notes: Notes) { self.notes = notes }
  func drawBatch(probability: Double, from noise: NoiseStream) -> PrivateExamples {
    notes.write("draw \(probability)")
    return PrivateExamples(Rows())
  }
}

/// A model that chooses between two tables in every round, and measures the chosen one.
private final class RoundModel: SteppingModel {
  static let family = "rounds"
  let privateParameterCount = 1
  var notes: Notes?
  var failingRound: Int?
  var abandonedRound: Int?
  private(set) var tables: [[Double]] = []
  private(set) var choices: [Int] = []

  init(
    _ settings: NoSettings, for format: ImageSpecification, seed: UInt64, on machine: Machine
  ) throws {}

  func step(_ step: TrainingStep, on images: PrivateExamples) throws -> StepReport { StepReport() }

  func round(_ round: SelectionRound, on images: PrivateExamples) throws -> StepReport {
    if round.index == abandonedRound { throw AbandonedStep() }
    notes?.write("round \(round.index) of \(round.count)")
    let candidates = (0..<2).map {
      MarginalCandidate(
        Marginal(columns: [$0], codeCounts: [2]), estimate: $0 == 0 ? [2, 1] : [0, 3], penalty: 0)
    }
    choices.append(round.choice(among: candidates, on: images))
    if round.index == failingRound { throw RecipeFailure("the round failed") }
    tables.append(round.table(of: candidates[choices[choices.count - 1]].marginal, on: images))
    return round.report(ofTables: [:])
  }
}

/// Rounds of choices and tables: paid for before they are made, and over all units.
@Suite struct SelectionRoundTests {
  private let notes = Notes()

  private func mechanism(_ multiplier: Double = 2) throws -> SelectionMechanism {
    try SelectionMechanism(noiseMultiplier: multiplier)
  }

  private func trainer(
    _ count: Int, _ mechanism: SelectionMechanism?, ledger: NotingLedger, step: Int = 0,
    charged: Int = 0
  ) throws -> (trainer: Trainer, model: RoundModel) {
    let model = try RoundModel(.init(), for: .tiny(), seed: 1, on: Machine(threadCount: 1))
    model.notes = notes
    let plan = try SelectionPlan(rounds: count, population: 3, mechanism: mechanism)
    let trainer = Trainer(
      model, rounds: plan, images: RowBatches(notes), ledger: ledger, phase: "rounds", step: step,
      charged: charged, permission: mechanism == nil ? .test : nil, noise: TestNoise.stream(3))
    return (trainer, model)
  }

  private func run(_ trainer: Trainer) throws -> Trainer.Ending {
    try trainer.run(
      blockSize: { 1 }, shouldStop: { false }, report: { _ in },
      blockEnded: { notes.write("checkpoint") })
  }

  @Test func everyRoundIsPaidForBeforeItReadsAllUnits() throws {
    let ledger = NotingLedger(notes)
    let (trainer, _) = try trainer(2, mechanism(), ledger: ledger)
    guard case .finished = try run(trainer) else { throw RecipeFailure("not finished") }
    #expect(
      notes.all == [
        "reserve 1 for rounds", "draw 1.0", "round 0 of 2", "settle 1 of 1", "checkpoint",
        "reserve 1 for rounds", "draw 1.0", "round 1 of 2", "settle 1 of 1", "checkpoint",
      ])
    let event = try mechanism().event
    #expect(ledger.events.withLock { $0 } == [event, event])
    #expect(trainer.charged == 2)
  }

  @Test func aFailedRoundStaysChargedAndIsChargedAgain() throws {
    let ledger = NotingLedger(notes)
    let (first, model) = try trainer(3, mechanism(), ledger: ledger)
    model.failingRound = 1
    #expect(throws: RecipeFailure.self) { _ = try run(first) }
    #expect(first.step == 1 && first.charged == 2)
    // The next attempt makes it again, under a new charge, within the plan's rounds.
    let (second, _) = try trainer(3, mechanism(), ledger: ledger, step: 1, charged: 2)
    _ = try run(second)
    #expect(second.step == 2 && second.charged == 3 && second.lastStep == 2)
    #expect(
      notes.all.suffix(5) == [
        "reserve 1 for rounds", "draw 1.0", "round 1 of 3", "settle 1 of 1", "checkpoint",
      ])
  }

  @Test func anAbandonedRoundCostsNothing() throws {
    let (trainer, model) = try trainer(2, mechanism(), ledger: NotingLedger(notes))
    model.abandonedRound = 1
    guard case .stopped = try run(trainer) else { throw RecipeFailure("not stopped") }
    #expect(trainer.step == 1 && trainer.charged == 1)
    #expect(notes.all.suffix(2) == ["settle 0 of 1", "checkpoint"])
  }

  @Test func withoutPrivacyRoundsAreExactAndUseNoLedger() throws {
    let (trainer, model) = try trainer(2, nil, ledger: NotingLedger(notes))
    _ = try run(trainer)
    // Column 1 has 1.5 units of each code: it differs from [0, 3] by 3, column 0 from [2, 1] by 0.
    #expect(model.choices == [1, 1] && model.tables == [[1.5, 1.5], [1.5, 1.5]])
    #expect(!notes.all.contains { $0.hasPrefix("reserve") })
  }

  @Test func aRoundHasTheNoiseOfItsMechanism() throws {
    let (_, model) = try trainer(1, mechanism(), ledger: NotingLedger(notes))
    let count = 3000
    let noise = TestNoise.stream(8)
    for index in 0..<count {
      _ = try model.round(
        SelectionRound(
          phase: "rounds", index: index, count: count, population: 3,
          protection: .noise(mechanism()), noise: noise),
        on: PrivateExamples(Rows()))
    }
    let exact: [[Double]] = [[2, 1], [1.5, 1.5]]
    let errors = zip(model.choices, model.tables).flatMap { choice, table in
      zip(table, exact[choice]).map { $0 - $1 }
    }
    let square = errors.reduce(0) { $0 + $1 * $1 } / Double(errors.count)
    #expect(abs(square / 4 - 1) < 5 * (2 / Double(errors.count)).squareRoot())
    // Scores 0 and 3 at epsilon 1/3: the better one has weight 1 against exp(−1/2).
    let share = Double(model.choices.reduce(0, +)) / Double(count)
    #expect(abs(share - 1 / (1 + 0.60653)) < 5 * 0.5 / Double(count).squareRoot())
  }

  private static func order(_ mechanism: SelectionMechanism) -> SelectionRound {
    SelectionRound(
      phase: "rounds", index: 0, count: 1, population: 3, protection: .noise(mechanism),
      noise: TestNoise.stream(1))
  }

  @Test func aRoundChoosesAndMeasuresOnce() async {
    await #expect(processExitsWith: .failure) {
      let marginal = Marginal(columns: [0], codeCounts: [2])
      let candidate = MarginalCandidate(marginal, estimate: [0, 0], penalty: 0)
      let round = Self.order(try SelectionMechanism(noiseMultiplier: 2))
      _ = round.choice(among: [candidate], on: PrivateExamples(Rows()))
      _ = round.choice(among: [candidate], on: PrivateExamples(Rows()))
    }
    await #expect(processExitsWith: .failure) {
      let marginal = Marginal(columns: [0], codeCounts: [2])
      let round = Self.order(try SelectionMechanism(noiseMultiplier: 2))
      _ = round.table(of: marginal, on: PrivateExamples(Rows()))
      _ = round.table(of: marginal, on: PrivateExamples(Rows()))
    }
    await #expect(processExitsWith: .success) {
      let marginal = Marginal(columns: [0], codeCounts: [2])
      let candidate = MarginalCandidate(marginal, estimate: [0, 0], penalty: 0)
      let round = Self.order(try SelectionMechanism(noiseMultiplier: 2))
      _ = round.choice(among: [candidate], on: PrivateExamples(Rows()))
      _ = round.table(of: marginal, on: PrivateExamples(Rows()))
    }
  }

  @Test func aPhaseOfRoundsIsReadAsItWasSaved() throws {
    for mechanism in [try mechanism(), nil] {
      let plan = try SelectionPlan(rounds: 12, population: 40, mechanism: mechanism)
      let phase = Phase("rounds", "tables", .rounds(plan), share: 0.5, epsilon: 1)
      #expect(try JSONDecoder().decode(Phase.self, from: JSONEncoder().encode(phase)) == phase)
      #expect(phase.kind == "rounds" && phase.stepCount == 12 && phase.learns)
      #expect(phase.access == mechanism?.event)
      #expect(phase.accessCount == (mechanism == nil ? 0 : 12))
      #expect(
        phase.event(without: 5) == mechanism.map { .repeated(event: $0.event, times: 7) })
      #expect(phase.event(without: 12) == nil)
      guard let event = mechanism?.event else { continue }
      // What the ledger keeps of five rounds are five choices and five tables.
      let charged = try EventTally(event, times: 5)
      #expect(charged.total == 10)
      #expect(try phase.accesses(in: charged) == 5 && phase.accesses(in: EventTally()) == 0)
    }
    #expect(throws: RecipeFailure.self) {
      _ = try SelectionPlan(rounds: 0, population: 4, mechanism: nil)
    }
  }

  @Test func tablesOfOneAnswerShareItsNoise() throws {
    let marginals = (0..<2).map { Marginal(columns: [$0], codeCounts: [2]) }
    let sum = try SubsampledGaussian(
      samplingProbability: 1, noiseMultiplier: 1e-6, clipNorm: 1, nominalBatchSize: 3)
    for (protection, deviation) in [
      (Protection.test(sum), 1e-6 * 2.0.squareRoot()), (.test(nil), 0),
    ] {
      let found = TrainingStep(
        index: 0, stepCount: 1, batchSize: 3, protection: protection, noise: TestNoise.stream(1)
      ).tables(of: marginals, on: PrivateExamples(Rows()))
      #expect(abs(found.deviation - deviation) < 1e-9)
      for (left, right) in zip(found.values.joined(), [2, 1, 1.5, 1.5]) {
        #expect(abs(left - right) < 1e-4)
      }
    }
  }
}
