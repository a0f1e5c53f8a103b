import Control
import FoundationEssentials
import Testing

@testable import Runs
@testable import figmentd

@Suite struct DaemonTests {
  @Test func aJobOnDiskIsTakenUpAfterACrash() async throws {
    let scratch = ScratchFolder()
    // After a crash of the daemon: the job is `running` on disk, with a checkpoint at step 2.
    let store = JobStore(folder: scratch.path + "/state/jobs", output: "/out")
    try DurableFile.makeFolder(scratch.path + "/state/jobs")
    var job = try store.makeJob(TestHouse.training, dataset: "glyphs", token: "t", at: Date())
    job.state = .running
    job.progress = JobProgress(phase: .train, done: 3, total: 5, checkpoint: 2)
    try store.save(job)
    let house = try await TestHouse(from: scratch)
    let done = try await house.wait(for: job.id, "completed")
    #expect(done.crashes == CrashRecord(checkpoint: 2, count: 1))
    #expect(try await house.daemon.submit(TestHouse.training, token: "t").id == job.id)
    var names: [String] = []
    for try await event in try await house.daemon.events(of: job.id, after: nil, follow: true) {
      if case .state(let state, _) = event.content { names.append(state.name) }
    }
    #expect(names == ["queued", "running", "completed"])
  }

  @Test func threeCrashesAtOnePlaceEndTheJobAndNotTheDaemon() async throws {
    let scratch = ScratchFolder()
    let store = JobStore(folder: scratch.path + "/state/jobs", output: "/out")
    try DurableFile.makeFolder(scratch.path + "/state/jobs")
    var job = try store.makeJob(TestHouse.training, dataset: "glyphs", token: nil, at: Date())
    job.state = .running
    job.crashes = CrashRecord(checkpoint: 0, count: 2)
    try store.save(job)
    let house = try await TestHouse(from: scratch)
    let failed = try await house.daemon.job(job.id)
    #expect(failed.state.name == "failed")
    #expect(house.engine.calls.isEmpty)
    let next = try await house.daemon.submit(TestHouse.training, token: nil)
    _ = try await house.wait(for: next.id, "completed")
  }

  @Test func stoppingLeavesTheJobForTheNextDaemon() async throws {
    let scratch = ScratchFolder()
    let id: JobID
    do {
      let house = try await TestHouse(.init(isEndless: true), from: scratch)
      id = try await house.daemon.submit(TestHouse.training, token: nil).id
      _ = try await house.wait(for: id, "running")
      await house.daemon.stop()
      #expect(try await house.daemon.job(id).state == .queued)
    }
    let house = try await TestHouse(from: scratch)
    let done = try await house.wait(for: id, "completed")
    #expect(done.launches == 2)
    #expect(done.crashes == nil)
  }

  @Test func jobsRunOneAfterAnotherInTheirOrder() async throws {
    let house = try await TestHouse()
    var ids: [JobID] = []
    for _ in 0..<5 {
      ids.append(try await house.daemon.submit(TestHouse.training, token: nil).id)
    }
    for id in ids { _ = try await house.wait(for: id, "completed") }
    #expect(house.engine.calls == ids.map { "train \($0)" })
  }

