import Control
import Datasets
import FoundationEssentials
import Glibc
import Logging
import Models
import Privacy
import Synchronization
import Testing

@testable import Runs
@testable import figmentd

/// Jobs in separate processes.
@Suite(.serialized) struct WorkerProcessTests {
  /// A daemon's engine in a scratch folder, and a job for it.
  private struct Bench {
    let scratch = ScratchFolder()
    let engine: ProcessEngine
    let state: StatePaths
    let dataset: DatasetConfiguration
    let job: Job
    let directory: JobDirectory

    init(steps: Int = 40, count: Int = 12) throws {
      // As in both programs: writing to a dead worker is an error, and does not end the process.
      signal(SIGPIPE, SIG_IGN)
      let run = try RunBench(steps: steps)
      state = StatePaths(path: scratch.path + "/state")
      let recipes = scratch.path + "/recipes"
      try DurableFile.makeFolder(recipes)
      try DurableFile.write(
        Data(RunBench.recipe(side: 8, steps: steps).utf8), to: recipes + "/tiny.yaml")
      let images = scratch.path + "/images"
      guard rename(run.order.root, images) == 0 else { throw SystemCallError("rename", images) }
      dataset = DatasetConfiguration(
        name: "glyphs", root: images, settle: .zero,
        policy: PrivacyPolicy(epsilonMaximum: 100, delta: 1e-5))
      engine = ProcessEngine(
        EngineSettings(recipes: recipes, threads: 1, state: state), executable: try Self.program()
      ) { _, _ in FileUse(units: 64) }
      job = Job(
        id: try #require(JobID("glyphs-1")),
        request: .train(
          TrainRequest(dataset: "glyphs", recipe: "tiny", epsilon: 4, count: count)),
        dataset: "glyphs", created: Date())
      directory = JobDirectory(
        job: job.id, path: state.jobs + "/glyphs-1", release: scratch.path + "/out/glyphs-1")
    }

    /// The program itself, beside the tests.
    static func program() throws -> String {
      let path = try #require(realpath("/proc/self/exe", nil).map { String(cString: $0) })
      let program = path[..<(path.lastIndex(of: "/") ?? path.endIndex)] + "/figmentd"
      try #require(access(String(program), X_OK) == 0)
      return String(program)
    }

    func train(
      stop: StopSignal = StopSignal(), report: @escaping @Sendable (JobReport) -> Void = { _ in }
    ) throws -> EngineOutcome {
      guard case .train(let request) = job.request else { throw SystemCallError("job", "none") }
      return try engine.train(
        job, request, in: directory, dataset: dataset, stop: stop, report: report)
    }

    /// The worker that trains, found by its name among the child processes.
    static func worker() -> pid_t? {
      guard let names = try? DurableFile.names(in: "/proc") else { return nil }
      return names.compactMap { pid_t($0) }.first { process in
        guard let line = try? DurableFile.read("/proc/\(process)/cmdline"),
          let status = try? DurableFile.read("/proc/\(process)/stat")
        else { return false }
        let fields = String(decoding: status, as: UTF8.self).split(separator: " ")
        return String(decoding: line, as: UTF8.self).contains(WorkerConnection.verb)
          && fields.count > 3 && fields[3] == "\(getpid())"
      }
    }
  }

  @Test func aJobTrainsPublishesAndReportsThroughItsProcess() throws {
    let bench = try Bench()
    let phases = Phases()
    guard case .completed(let results) = try bench.train(report: { phases.note($0) }) else {
      Issue.record("the job was stopped")
      return
    }
    #expect(results.images == 12)
    #expect(results.epsilon.map { $0 > 0 && $0 <= 4 } == true)
    #expect(phases.seen.isSuperset(of: [.decode, .train, .generate]))
    #expect(access(bench.directory.release + "/manifest.json", F_OK) == 0)
  }

  @Test func aPreviewIsDrawnByAProcessAndLeavesNoFile() throws {
    let bench = try Bench()
    let names = try DurableFile.names(in: bench.dataset.root).sorted()
    let files = try names.map { name in
      let inside = try DurableFile.names(in: bench.dataset.root + "/" + name).sorted()
      return PreviewSelection.Class(name: name, paths: inside.map { name + "/" + $0 })
    }
    let sheet = try bench.engine.preview(
      of: PreviewSelection(classes: files, classCount: files.count), recipe: "tiny",
      dataset: bench.dataset)
    #expect(sheet.classes == names && sheet.images > 0 && sheet.height == 8)
    #expect(sheet.png.starts(with: [0x89, 0x50, 0x4E, 0x47]))
    #expect(try DurableFile.names(in: bench.scratch.path).sorted() == ["images", "recipes"])
  }

