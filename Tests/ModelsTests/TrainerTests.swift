import Compute
import Learning
@_spi(Ledger) import Privacy
import Synchronization
import TestSupport
import Testing

@testable import Models

/// Records events in order.
private final class Diary: Sendable {
  private let lines = Mutex<[String]>([])
  func write(_ line: String) { lines.withLock { $0.append(line) } }
  var all: [String] { lines.withLock { $0 } }
}

/// A ledger in memory that records its requests.
private final class DiaryLedger: PrivacyLedger {
  let diary: Diary
  /// The first reservation that is refused, with all later ones.
  let refusedFrom: Int
  private let numbers = Mutex(0)

  init(_ diary: Diary, refusedFrom: Int) {
    self.diary = diary
    self.refusedFrom = refusedFrom
  }

  func reserve(
    _ event: PrivacyEvent, times: Int, for purpose: String
  ) throws(LedgerError) -> Reservation {
    let number = numbers.withLock { number in
      number += 1
      return number
    }
    guard number < refusedFrom else { throw .locked(ledger: "test") }
    diary.write("reserve \(times)")
    return Reservation(number: number, event: event, times: times)
  }

  func settle(_ reservation: consuming Reservation, used: Int) throws(LedgerError) {
    diary.write("settle \(used) of \(reservation.times)")
  }

  func spent() throws(LedgerError) -> EventTally { EventTally() }
}

/// A model that only records its steps.
private final class DiaryModel: SteppingModel {
  let privateParameterCount = 1
  static let family = "diary"
  var diary: Diary?
  var failingStep: Int?
  var abandonedStep: Int?
  private(set) var indices: [Int] = []
  /// The mechanism of each step; nil if the step was not protected.
  private(set) var mechanisms: [SubsampledGaussian?] = []

  init(
    _ settings: NoSettings, for format: ImageSpecification, seed: UInt64, on machine: Machine
  ) throws {}

  func step(_ step: TrainingStep, on images: PrivateExamples) throws -> StepReport {
    if step.index == failingStep { throw RecipeFailure("the step failed") }
    if step.index == abandonedStep { throw AbandonedStep() }
    diary?.write("step \(step.index)")
    indices.append(step.index)
    mechanisms.append(step.protection.mechanism)
    return StepReport()
  }
}

/// Empty batches, which may be recorded in a diary.
private final class EmptyBatches: Trainer.Images {
  let diary: Diary?

  init(notedIn diary: Diary? = nil) { self.diary = diary }

  func drawBatch(probability: Double, from noise: NoiseStream) -> PrivateExamples {
    diary?.write("draw \(probability)")
    return PrivateExamples(
      ImageArray(shape: ImageSpecification.tiny().shape, values: [], classes: []))
  }
}

/// The order of payment and computation, tested with a model that computes nothing.
@Suite struct TrainerTests {
  private let diary = Diary()

  private func trainer(
    steps: Int, noiseMultiplier: Double? = 1, step: Int = 0, charged: Int = 0,
    failingStep: Int? = nil, refusedFrom: Int = .max, notesDraws: Bool = false,
    permission: UnprotectedTraining? = nil
  ) throws -> Trainer {
    let model = try DiaryModel(
      .init(), for: .tiny(), seed: 1, on: Machine(threadCount: 1))
    model.diary = diary
    model.failingStep = failingStep
    let plan = try TrainingPlan(
      TrainingSettings(batchSize: 4, steps: steps, clipNorm: 1), population: 16,
      noiseMultiplier: noiseMultiplier)
    return Trainer(
      model, plan: plan, images: EmptyBatches(notedIn: notesDraws ? diary : nil),
      ledger: DiaryLedger(diary, refusedFrom: refusedFrom), step: step,
      charged: charged, permission: noiseMultiplier == nil ? .test : permission)
  }

  private func run(
    _ trainer: Trainer, blocks: Int, stopAfter: Int = .max
  ) throws -> Trainer.Ending {
    try trainer.run(
      blockSize: { blocks }, shouldStop: { trainer.step >= stopAfter }, report: { _ in },
      blockEnded: { diary.write("checkpoint") })
  }