  @Test func aStateThatCannotBeStoredDoesNotHappen() async throws {
    let house = try await TestHouse(.init(isEndless: true))
    let id = try await house.daemon.submit(TestHouse.training, token: nil).id
    _ = try await house.wait(for: id, "running")
    // A folder in place of the temporary file acts like a full disk.
    let obstacle = house.state.paths.jobs + "/\(id)/job.json.tmp/x"
    try FileManager.default.createDirectory(
      atPath: obstacle, withIntermediateDirectories: true)
    await #expect(throws: SystemCallError.self) {
      try await house.daemon.stop(id, reason: .paused)
    }
    #expect(try await house.daemon.job(id).state == .running)
    try FileManager.default.removeItem(atPath: house.state.paths.jobs + "/\(id)/job.json.tmp")
    _ = try await house.daemon.stop(id, reason: .paused)
    _ = try await house.wait(for: id, "paused")
  }

  @Test func aJobIsCancelledAlsoWhenTheDiskDoesNotTakeIt() async throws {
    let house = try await TestHouse(.init(isEndless: true))
    let id = try await house.daemon.submit(TestHouse.training, token: nil).id
    let waiting = try await house.daemon.submit(TestHouse.training, token: nil).id
    _ = try await house.wait(for: id, "running")
    for job in [id, waiting] {
      try FileManager.default.createDirectory(
        atPath: house.state.paths.jobs + "/\(job)/job.json.tmp/x", withIntermediateDirectories: true
      )
    }
    #expect(try await house.daemon.stop(waiting, reason: .cancelled).state.name == "cancelled")
    _ = try await house.daemon.stop(id, reason: .cancelled)
    _ = try await house.wait(for: id, "cancelled")
    #expect(
      try await house.daemon.status().remarks.contains { $0.contains("cannot store its state") })
    for job in [id, waiting] {
      try FileManager.default.removeItem(atPath: house.state.paths.jobs + "/\(job)/job.json.tmp")
    }
    let end = ContinuousClock.now + .seconds(30)
    while try await !house.daemon.status().remarks.isEmpty, ContinuousClock.now < end {
      try await Task.sleep(for: .milliseconds(50))
    }
    let stored = JobStore(folder: house.state.paths.jobs, output: "/out")
    #expect(try stored.load().map(\.state.name) == ["cancelled", "cancelled"])
  }

  @Test func aDiskThatTakesNothingDoesNotKeepTheDaemonFromStarting() async throws {
    let scratch = ScratchFolder()
    let store = JobStore(folder: scratch.path + "/state/jobs", output: "/out")
    try DurableFile.makeFolder(scratch.path + "/state/jobs")
    var job = try store.makeJob(TestHouse.training, dataset: "glyphs", token: nil, at: Date())
    job.state = .stopping(.cancelled)
    try store.save(job)
    let obstacles = ["jobs/\(job.id)/job.json.tmp/x", "index.sqlite/x", "format.tmp/x"]
    for name in obstacles {
      try FileManager.default.createDirectory(
        atPath: scratch.path + "/state/" + name, withIntermediateDirectories: true)
    }
    let house = try await TestHouse(from: scratch)
    #expect(try await house.daemon.job(job.id).state.name == "cancelled")
    #expect(try await house.daemon.ledger(of: "glyphs").entries.count == 1)
    #expect(try await house.daemon.datasets().count == 2)
    #expect(try await house.daemon.status().remarks.count == 2)
  }

  @Test func oneDamagedJobLeavesTheOthersAlone() async throws {
    let scratch = ScratchFolder()
    let store = JobStore(folder: scratch.path + "/state/jobs", output: "/out")
    try DurableFile.makeFolder(scratch.path + "/state/jobs")
    let jobs = try (0..<3).map { _ in
      try store.makeJob(TestHouse.training, dataset: "glyphs", token: nil, at: Date())
    }
    try scratch.write("state/jobs/\(jobs[0].id)/job.json", "{ \"id\":")
    try scratch.write("state/jobs/\(jobs[1].id)/events.ndjson", "no event\n")
    let house = try await TestHouse(from: scratch)
    _ = try await house.wait(for: jobs[1].id, "completed")
    _ = try await house.wait(for: jobs[2].id, "completed")
    var notes = 0
    for try await event in try await house.daemon.events(of: jobs[1].id, after: nil, follow: true) {
      if case .note(let text) = event.content, text.contains("cannot read a line") { notes += 1 }
    }
    #expect(notes == 1)
    #expect(
      try await house.daemon.status().remarks.contains {
        $0.contains("\(jobs[0].id): cannot read its file")
      })
    #expect(try await house.daemon.ledger(of: "glyphs").entries.count == 1)
  }

  @Test func noJobStartsWithoutRoomOnTheDisk() async throws {
    let scratch = ScratchFolder()
    var configuration = TestHouse.configuration
    configuration.minimumFree = .bytes(.max)
    let house = try await TestHouse(from: scratch, configuration: configuration)
    let id = try await house.daemon.submit(TestHouse.training, token: nil).id
    try await Task.sleep(for: .milliseconds(100))
    #expect(try await house.daemon.job(id).state == .queued)
    let remarks = try await house.daemon.status().remarks
    #expect(remarks.contains { $0.contains("minimum_free") && $0.contains("figment prune") })
    // It can still be cancelled.
    #expect(try await house.daemon.stop(id, reason: .cancelled).state.name == "cancelled")
    let next = try await house.daemon.submit(TestHouse.training, token: nil).id
    await house.daemon.adopt(TestHouse.configuration)
    _ = try await house.wait(for: next, "completed")
    await house.daemon.releaseDatasets()
  }

  @Test func aCancelledJobLeavesNoPixels() async throws {
    let house = try await TestHouse(.init(isEndless: true))
    let id = try await house.daemon.submit(TestHouse.training, token: nil).id
    _ = try await house.wait(for: id, "running")
    let folder = "state/jobs/\(id)"
    for name in ["internal/images.pack", "internal/images.pack.7.tmp", "internal/run.json"] {
      try house.scratch.write("\(folder)/\(name)", "x")
    }
    _ = try await house.daemon.stop(id, reason: .cancelled)
    _ = try await house.wait(for: id, "cancelled")
    #expect(try house.scratch.names(in: folder + "/internal") == ["run.json"])
  }

  /// Two processes were killed, one while it packed images and one while it drew.
  @Test(arguments: [StopReason.cancelled, .paused])
  func aJobThatDoesNotGoOnLeavesNothingUnfinished(reason: StopReason) async throws {
    let scratch = ScratchFolder()
    try scratch.write("out/.figment-notes.tmp/notes.txt", "x")
    var configuration = TestHouse.configuration
    configuration.output = scratch.path + "/out"
    let house = try await TestHouse(
      .init(isEndless: true), from: scratch, configuration: configuration)
    let id = try await house.daemon.submit(TestHouse.training, token: nil).id
    _ = try await house.wait(for: id, "running")
    let set = ".figment-\(id)-0123456789ab.tmp"
    let files = "state/jobs/\(id)/internal"
    try scratch.write("out/\(set)/data/a/000000.png", "x")
    try scratch.write("\(files)/images.pack.7.tmp", "x")
    try scratch.write(
      "\(files)/published.json", #"{"format":1,"manifests":[],"unfinished":["\#(set)"]}"#)
    _ = try await house.daemon.stop(id, reason: reason)
    _ = try await house.wait(for: id, reason == .paused ? "paused" : "cancelled")
    #expect(try scratch.names(in: files) == ["published.json"])
    // A set may be large, so the daemon does not wait for its deletion.
    let end = ContinuousClock.now + .seconds(60)
    while try scratch.names(in: "out").contains(set), ContinuousClock.now < end {
      try await Task.sleep(for: .milliseconds(10))
    }
    #expect(try scratch.names(in: "out") == [".figment-notes.tmp"])
  }

  @Test func aSubmissionThatCannotBeStoredIsNoJob() async throws {
    let house = try await TestHouse()
    try FileManager.default.createDirectory(
      atPath: house.state.paths.jobs + "/last-number.tmp/x", withIntermediateDirectories: true)
    await #expect(throws: SystemCallError.self) {
      try await house.daemon.submit(TestHouse.training, token: nil)
    }
    #expect(try await house.daemon.jobs(JobFilter()).isEmpty)
  }

  @Test func aJobWhoseDatasetIsGoneFails() async throws {
    let house = try await TestHouse(.init(isEndless: true))
    let first = try await house.daemon.submit(TestHouse.training, token: nil).id
    let second = try await house.daemon.submit(TestHouse.training, token: nil).id
    _ = try await house.wait(for: first, "running")
    await house.daemon.adopt(Configuration(output: "/out", recipes: "/recipes"))
    _ = try await house.daemon.stop(first, reason: .cancelled)
    let failed = try await house.wait(for: second, "failed")
    guard case .finished(.failed(let failure)) = failed.state else {
      Issue.record("the job is \(failed.state.name) (failed expected)")
      return
    }
    #expect(failure.exitCode == .notFound)
    #expect(failure.message.contains("dataset 'glyphs': unknown"))
  }

  @Test func aReloadedConfigurationHoldsAtOnce() async throws {
    let house = try await TestHouse()
    await house.daemon.keepDatasets()
    var changed = TestHouse.configuration
    changed.datasets.removeFirst()
    changed.datasets[0].policy.epsilonMaximum = 3
    changed.threads = 7
    await house.daemon.adopt(changed)
    let datasets = try await house.daemon.datasets()
    #expect(datasets.map(\.name) == ["strict"])
    #expect(datasets.map(\.budget.epsilonMaximum) == [3])
    #expect(
      try await house.daemon.status().remarks
        == ["configuration: threads changed. Restart figmentd to apply the change."])
    await house.daemon.refuse(ConfigurationError(file: "f", line: 3, message: "broken"))
    #expect(
      try await house.daemon.status().remarks == ["configuration: not reloaded: f:3: broken"])
    #expect(try await house.daemon.datasets().map(\.name) == ["strict"])
    await house.daemon.releaseDatasets()
  }

  @Test func changesInAFolderLeadToAScan() async throws {
    let house = try await TestHouse()
    await house.daemon.keepDatasets()
    _ = try await house.daemon.rescan("glyphs")
    let before = house.reader.scanCount
    house.reader.change { $0.files = [FakeFolderReader.file("a/new.png")] }
    for _ in 0..<1000 {
      if try await house.daemon.datasets()[0].usable == 1 { break }
      try await Task.sleep(for: .milliseconds(5))
    }
    #expect(try await house.daemon.datasets()[0].usable == 1)
    #expect(house.reader.scanCount > before)
    await house.daemon.releaseDatasets()
  }

  @Test func aRootThatIsGoneKeepsWhatWasKnown() async throws {
    let house = try await TestHouse(files: [FakeFolderReader.file("a/1.png")])
    await house.daemon.keepDatasets()
    _ = try await house.daemon.rescan("glyphs")
    house.reader.change { $0.failure = "root: not mounted" }
    var status = try await house.daemon.rescan("glyphs")
    // The change itself is a hint, so its scan may be running now.
    for _ in 0..<1000 where status.state == .scanning {
      try await Task.sleep(for: .milliseconds(5))
      status = try await house.daemon.datasets()[0]
    }
    #expect(status.state == .offline)
    #expect(status.remark == "root: not mounted")
    #expect(status.usable == 1)
    await house.daemon.releaseDatasets()
  }
}