  /// A model of two levels learns no shades, so its preview shows none.
  @Test(
    arguments: [
      (1, [0, 0, 255, 255]), (2, [0, 85, 170, 255]), (6, [0, 101, 130, 255]),
      (8, [0, 100, 130, 255]),
    ])
  func aPreviewHasTheLevelsOfItsRecipe(bits: Int, seen: [UInt8]) throws {
    #expect([0, 100, 130, 255].map(PixelLevels(bits: bits).nearest) == seen)
    #expect(try ShippedModels.recipe("bayes-net-and-pixel-28").model.levelBits == 1)
    #expect(try ShippedModels.recipe("multiscale-28").model.levelBits == 6)
    #expect(try ShippedModels.recipe("dp-gan-28").model.levelBits == 8)
  }

  @Test func aLookForColoursTakesPlaceInAProcess() throws {
    let bench = try Bench()
    let names = try DurableFile.names(in: bench.dataset.root).sorted()
    let files = try names.map { name in
      let inside = try DurableFile.names(in: bench.dataset.root + "/" + name).sorted()
      return PreviewSelection.Class(name: name, paths: inside.map { name + "/" + $0 })
    }
    let found = try bench.engine.hasColours(
      PreviewSelection(classes: files, classCount: files.count), dataset: bench.dataset)
    #expect(found == false)
  }