  @Test func everyBlockIsReservedBeforeItsFirstStepAndSettledAfterItsLast() throws {
    let trainer = try trainer(steps: 5)
    guard case .finished = try run(trainer, blocks: 2) else {
      Issue.record("the run did not finish")
      return
    }
    #expect(
      diary.all == [
        "reserve 2", "step 0", "step 1", "settle 2 of 2", "checkpoint",
        "reserve 2", "step 2", "step 3", "settle 2 of 2", "checkpoint",
        "reserve 1", "step 4", "settle 1 of 1", "checkpoint",
      ])
    #expect(trainer.charged == 5)
  }

  /// The accountants assume independent coins for every step, and payment before the first step.
  @Test func everyStepDrawsABatchOfItsOwnAfterItIsPaidFor() throws {
    _ = try run(try trainer(steps: 3, notesDraws: true), blocks: 2)
    #expect(
      diary.all == [
        "reserve 2", "draw 0.25", "step 0", "draw 0.25", "step 1", "settle 2 of 2", "checkpoint",
        "reserve 1", "draw 0.25", "step 2", "settle 1 of 1", "checkpoint",
      ])
  }

  @Test func aPermissionTakesNoMechanismAway() throws {
    let trainer = try trainer(steps: 2, permission: .test)
    _ = try run(trainer, blocks: 2)
    let model = try #require(trainer.model as? DiaryModel)
    #expect(model.mechanisms.count == 2 && model.mechanisms[0] == model.mechanisms[1])
    #expect(model.mechanisms[0]?.noiseMultiplier == 1)
  }

  @Test func aStoppedBlockRefundsTheStepsThatItDidNotBegin() throws {
    let trainer = try trainer(steps: 10)
    guard case .stopped = try run(trainer, blocks: 8, stopAfter: 3) else {
      Issue.record("the run did not stop")
      return
    }
    #expect(diary.all.suffix(2) == ["settle 3 of 8", "checkpoint"])
    #expect(trainer.step == 3)
    #expect(trainer.charged == 3)
  }

  @Test func whatACrashLostIsNotMadeAgain() throws {
    // Three steps in the model, seven paid for: a crash ended a block after its reservation.
    let trainer = try trainer(steps: 10, step: 3, charged: 7)
    #expect(trainer.lastStep == 6)
    _ = try run(trainer, blocks: 100)
    #expect(diary.all.first == "reserve 3")
    #expect(trainer.charged == 10)
    #expect(trainer.step == 6)
  }

  @Test func aFailedStepStaysReserved() throws {
    let trainer = try trainer(steps: 6, failingStep: 2)
    #expect(throws: RecipeFailure.self) { try run(trainer, blocks: 4) }
    #expect(diary.all == ["reserve 4", "step 0", "step 1"])
    #expect(trainer.charged == 4)
  }

  /// No noise was drawn for it: it is as if it had never begun.
  @Test func anAbandonedStepIsGivenBackWithThoseAfterIt() throws {
    let trainer = try trainer(steps: 6)
    let model = try #require(trainer.model as? DiaryModel)
    model.abandonedStep = 2
    guard case .stopped = try run(trainer, blocks: 4) else {
      Issue.record("the run did not stop")
      return
    }
    #expect(diary.all == ["reserve 4", "step 0", "step 1", "settle 2 of 4", "checkpoint"])
    #expect(trainer.step == 2 && trainer.charged == 2 && trainer.lastStep == 6)
    model.abandonedStep = nil
    guard case .finished = try run(trainer, blocks: 4) else {
      Issue.record("the run did not finish")
      return
    }
    #expect(model.indices == Array(0..<6))
  }

  @Test func aRefusedReservationLeavesTheModelUntouched() throws {
    let trainer = try trainer(steps: 6, refusedFrom: 2)
    #expect(throws: LedgerError.self) { try run(trainer, blocks: 2) }
    #expect(diary.all == ["reserve 2", "step 0", "step 1", "settle 2 of 2", "checkpoint"])
    #expect(trainer.step == 2)
  }

  @Test func trainingWithoutPrivacyUsesNoLedger() throws {
    let trainer = try trainer(steps: 3, noiseMultiplier: nil, refusedFrom: 0)
    _ = try run(trainer, blocks: 10)
    #expect(diary.all == ["step 0", "step 1", "step 2", "checkpoint"])
  }
}
