import Compute
import Control
import Datasets
import FoundationEssentials
import Glibc
import Models
import Testing

@testable import Privacy
@testable import Runs
@testable import figmentd

/// Paid class counts: planned, charged, computed once, released.
@Suite struct ClassCountsTests {
  private func isFinished(_ ending: TrainingRun.Ending) -> Bool {
    if case .finished = ending { true } else { false }
  }

  private func released(_ bench: RunBench) throws -> ClassCountsAnswer {
    try JSONDecoder().decode(
      ClassCountsAnswer.self,
      from: DurableFile.read(bench.places.release + "/class_counts.json"))
  }

  @Test func countsAreChargedFirstAndLeaveWithTheRelease() throws {
    let bench = try RunBench(answers: ["class-counts": 0.5])
    #expect(isFinished(try bench.run()))
    let history = try bench.history()
    let first = try #require(history.charges.first?.entry)
    #expect(first.purpose == "class counts" && first.times == 1)
    guard case .gaussian(let multiplier) = first.event else {
      Issue.record("\(first.event)")
      return
    }
    #expect(history.spent.total == 41 && !history.isAdaptive)
    let cost = try PrivacyCost(of: history.spent, delta: 1e-5)
    #expect(cost.epsilon <= 4 && cost.epsilon > 3.9)
    #expect(
      try PrivacyCost(of: EventTally(first.event), delta: 1e-5).epsilon <= 0.5)
    let file = try released(bench)
    #expect(file.standardDeviation == multiplier && file.imagesPerUnit == 1)
    #expect(file.epsilon <= 0.5 && file.delta == 1e-5)
    let design = try #require(try ResolvedPlan.saved(in: bench.places.internalFiles))
    #expect(Set(file.counts.keys) == Set(design.classes))
    // 64 images: noise of about seven on each count keeps the sum close.
    #expect(abs(file.counts.values.reduce(0, +) - 64) < 100)
    #expect(try bench.text(bench.places.release + "/manifest.json").contains("class_counts.json"))
    #expect(try bench.text(bench.places.release + "/README.md").contains("class_counts.json"))
    let statement = try bench.text(bench.places.release + "/PRIVACY.md")
    #expect(statement.contains("class_counts.json: images of each class, with noise of"))
    #expect(
      statement.contains(
        "one Gaussian release with noise of \(Decimals.short(multiplier)) times the most that a unit"
      ))
  }

  @Test func aResumedRunAsksOnce() throws {
    let bench = try RunBench(answers: ["class-counts": 0.5])
    let stop = StopSignal()
    let ending = try bench.run(stop: stop) { report in
      if case .progress(let progress) = report, progress.phase == .train { stop.raise() }
    }
    let name = bench.places.internalFiles + "/class_counts.json"
    let answer = try bench.text(name)
    if case .stopped = ending { #expect(isFinished(try bench.run())) }
    #expect(try bench.text(name) == answer)
    #expect(try bench.history().spent.total <= 41)
    #expect(try bench.history().charges.count { $0.entry.purpose == "class counts" } == 1)
  }

  @Test func countsThatACrashLostAreNotAskedForAgain() throws {
    let bench = try RunBench(answers: ["class-counts": 0.5])
    try bench.leaveReservation(of: { $0.phases.first?.access }, times: 1, for: "class counts")
    #expect(isFinished(try bench.run()))
    #expect(try bench.history().spent.total == 41)
    #expect(
      try !DurableFile.names(in: bench.places.release).contains("class_counts.json"))
  }

  @Test func aHardenedRunAnswersWithDiscreteNoise() throws {
    let bench = try RunBench(hardened: true, answers: ["class-counts": 0.5])
    #expect(isFinished(try bench.run()))
    let spent = try bench.history().spent
    #expect(spent.total == 41 && spent.counts.keys.allSatisfy { $0.noise == .discreteGaussian })
    #expect(try PrivacyCost(of: spent, delta: 1e-5).epsilon <= 4)
  }

  @Test func countsThatCannotBePaidForAreRefusedBeforeAnythingIsReserved() throws {
    let dear = try RunBench(answers: ["class-counts": 4])
    #expect(throws: ControlError.self) { try dear.run() }
    let folders = try RunBench(
      answers: ["class-counts": 0.5], rules: DatasetRules(privacyUnit: .folder, maximumPerUnit: nil)
    )
    let error = #expect(throws: ControlError.self) { try folders.phases() }
    #expect(error?.message.contains("max_per_unit") == true)
    #expect(try DurableFile.names(in: dear.places.ledgers).isEmpty)
    let limited = try RunBench(
      answers: ["class-counts": 0.5], rules: DatasetRules(privacyUnit: .folder, maximumPerUnit: 6))
    #expect(try limited.phases().first?.query?.sensitivity == 6)
  }

  /// The third line of the ledger, after root and plan, is the charge for the counts.
  @Test func anAnswerThatCannotBeChargedIsNotWritten() throws {
    let bench = try RunBench(answers: ["class-counts": 0.5])
    var conditions = RunConditions()
    conditions.ledgerDisk = FaultyLedgerDisk(.write, number: 5, code: ENOSPC)
    #expect(throws: ControlError.self) { try bench.run(under: conditions) }
    #expect(try !DurableFile.names(in: bench.places.internalFiles).contains("class_counts.json"))
    #expect(try bench.history().charges.isEmpty)
  }
}
