import Compute
import Control
import FoundationEssentials
import Models
import Privacy
import Testing

@testable import Runs
@testable import figmentd

/// A disk of a ledger that asks the run to stop when a reservation for a purpose has been written: after the
/// charge, before the images are read.
private final class StoppingLedgerDisk: LedgerFileDisk {
  private let disk = SystemLedgerFileDisk()
  private let purpose: String
  private let stop: StopSignal

  init(after purpose: String, _ stop: StopSignal) {
    self.purpose = purpose
    self.stop = stop
  }

  func write(_ bytes: [UInt8], to descriptor: Int32) throws(LedgerFileFault) {
    try disk.write(bytes, to: descriptor)
    let line = String(decoding: bytes, as: UTF8.self)
    if line.contains(#""kind":"reserve""#), line.contains("\"purpose\":\"\(purpose)\"") {
      stop.raise()
    }
  }

  func open(_ path: String, _ flags: Int32) throws(LedgerFileFault) -> Int32 {
    try disk.open(path, flags)
  }
  func close(_ descriptor: Int32) { disk.close(descriptor) }
  func lock(_ descriptor: Int32) throws(LedgerFileFault) -> Bool { try disk.lock(descriptor) }
  func read(_ descriptor: Int32) throws(LedgerFileFault) -> [UInt8] { try disk.read(descriptor) }
  func synchronize(_ descriptor: Int32) throws(LedgerFileFault) {
    try disk.synchronize(descriptor)
  }
  func truncate(_ descriptor: Int32, to length: Int) throws(LedgerFileFault) {
    try disk.truncate(descriptor, to: length)
  }
  func rename(_ path: String, to other: String) throws(LedgerFileFault) {
    try disk.rename(path, to: other)
  }
  func makeDirectory(_ path: String) throws(LedgerFileFault) { try disk.makeDirectory(path) }
}

/// A single access that takes long ends when the run is asked to stop: nothing of it is left, and nothing is
/// charged for it.
@Suite struct AbandonedAccessTests {
  /// A model that reads its images by one noisy sum.
  static let recipe = """
    name: sums
    summary: For tests.
    family: embedding
    image: {height: 8, width: 8, channels: 1}
    training: {batch_size: 1, steps: 1, clip_norm: 1}
    model: {features: 4, generator_width: 4, latent_size: 4, steps: 20, batch_size: 4,
      learning_rate: 0.01, average_decay: 0.9}
    """

  @Test(
    arguments: [
      ("mean embeddings", recipe, [:]),
      ("train-on-synthetic accuracy", RunBench.recipe(side: 8, steps: 4), ["accuracy": 0.5]),
    ] as [(String, String, [String: Double])])
  func anAccessThatIsGivenUpIsNotChargedAndMadeLater(
    _ purpose: String, _ recipe: String, _ answers: [String: Double]
  ) throws {
    let bench = try RunBench(answers: answers, recipe: recipe)
    let stop = StopSignal()
    var conditions = RunConditions()
    conditions.ledgerDisk = StoppingLedgerDisk(after: purpose, stop)
    #expect(try !bench.run(stop: stop, under: conditions).isFinished)
    let stopped = try bench.history()
    let charge = try #require(stopped.charges.last)
    #expect(charge.entry.purpose == purpose && charge.used == 0)
    #expect(stopped.openReservationCount == 0)
    #expect(try stopped.spent(by: bench.order.name, for: purpose).isEmpty)

    #expect(try bench.run().isFinished)
    let history = try bench.history()
    #expect(try history.spent(by: bench.order.name, for: purpose).total == 1)
    #expect(!history.isAdaptive && history.openReservationCount == 0)
    #expect(try history.cost(atDelta: 1e-5).epsilon <= 4)
  }

  /// A plan has a minute: where a block of images takes seconds, it is measured on few.
  @Test func aPlanMeasuresSlowSumsOnFewImages() {
    #expect(
      TrainingForecast.larger(than: 32, of: 60_000, took: 0.1, within: 1.5) == 128)
    #expect(TrainingForecast.larger(than: 32, of: 60_000, took: 8, within: 1.5) == nil)
    #expect(TrainingForecast.larger(than: 32, of: 60_000, took: 0.6, within: 0) == nil)
    #expect(TrainingForecast.larger(than: 128, of: 60_000, took: 0.1, within: 1.5) == nil)
    #expect(TrainingForecast.larger(than: 20, of: 20, took: 0.1, within: 1.5) == nil)
    #expect(TrainingForecast.larger(than: 32, of: 50, took: 0.1, within: 1.5) == 50)
  }

  @Test func aRehearsalEndsWhenTheRunIsAskedToStop() throws {
    let bench = try RunBench(recipe: Self.recipe)
    let plan = try ResolvedPlan.resolve(
      bench.order, classes: ["a", "b"], units: 64, after: LedgerHistory()
    ).plan
    let machine = Machine(threadCount: 1)
    #expect(throws: AbandonedStep.self) {
      try TrainingForecast.rehearse(plan, on: machine) { true }
    }
    try TrainingForecast.rehearse(plan, on: machine)
  }
}
