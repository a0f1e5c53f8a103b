import Control
import FoundationEssentials
import Glibc
import Privacy
import Runs
import Synchronization

/// The worker's side of `WorkerConnection`: carries out one call of the engine, then exits.
enum EngineWorker {
  /// Seconds to wait for an earlier worker of the same job to end.
  private static let secondsForLock = 60
  /// The OOM score adjustment: if memory runs out, the kernel kills this process before the daemon.
  private static let memoryPriority = "500"

  /// Runs a worker: reads its call, reports on standard output, exits.
  static func run() -> Never {
    Process.prepare()
    Process.yieldToOthers()
    let stop = StopSignal()
    do {
      try StopSignals.raise(stop)
      yieldMemoryFirst()
      let call = try JSONDecoder().decode(EngineCall.self, from: readLine(EngineCall.largestBytes))
      try DetachedThread.start(named: "figment-orders") { listen(stop) }
      send(answer(to: call, stop))
    } catch {
      // The channel is closed or the call is invalid; the daemon sees the exit code.
      _exit(1)
    }
    _exit(0)
  }

  /// Makes the kernel kill this process rather than the daemon if memory runs out.
  private static func yieldMemoryFirst() {
    let file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC)
    guard file >= 0 else { return }
    defer { close(file) }
    _ = write(file, memoryPriority, memoryPriority.utf8.count)
  }

  private static func answer(to call: EngineCall, _ stop: StopSignal) -> EngineMessage {
    do {
      let engine = LocalEngine(call.settings) { _, _ in
        call.use ?? FileUse(units: 0)
      }
      switch call.work {
      case .plan(let request):
        var report = try engine.plan(request, dataset: call.dataset)
        report.memoryBytes = MemoryUse.rounded(ProcessStatus.peakMemory)
        return .planned(report)
      case .check(let request, let waiting):
        return .checked(
          try engine.check(
            request, behind: waiting, dataset: call.dataset, isCounted: call.use != nil))
      case .preview(let selection, let recipe):
        return .previewed(
          try engine.preview(of: selection, recipe: recipe, dataset: call.dataset))
      case .colours(let selection):
        return .coloured(try engine.hasColours(selection, dataset: call.dataset))
      case .rows: return .counted(try engine.rows(of: call.dataset))
      case .job(let job, let directory, let trained):
        RoomPatience.ofThisProcess.wait(
          unless: stop,
          tell: { send(.note("a disk is full: the job waits for free space")) },
          // Meanwhile, progress reports show the daemon that the job is alive.
          beat: { if let progress = progress.withLock({ $0 }) { send(progress) } })
        let lock = try lock(directory)
        defer { close(lock) }
        let gate = ProgressGate()
        let space = call.minimumFree.map {
          FreeSpaceGuard(state: call.settings.state.path, output: directory.output, minimum: $0)
        }
        let outcome = try Worker.call(
          engine,
          Worker.Assignment(
            job: job, directory: directory, trained: trained, dataset: call.dataset, stop: stop)
        ) { report in
          if case .progress = report {
            // Meanwhile, progress reports show the daemon that the job is alive.
            space?.waitForRoom(unless: stop) { send(message(report)) }
          }
          if gate.lets(report, at: .now) { send(message(report)) }
        }
        return switch outcome {
        case .completed(let results): .completed(results)
        case .stopped: .stopped
        }
      }
    } catch _ where stop.isRaised && RoomPatience.ofThisProcess.hasEnded {
      send(.note("stopped while a disk was full: progress since the last checkpoint is lost"))
      return .stopped
    } catch {
      return .refused(ControlError(error).problem)
    }
  }

  private static func message(_ report: JobReport) -> EngineMessage {
    switch report {
    case .progress(let progress): .progress(progress)
    case .note(let text): .note(text.value)
    }
  }

  /// Locks a job's folder, because two workers on one job would overwrite each other's files.
  ///
  /// After a crash of the daemon, the old worker may need a moment to detect it and exit.
  private static func lock(_ directory: JobDirectory) throws -> Int32 {
    try DurableFile.makeFolder(directory.path)
    let patience = Duration.seconds(secondsForLock)
    if let lock = try FileLock.take(directory.path + "/lock", patience: patience) { return lock }
    throw ControlError.conflict(
      "job \(directory.job): another process is working on it (none expected). Wait until that process "
        + "has ended, then resume the job.")
  }

  /// Raises `stop` on the daemon's request, and exits if the daemon is gone.
  private static func listen(_ stop: StopSignal) {
    while true {
      var byte: UInt8 = 0
      let count = read(0, &byte, 1)
      if count < 0, errno == EINTR { continue }
      // The same as a kill: lost steps are charged, and the next worker continues from the checkpoint.
      guard count == 1 else { _exit(1) }
      stop.raise()
    }
  }

  private static func readLine(_ most: Int) throws -> Data {
    var line = Data()
    var byte: UInt8 = 0
    while line.count < most {
      let count = read(0, &byte, 1)
      if count < 0, errno == EINTR { continue }
      guard count == 1 else { break }
      if byte == 0x0A { return line }
      line.append(byte)
    }
    throw ControlError.invalid("worker: no call arrived (one line of JSON expected).")
  }

  private static let output = Mutex(())
  /// The newest progress sent to the daemon.
  private static let progress = Mutex<EngineMessage?>(nil)

  private static func send(_ message: EngineMessage) {
    if case .progress = message { progress.withLock { $0 = message } }
    guard var line = try? JSONEncoder().encode(message) else { _exit(1) }
    line.append(0x0A)
    output.withLock { _ in
      // The daemon is gone, so exit.
      do { try DurableFile.writeAll(line, to: 1, of: "the daemon") } catch { _exit(1) }
    }
  }
}

/// The memory use of a process.
enum MemoryUse {
  /// Rounds bytes up to a multiple of 16 MiB; smaller differences only reflect the allocator.
  static func rounded(_ bytes: Int) -> Int {
    let step = 16 << 20
    return (bytes + step - 1) / step * step
  }
}
