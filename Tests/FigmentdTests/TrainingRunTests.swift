import Compute
import Control
import Datasets
import FoundationEssentials
import Glibc
import Models
import Privacy
import Testing

@testable import figmentd

/// The whole way from a folder of images to a synthetic set, on a model of a few hundred weights.
@Suite struct TrainingRunTests {
  private func isFinished(_ ending: TrainingRun.Ending) -> Bool {
    if case .finished = ending { true } else { false }
  }

  @Test func aRunWritesItsReleaseAndChargesItsPlan() throws {
    let bench = try RunBench()
    #expect(isFinished(try bench.run()))
    let history = try bench.history()
    #expect(history.spent.total == 40)
    #expect(history.attempts.map(\.outcome) == ["finished"])
    #expect(history.releases.count == 1)
    let cost = try PrivacyCost(of: history.spent, delta: 1e-5)
    #expect(cost.epsilon <= 4)
    let release = bench.places.release
    var images = 0
    for name in try DurableFile.names(in: release + "/data") {
      images += try DurableFile.names(in: "\(release)/data/\(name)").count
    }
    #expect(images == 12)
    let statement = try JSONDecoder().decode(
      PrivacyStatement.self, from: DurableFile.read(release + "/privacy.json"))
    #expect(statement.total.epsilon == cost.epsilon)
    #expect(
      try DurableFile.names(in: release) == [
        "PRIVACY.md", "README.md", "data", "manifest.json", "metadata.jsonl", "model",
        "privacy.json", "report.html", "report.json", "samples.png",
      ])
  }

  @Test func anInterruptedRunNeverCostsMoreThanItsPlan() throws {
    let bench = try RunBench()
    // A stop during the first block: the rest of the block is given back.
    guard case .stopped = try bench.run(stoppingAt: 1) else {
      // A machine on which 40 steps end before the first report leaves nothing to interrupt.
      return
    }
    #expect(isFinished(try bench.run()))
    #expect(try bench.history().spent.total <= 40)
    #expect(try bench.history().attempts.count == 2)
  }

  @Test func stepsLostToACrashStayChargedAndAreNotMadeAgain() throws {
    let bench = try RunBench()
    // What a kill -9 leaves: a design, a reservation that nobody settled, no checkpoint.
    try bench.leaveReservation(times: 30)
    #expect(isFinished(try bench.run()))
    let history = try bench.history()
    #expect(history.spent.total == 40)
    #expect(history.openReservationCount == 1)
    let record = try bench.text(bench.places.internalFiles + "/run.json")
    #expect(record.contains("\"steps_made\" : 10"))
    #expect(record.contains("\"steps_charged\" : 40"))
  }

  @Test func aDamagedCheckpointGivesWayToTheOneBefore() throws {
    let bench = try RunBench()
    let model = try bench.order.recipe.makeModel(
      classes: ["a", "b"], seed: 1, on: Machine(threadCount: 1))
    let folder = CheckpointFolder(path: bench.places.checkpoints)
    #expect(try folder.newest()?.step == nil)
    for step in [3, 7, 9] { try folder.save(model, step: step) }
    #expect(try DurableFile.names(in: folder.path).count == 2)
    #expect(try folder.newest()?.step == 9)
    #expect(truncate(folder.path + "/step-9.safetensors", 100) == 0)
    #expect(try folder.newest()?.step == 7)
  }

  @Test func aRunBeyondTheBudgetIsRefusedBeforeItReadsAStep() throws {
    let bench = try RunBench(epsilon: 4, maximum: 1)
    let error = #expect(throws: ControlError.self) { try bench.run() }
    #expect(error?.exitCode == .refused)
    #expect(try bench.history().spent.isEmpty)
    #expect(try DurableFile.names(in: bench.places.release).isEmpty)
  }

  @Test func aHardenedRunResumesAndStatesItsNoise() throws {
    let bench = try RunBench(hardened: true)
    try bench.leaveReservation(times: 30)
    #expect(isFinished(try bench.run()))
    let spent = try bench.history().spent
    #expect(spent.total == 40 && spent.counts.keys.allSatisfy { $0.noise == .discreteGaussian })
    let statement = try JSONDecoder().decode(
      PrivacyStatement.self, from: DurableFile.read(bench.places.release + "/privacy.json"))
    #expect(statement.total.epsilon <= 4 && statement.total.accountant == "RDP")
    #expect(statement.sentence.contains("40 times discrete Gaussian noise"))
    #expect(statement.mechanism?.noise == .discreteGaussian)
  }

  @Test func moreNoiseThanTheGridHoldsIsRefusedBeforeAnythingIsReserved() throws {
    let bench = try RunBench(epsilon: 0.001, hardened: true)
    let error = #expect(throws: ControlError.self) { try bench.run() }
    #expect(error?.message.contains("with discrete Gaussian noise") == true)
    #expect(error?.exitCode == .usage)
    #expect(try DurableFile.names(in: bench.places.ledgers).isEmpty)
  }

  @Test func aRunWithoutPrivacyReleasesNothing() throws {
    let bench = try RunBench(epsilon: nil)
    #expect(isFinished(try bench.run()))
    #expect(try DurableFile.names(in: bench.places.release).isEmpty)
    let card = try bench.text(bench.places.unprotected + "/README.md")
    #expect(card.contains("No guarantee"))
    #expect(try !DurableFile.names(in: bench.places.unprotected).contains("privacy.json"))
  }
}

extension RunBench {
  /// Runs, and asks to stop when it is told of this step.
  fileprivate func run(stoppingAt step: Int) throws -> TrainingRun.Ending {
    let stop = StopSignal()
    return try run(stop: stop) { report in
      guard case .progress(let progress) = report, progress.phase == .train else { return }
      if progress.done >= step { stop.raise() }
    }
  }

  func history() throws -> LedgerHistory {
    try LedgerFile.history(
      at: RootLedger.location(
        RootLedger.identity(of: order.root), ledgers: places.ledgers, marks: places.ledgerMarks))
  }

  /// Decides as a run does, reserves steps or another of its events, and vanishes.
  func leaveReservation(
    of event: (RunDesign) -> PrivacyEvent? = { $0.plan.mechanism?.event }, times: Int
  ) throws {
    try DurableFile.makeFolder(places.internalFiles)
    let built = try SnapshotBuilder(
      root: order.root, rules: order.rules, transform: order.transform, threadCount: 1
    ).build(in: places.internalFiles)
    let design = try RunDesign(
      order, population: built.snapshot.unitCount, classes: built.snapshot.classes,
      snapshot: "\(built.snapshot.digest)")
    try design.save(in: places.internalFiles)
    let account = try RunAccount(order, places, design)
    guard let event = event(design) else { return }
    _ = try account.ledger.reserve(event, times: times, for: "training")
  }
}
