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

/// No privacy is wasted, and no half-trained network is published as a complete one.
@Suite struct SafeguardTests {
  /// Stops a run like a kill: in the middle of a block, with nothing settled or saved.
  private func crash(_ bench: RunBench, at step: Int) throws {
    struct Killed: Error {}
    var conditions = RunConditions()
    conditions.writeCheckpoint = { data, path in
      if path.hasSuffix("step-\(step).safetensors") { throw Killed() }
      try DurableFile.write(data, to: path)
    }
    #expect(throws: Killed.self) { try bench.run(under: conditions) }
  }

  /// The notes of a run, without its progress.
  private final class Notes: Sendable {
    private let notes = Mutex<[String]>([])
    var all: [String] { notes.withLock { $0 } }
    func take(_ report: JobReport) {
      if case .note(let text) = report { notes.withLock { $0.append(text.value) } }
    }
  }

  @Test func aTrainingThatCrashesCutShortIsNotPublished() throws {
    var bench = try RunBench(steps: 20)
    for step in 1...3 { try crash(bench, at: step) }
    // Each crash cost the one step of a block: three of twenty.
    let error = #expect(throws: ControlError.self) { try bench.run() }
    #expect(error?.message.contains("17 of 20 planned steps") == true)
    #expect(error?.message.contains("--allow-fewer-steps") == true)
    #expect(access(bench.places.release, F_OK) != 0)
    bench.order.allowsFewerSteps = true
    guard case .finished(let results) = try bench.run() else {
      Issue.record("the run was stopped")
      return
    }
    #expect(results.steps == 17)
    #expect(results.plannedSteps == 20)
    #expect(access(bench.places.release + "/manifest.json", F_OK) == 0)
  }

  @Test func aStepLostOfManyIsSaidAndPublished() throws {
    let bench = try RunBench(steps: 20)
    try crash(bench, at: 1)
    let notes = Notes()
    #expect(try bench.run { notes.take($0) }.isFinished)
    #expect(notes.all.contains { $0.hasPrefix("training: 19 of 20 planned steps") })
    let report = try bench.text(bench.places.release + "/report.html")
    #expect(report.contains("19 of 20 planned steps"), "whoever gets the set learns of the loss")
    let sentence = "Interruptions such as a power cut cost 1 of 20 planned steps."
    #expect(report.contains(sentence))
    #expect(try bench.text(bench.places.release + "/README.md").contains(sentence))
  }

  @Test func aDamagedCheckpointIsSaid() throws {
    let bench = try RunBench(steps: 40)
    let stop = StopSignal()
    _ = try bench.run(stop: stop) { report in
      if case .progress(let progress) = report, progress.phase == .train, progress.done >= 10 {
        stop.raise()
      }
    }
    let folder = CheckpointFolder(path: bench.places.checkpoints)
    let newest = try #require(try folder.newest())
    try DurableFile.write(
      Data("damaged".utf8),
      to: bench.places.checkpoints + "/step-\(newest.step).safetensors")
    let notes = Notes()
    _ = try? bench.run { notes.take($0) }
    #expect(notes.all.contains { $0.contains("the newest checkpoint is damaged: goes back to") })
  }

  @Test func aRunWithoutRoomForACheckpointWaitsAndLosesNothing() throws {
    let bench = try RunBench(steps: 20)
    let failures = Mutex(3)
    var conditions = RunConditions()
    conditions.pauseWithoutRoom = .milliseconds(1)
    conditions.writeCheckpoint = { data, path in
      let isFull = failures.withLock { left in
        guard left > 0, path.hasSuffix("step-5.safetensors") else { return false }
        left -= 1
        return true
      }
      if isFull { throw SystemCallError("write", path, code: ENOSPC) }
      try DurableFile.write(data, to: path)
    }
    let notes = Notes()
    guard case .finished(let results) = try bench.run(under: conditions, report: notes.take) else {
      Issue.record("the run was stopped")
      return
    }
    #expect(results.steps == 20 && results.plannedSteps == nil)
    #expect(failures.withLock { $0 } == 0)
    #expect(notes.all.filter { $0.contains("no room for a checkpoint") }.count == 1)
  }