  /// The administrator sees beforehand which rows a run would leave out, beside images and without them.
  @Test func theRowsOfTablesAreCountedByAProcess() throws {
    let bench = try Bench()
    var dataset = bench.dataset
    let none = #expect(throws: ControlError.self) { try bench.engine.rows(of: dataset) }
    #expect(none?.message.contains("declares no columns") == true)
    dataset.columns = [ColumnDomain(name: "sex", values: .categories(["f", "m"]))]
    let name = try #require(try DurableFile.names(in: dataset.root).first)
    let image = try #require(try DurableFile.names(in: dataset.root + "/" + name).first)
    try DurableFile.write(
      Data("file_name,sex\n\(name)/\(image),f\nabsent.png,m\n".utf8),
      to: dataset.root + "/metadata.csv")
    let beside = try bench.engine.rows(of: dataset)
    #expect(beside.tables == ["metadata.csv"] && beside.rows == 2 && beside.used == 1)
    #expect(beside.unused == [RowsReport.Unused(reason: "noSuchFile", count: 1)])
    #expect(beside.imagesWithoutRow == 63)
    #expect(beside.lines.contains { $0.contains("(metadata.csv, line 3)") })
    dataset = DatasetConfiguration(
      name: "rows", root: bench.scratch.path + "/tables", settle: .zero, policy: dataset.policy)
    dataset.columns = [ColumnDomain(name: "sex", values: .categories(["f", "m"]))]
    try DurableFile.makeFolder(dataset.root)
    try DurableFile.write(Data("sex\nf\nx\nm,m\n".utf8), to: dataset.root + "/a.csv")
    let alone = try bench.engine.rows(of: dataset)
    #expect(alone.tables == ["a.csv"] && alone.rows == 3 && alone.used == 2)
    #expect(alone.unused.map(\.reason) == ["wrongFieldCount"])
    #expect(
      alone.lines.contains {
        $0.contains("outside the declared domain: sex in 1 row (a.csv, line 3)")
      })
    try DurableFile.write(Data("age\n1\n".utf8), to: dataset.root + "/a.csv")
    let error = #expect(throws: ControlError.self) { try bench.engine.rows(of: dataset) }
    #expect(error?.message.contains("no column 'sex'") == true)
    #expect(error?.exitCode == ControlError.conflict("").exitCode, "nothing has failed")
    // Who may see the folder learns where it is.
    #expect(error?.message.hasSuffix("(table a.csv)") == true)
    try DurableFile.write(
      Data("sex,x\nf,1\nm,\"a\nf,2\nm,b\"\n".utf8), to: dataset.root + "/a.csv")
    let stray = #expect(throws: ControlError.self) { try bench.engine.rows(of: dataset) }
    #expect(stray?.message.hasSuffix("(table a.csv, line 3)") == true, "\(stray?.message ?? "")")
  }

  @Test func aPreviewOfAVanishedRootIsAConflict() throws {
    let bench = try Bench()
    #expect(rename(bench.dataset.root, bench.scratch.path + "/moved") == 0)
    let error = #expect(throws: ControlError.self) {
      try bench.engine.preview(
        of: PreviewSelection(classes: [.init(name: "a", paths: ["a/1.png"])], classCount: 1),
        recipe: "tiny", dataset: bench.dataset)
    }
    #expect(error?.problem.status == 409, "\(error as Any)")
    #expect(error?.message.contains("folder of images \(bench.dataset.root)") ?? false)
  }

  /// The peak memory of a daemon depends on the largest private image that it has read.
  @Test func theMemoryOfAPlanDoesNotFollowThatOfTheDaemon() throws {
    let bench = try Bench()
    let size = 512 << 20
    let memory = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 4096)
    for place in stride(from: 0, to: size, by: 4096) {
      memory.storeBytes(of: 1, toByteOffset: place, as: UInt8.self)
    }
    memory.deallocate()
    #expect(ProcessStatus.peakMemory >= size)
    let plan = try bench.engine.plan(
      PlanRequest(dataset: "glyphs", recipe: "tiny", epsilon: 4), dataset: bench.dataset)
    let needed = try #require(plan.memoryBytes)
    #expect(needed > 0 && needed < size / 2)
  }

  @Test func aStopReachesTheProcessAndTheJobGoesOnLater() throws {
    let bench = try Bench(steps: 4_000)
    let stop = StopSignal()
    let ending = try bench.train(stop: stop) { report in
      if case .progress(let progress) = report, progress.phase == .train, progress.done > 0 {
        stop.raise()
      }
    }
    guard case .stopped = ending else {
      Issue.record("the job was not stopped")
      return
    }
    let checkpoints = CheckpointFolder(path: bench.directory.checkpoints)
    #expect(try #require(try checkpoints.newest()).step > 0)
    #expect(access(bench.directory.release, F_OK) != 0)
  }

  /// The daemon receives only the report that the job waits, until it stops the job.
  @Test func aJobWaitsInItsProcessWhileADiskIsFull() throws {
    let bench = try Bench()
    bench.engine.keepFree(.percent(100))
    let stop = StopSignal()
    let heard = Mutex<[JobPhase]>([])
    let ending = try bench.train(stop: stop) { report in
      guard case .progress(let progress) = report else { return }
      heard.withLock { $0.append(progress.phase) }
      if heard.withLock({ $0.count }) == 2 { stop.raise() }
    }
    guard case .stopped = ending else {
      Issue.record("the job was not stopped")
      return
    }
    #expect(heard.withLock { Set($0) } == [.scan])
  }

  /// Whether this process may mount a disk.
  private static let mayMount: Bool = {
    let scratch = ScratchFolder()
    guard mount("tmpfs", scratch.path, "tmpfs", 0, "size=4k") == 0 else { return false }
    return umount(scratch.path) == 0
  }()

  /// A preview finds no free space; the job reports this, stops on request, and continues later.
  @Test(.enabled(if: mayMount, "a small disk can be mounted by root alone"))
  func aJobThatFindsNoRoomForAFileWaitsInItsProcess() throws {
    let bench = try Bench()
    let previews = bench.directory.internalFiles + "/previews"
    defer { umount2(previews, Int32(MNT_DETACH)) }
    let stop = StopSignal()
    let isFull = Mutex(false)
    let ending = try bench.train(stop: stop) { report in
      switch report {
      case .progress(let progress) where progress.phase == .train && progress.done > 0:
        isFull.withLock { isFull in
          guard !isFull else { return }
          isFull = true
          mkdir(previews, 0o700)
          guard mount("tmpfs", previews, "tmpfs", 0, "size=4k") == 0 else { return }
          try? DurableFile.write(Data(count: 4096), to: previews + "/filling")
        }
      case .note(let text) where text.value.hasPrefix("a disk is full"): stop.raise()
      default: break
      }
    }
    guard case .stopped = ending else {
      Issue.record("the job was not stopped")
      return
    }
    #expect(umount2(previews, Int32(MNT_DETACH)) == 0)
    guard case .completed(let results) = try bench.train() else {
      Issue.record("the job was stopped")
      return
    }
    #expect(try #require(results.steps) >= 38)
  }

  @Test func aKilledProcessIsACrashOfTheJobAlone() throws {
    let bench = try Bench(steps: 100_000)
    let error = #expect(throws: WorkerCrash.self) {
      try bench.train { report in
        if case .progress(let progress) = report, progress.phase == .train, progress.done > 0,
          let worker = Bench.worker()
        {
          kill(worker, SIGKILL)
        }
      }
    }
    #expect(error?.ending == .killed(SIGKILL))
    #expect("\(try #require(error))".contains("killed"))
  }

  @Test func aRefusalComesBackWithItsKind() throws {
    let bench = try Bench()
    var request = TrainRequest(dataset: "glyphs", recipe: "tiny", epsilon: 1_000)
    let error = #expect(throws: ControlError.self) {
      try bench.engine.check(request, dataset: bench.dataset, isCounted: true)
    }
    #expect(error?.exitCode == .refused)
    request.recipe = "unknown"
    let missing = #expect(throws: ControlError.self) {
      try bench.engine.plan(request, dataset: bench.dataset)
    }
    #expect(missing?.exitCode == .notFound)
  }

  @Test func aPlanTellsWhatTrainingNeeds() throws {
    let bench = try Bench()
    let plan = try bench.engine.plan(
      TrainRequest(dataset: "glyphs", recipe: "tiny", epsilon: 4), dataset: bench.dataset)
    let memory = try #require(plan.memoryBytes)
    #expect(memory > 1 << 20 && memory < 1 << 30)
    #expect(try #require(plan.diskBytes) > 10_000 * 64)
    #expect(plan.steps == 40)
  }

  @Test func aWorkerWithoutADaemonEnds() throws {
    let bench = try Bench(steps: 1_000_000)
    let call = EngineCall(
      settings: EngineSettings(
        recipes: bench.scratch.path + "/recipes", threads: 1, state: bench.state),
      dataset: bench.dataset, work: .job(bench.job, bench.directory, trained: nil))
    var connection: WorkerConnection? = try WorkerConnection(
      call, executable: try Bench.program())
    let process = try #require(connection?.processIdentifier)
    // Neither waited for nor killed: its channel closes, as when the daemon dies.
    connection?.abandon()
    connection = nil
    let end = ContinuousClock.now + .seconds(60)
    var status: Int32 = 0
    while waitpid(process, &status, WNOHANG) == 0 {
      guard ContinuousClock.now < end else {
        Issue.record("the worker goes on alone")
        kill(process, SIGKILL)
        return
      }
      usleep(20_000)
    }
  }

  @Test func whatTalksNonsenseIsEnded() throws {
    let bench = try Bench()
    let call = EngineCall(
      settings: EngineSettings(recipes: "/none", threads: 1, state: bench.state),
      dataset: bench.dataset, work: .plan(TrainRequest(dataset: "glyphs", recipe: "tiny")))
    let impostor = try WorkerConnection(
      call, executable: "/bin/sh", arguments: ["sh", "-c", "echo nonsense; exec sleep 600"])
    #expect(throws: WorkerCrash(ending: nil)) { try impostor.answer() }
    let silent = try WorkerConnection(
      call, executable: "/bin/sh", arguments: ["sh", "-c", "exit 3"])
    #expect(throws: WorkerCrash(ending: .exited(3))) { try silent.answer() }
    let slow = try WorkerConnection(
      call, executable: "/bin/sh", arguments: ["sh", "-c", "exec sleep 600"])
    let error = #expect(throws: ControlError.self) {
      try slow.answer(within: .milliseconds(200))
    }
    #expect(error?.message.contains("Request fewer steps") == true)
    let unwanted = try WorkerConnection(
      call, executable: "/bin/sh", arguments: ["sh", "-c", "exec sleep 600"])
    let abandonment = StopSignal()
    abandonment.raise()
    #expect(throws: CancellationError.self) { try unwanted.answer(unless: abandonment) }
    #expect(kill(unwanted.processIdentifier, 0) != 0, "it is gone")
  }
}

/// The phases in the reports.
private final class Phases: Sendable {
  private let phases = Mutex<Set<JobPhase>>([])

  var seen: Set<JobPhase> { phases.withLock { $0 } }

  func note(_ report: JobReport) {
    guard case .progress(let progress) = report else { return }
    phases.withLock { _ = $0.insert(progress.phase) }
  }
}
