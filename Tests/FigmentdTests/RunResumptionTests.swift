import Compute
import Control
import Datasets
import FoundationEssentials
import Glibc
import Models
import Privacy
import Synchronization
import Testing

@testable import Runs
@testable import figmentd

/// An interrupted run continues only with what the ledger recorded before its first step.
@Suite struct RunResumptionTests {
  /// Stops a run at its first step.
  private func interrupted(_ bench: RunBench) throws {
    let stop = StopSignal()
    let ending = try bench.run(stop: stop) { report in
      if case .progress(let progress) = report, progress.phase == .train { stop.raise() }
    }
    guard case .stopped = ending else {
      throw CouplingFailure("the run did not stop")
    }
  }

  private func replaceInDesign(_ bench: RunBench, _ old: String, _ new: String) throws {
    let file = bench.places.internalFiles + "/design.json"
    let text = try bench.text(file)
    let changed = text.replacing(old, with: new)
    #expect(changed != text, "the design has \(old)")
    try DurableFile.write(Data(changed.utf8), to: file)
  }

  @Test(arguments: [(#""steps":40"#, #""steps":4000"#), (#""seed":5"#, #""seed":6"#)])
  func aChangedDesignIsNotBelieved(_ change: (old: String, new: String)) throws {
    let bench = try RunBench()
    try interrupted(bench)
    let spent = try bench.history().spent
    try replaceInDesign(bench, change.old, change.new)
    let error = #expect(throws: ControlError.self) { try bench.run() }
    #expect(error?.message.contains("is not the one that its ledger announced") == true)
    #expect(try bench.history().spent == spent)
  }

  /// Plans of earlier versions have no fingerprint, so their announcements are compared.
  @Test func aDesignWithLessNoiseThanAnnouncedIsNotBelieved() throws {
    let bench = try RunBench()
    try interrupted(bench)
    let design = try #require(try ResolvedPlan.saved(in: bench.places.internalFiles))
    var announced = try #require(try bench.history().attempts.first?.plan)
    announced.design = nil
    try design.requireAnnounced(by: announced, fingerprint: "new", run: "run")
    let quieter = try SubsampledGaussian(
      samplingProbability: 0.25, noiseMultiplier: 9, clipNorm: 1, nominalBatchSize: 16)
    announced.mechanism = quieter
    announced.event = .repeated(event: quieter.event, times: 40)
    #expect(throws: ControlError.self) {
      try design.requireAnnounced(by: announced, fingerprint: "new", run: "run")
    }
  }

  @Test func aDesignThatWasNeverAnnouncedIsMadeAnew() throws {
    let bench = try RunBench()
    try interrupted(bench)
    // As after a crash between the plan and its announcement, and a later change of the plan.
    for folder in [bench.places.ledgers, bench.places.ledgerMarks, bench.places.checkpoints] {
      try FolderTree.remove(folder)
    }
    try replaceInDesign(bench, #""steps":40"#, #""steps":4000"#)
    #expect(try bench.run().isFinished)
    #expect(try bench.history().spent.total == 40)
  }

  @Test func aCheckpointWhoseLedgerIsGoneIsNotContinued() throws {
    let bench = try RunBench()
    try interrupted(bench)
    for folder in [bench.places.ledgers, bench.places.ledgerMarks] { try FolderTree.remove(folder) }
    let error = #expect(throws: ControlError.self) { try bench.run() }
    #expect(error?.message.contains("ledger was lost or moved") == true)
    #expect(try bench.history().lineCount == 0)
  }

  @Test func aNameThatTheLedgerKnowsIsNotUsedForAnotherRun() throws {
    let bench = try RunBench()
    #expect(try bench.run().isFinished)
    for folder in [
      bench.places.internalFiles, bench.places.checkpoints, bench.places.release,
    ] { try FolderTree.remove(folder) }
    let error = #expect(throws: ControlError.self) { try bench.run() }
    #expect(error?.message.contains("knows an earlier run of this name") == true)
    #expect(try bench.history().spent.total == 40)
  }

  @Test func otherFrozenImagesAreNotTrainedOn() throws {
    let bench = try RunBench()
    try interrupted(bench)
    let other = try RunBench(drawn: 48)
    try interrupted(other)
    try DurableFile.write(
      try DurableFile.read(other.places.internalFiles + "/images.pack"),
      to: bench.places.internalFiles + "/images.pack")
    let error = #expect(throws: ControlError.self) { try bench.run() }
    #expect(error?.message.contains("frozen images are not those it began with") == true)
  }

  /// A disk without free space for a checkpoint ends the run before anything is charged.
  @Test func aCheckpointIsWrittenBeforeTheFirstCharge() throws {
    let bench = try RunBench()
    try DurableFile.write(Data("in the way".utf8), to: bench.places.checkpoints)
    #expect(throws: (any Error).self) { try bench.run() }
    #expect(try bench.history().lineCount == 0)
  }

  @Test func scheduleFollowsTheStepsAlone() {
    for steps in [1, 7, 40, 480, 3000, 75_000] {
      let schedule = TrainingSchedule(steps: steps)
      let points = (1...steps).count { schedule.hasPoint(after: $0, last: steps) }
      #expect(points >= min(steps, 480) && points <= 962, "\(steps) steps, \(points) points")
      let blocks = (steps + schedule.blockSize - 1) / schedule.blockSize
      #expect(blocks >= min(steps, 100) && blocks < 202, "\(steps) steps, \(blocks) blocks")
    }
  }

  /// Points at times of the clock would reveal how long the steps between them took.
  @Test func curvesHaveTheirPointsAtTheStepsOfTheSchedule() throws {
    let bench = try RunBench()
    #expect(try bench.run().isFinished)
    let lines = try MetricsFile.lines(in: bench.places.internalFiles)
    #expect(lines.map(\.step) == Array(1...40))
  }

  @Test func blocksFollowTheScheduleAndEachEndsWithACheckpoint() throws {
    let bench = try RunBench(steps: 250)
    let checkpoints = Mutex<Set<Int>>([])
    #expect(
      try bench.run { report in
        guard case .progress(let progress) = report, let step = progress.checkpoint else { return }
        checkpoints.withLock { _ = $0.insert(step) }
      }.isFinished)
    #expect(try Set(bench.history().charges.map(\.entry.times)) == [2])
    #expect(checkpoints.withLock { $0 }.isSuperset(of: stride(from: 2, through: 250, by: 2)))
  }

  @Test func curvesForgetTheStepsThatACrashLost() throws {
    let bench = try RunBench()
    // The settlement of the fifth step cannot be written: the step is made, but not recorded.
    var conditions = RunConditions()
    conditions.ledgerDisk = FaultyLedgerDisk(.write, number: 2 * (2 + 2 * 4 + 1) + 1, code: EIO)
    #expect(throws: ControlError.self) { try bench.run(under: conditions) }
    #expect(try MetricsFile.lines(in: bench.places.internalFiles).map(\.step) == [1, 2, 3, 4, 5])
    #expect(try bench.run().isFinished)
    // The lost step remains charged and is not repeated: the run ends one step earlier.
    let lines = try MetricsFile.lines(in: bench.places.internalFiles)
    #expect(lines.map(\.step) == Array(1...39))
  }
}