  @Test func aRunThatIsStoppedWithoutRoomForACheckpointGoesOnLater() throws {
    let bench = try RunBench(steps: 20)
    let stop = StopSignal()
    var conditions = RunConditions()
    conditions.pauseWithoutRoom = .milliseconds(1)
    conditions.writeCheckpoint = { data, path in
      if path.hasSuffix("step-5.safetensors") { throw SystemCallError("write", path, code: ENOSPC) }
      try DurableFile.write(data, to: path)
    }
    let notes = Notes()
    let ending = try bench.run(stop: stop, under: conditions) { report in
      notes.take(report)
      if notes.all.contains(where: { $0.contains("no room for a checkpoint") }) { stop.raise() }
    }
    #expect(!ending.isFinished)
    #expect(notes.all.contains { $0.hasPrefix("stopped while there was no room") })
    guard case .finished(let results) = try bench.run() else {
      Issue.record("the run was stopped")
      return
    }
    // The step that could not be stored is charged and lost.
    #expect(results.steps == 19 && results.plannedSteps == 20)
  }

  @Test func aRunThatIsUnderwayWaitsForTheRoomThatItsSetNeeds() throws {
    var bench = try RunBench(steps: 20)
    try crash(bench, at: 2)
    bench.order.count = 1 << 40
    let stop = StopSignal()
    var conditions = RunConditions()
    conditions.pauseWithoutRoom = .milliseconds(1)
    let notes = Notes()
    let ending = try bench.run(stop: stop, under: conditions) { report in
      notes.take(report)
      if notes.all.contains(where: { $0.contains("no room for the run's files") }) { stop.raise() }
    }
    #expect(!ending.isFinished)
    bench.order.count = 12
    #expect(try bench.run().isFinished)
  }

  @Test func aRunThatIsStoppedWhileItDrawsLeavesNoPartOfASet() throws {
    let bench = try RunBench(steps: 20, count: 640)
    let stop = StopSignal()
    let began = Mutex(false)
    let folder = bench.scratch.path + "/release"
    let ending = try bench.run(stop: stop) { report in
      guard case .progress(let progress) = report, progress.phase == .generate else { return }
      began.withLock { $0 = (try? DurableFile.names(in: folder)) != [] }
      stop.raise()
    }
    #expect(began.withLock { $0 } && !ending.isFinished)
    #expect(try DurableFile.names(in: folder) == [])
    #expect(try bench.run().isFinished)
  }

  @Test func aSetThatCannotBeFinishedLeavesNoPart() throws {
    let bench = try RunBench(steps: 20)
    let isBroken = Mutex(false)
    let folder = bench.scratch.path + "/release"
    #expect(throws: (any Error).self) {
      try bench.run { report in
        // A folder in place of the set's README.
        guard case .progress(let progress) = report, progress.phase == .pack,
          let name = try? DurableFile.names(in: folder).first
        else { return }
        isBroken.withLock { $0 = true }
        try? DurableFile.makeFolder("\(folder)/\(name)/README.md")
      }
    }
    #expect(isBroken.withLock { $0 })
    #expect(try DurableFile.names(in: folder) == [])
    #expect(try bench.run().isFinished)
  }

  @Test func imagesThatFindNoRoomAreWaitedFor() {
    let full = DatasetError.systemCallFailed(call: "reserving", path: "images.pack", errno: ENOSPC)
    #expect(DiskNeed.isWantOfRoom(full))
    #expect(!DiskNeed.isWantOfRoom(DatasetError.stopped))
    #expect(!DiskNeed.isWantOfRoom(SystemCallError("write", "a file", code: EIO)))
  }

  @Test func aDiskWithoutRoomForTheSetIsRefusedBeforeAnythingIsCharged() throws {
    let need = DiskNeed(
      recipe: try RunBench().order.recipe, count: 1_000_000_000, checkpointBytes: 1 << 40)
    let bench = try RunBench()
    let error = #expect(throws: ControlError.self) {
      try need.requireRoom(
        internalFiles: bench.places.internalFiles, set: bench.places.release)
    }
    #expect(error?.message.contains("are free on its disk") == true)
    var large = bench
    large.order.count = 1 << 40
    #expect(throws: ControlError.self) { try large.run() }
    #expect(try large.history().spent.total == 0)
  }

  @Test func aRunOnAFewImagesIsWarnedOfBeforeItIsCharged() throws {
    let bench = try RunBench(epsilon: 0.05)
    let notes = Notes()
    let charged = Mutex<Int?>(nil)
    #expect(
      try bench.run { report in
        notes.take(report)
        guard case .note(let text) = report, text.value.contains("Noise will") else { return }
        charged.withLock { $0 = try? bench.history().spent.total }
      }.isFinished)
    let warning = try #require(notes.all.first { $0.hasPrefix("Noise will outweigh") })
    #expect(warning.contains("these 64 images"))
    #expect(warning.contains("It would take about"))
    #expect(charged.withLock { $0 } == 0)
  }
}
