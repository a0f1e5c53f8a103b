import Control
import Runs
import Synchronization

/// Passes jobs to the engine on the training thread, one at a time.
struct Worker: Sendable {
  private let engine: any TrainingEngine
  private let thread = SerialThread(named: "figment-train", yields: true)
  private let pulse: Pulse

  /// Creates a worker for an engine; the pulse beats whenever the engine reports.
  init(engine: any TrainingEngine, pulse: Pulse) {
    self.engine = engine
    self.pulse = pulse
  }

  /// The inputs of a job.
  struct Assignment: Sendable {
    /// The job.
    let job: Job
    /// The paths of its files.
    let directory: JobDirectory
    /// The paths of the trained job to draw from or to evaluate; nil for training.
    let trained: JobDirectory?
    /// The dataset as configured now.
    let dataset: DatasetConfiguration
    /// The stop signal.
    let stop: StopSignal
  }

  /// Runs a job to its end.
  ///
  /// - Parameter take: receives the job's reports in order, all of them before this returns.
  func run(
    _ assignment: Assignment, take: @escaping @Sendable (JobReport) async -> Void
  ) async -> JobLifecycle.Ending {
    let (reports, continuation) = AsyncStream<JobReport>.makeStream()
    let taking = Task { for await report in reports { await take(report) } }
    let ending = await end(of: assignment, reportTo: continuation)
    continuation.finish()
    await taking.value
    return ending
  }

  private func end(
    of assignment: Assignment, reportTo continuation: AsyncStream<JobReport>.Continuation
  ) async -> JobLifecycle.Ending {
    let gate = ProgressGate()
    let (engine, pulse) = (engine, pulse)
    do {
      let outcome = try await thread.run {
        try Self.call(engine, assignment) { report in
          pulse.beat()
          if gate.lets(report, at: .now) { continuation.yield(report) }
        }
      }
      switch outcome {
      case .completed(let results): return .completed(results)
      case .stopped: return .stopped
      }
    } catch let crash as WorkerCrash {
      return .crashed(crash.description)
    } catch {
      let error = ControlError(error)
      return .failed(JobFailure(message: error.message, exitCode: error.exitCode))
    }
  }

  /// Calls the engine's function for a job.
  static func call(
    _ engine: any TrainingEngine, _ assignment: Assignment,
    report: @Sendable (JobReport) -> Void
  ) throws -> EngineOutcome {
    let job = assignment.job
    switch job.request {
    case .train(let request):
      return try engine.train(
        job, request, in: assignment.directory, dataset: assignment.dataset,
        stop: assignment.stop, report: report)
    case .generate(let request):
      guard let trained = assignment.trained else {
        throw ControlError.notFound("job '\(request.job)': its files are gone. Train anew.")
      }
      return try engine.generate(
        job, request, from: trained, into: assignment.directory, dataset: assignment.dataset,
        stop: assignment.stop, report: report)
    case .evaluate(let request):
      guard let trained = assignment.trained else {
        throw ControlError.notFound("job '\(request.job)': its files are gone. Train anew.")
      }
      return try engine.evaluate(
        job, request, of: trained, in: assignment.directory, dataset: assignment.dataset,
        stop: assignment.stop, report: report)
    }
  }
}

/// Limits the rate of progress reports.
///
/// Notes, new phases, new checkpoints and the end of a phase always pass.
final class ProgressGate: Sendable {
  private struct Last {
    var progress: JobProgress
    var time: ContinuousClock.Instant
  }

  /// The least time between two progress reports: four per second look smooth.
  static let interval = Duration.milliseconds(250)

  private let last = Mutex<Last?>(nil)

  /// Whether a report passes.
  func lets(_ report: JobReport, at time: ContinuousClock.Instant) -> Bool {
    guard case .progress(let progress) = report else { return true }
    return last.withLock { last in
      if let before = last, time - before.time < Self.interval,
        before.progress.phase == progress.phase,
        before.progress.checkpoint == progress.checkpoint,
        progress.total == 0 || progress.done < progress.total
      {
        return false
      }
      last = Last(progress: progress, time: time)
      return true
    }
  }
}

/// Beats whenever work makes progress; the watchdog monitors it.
final class Pulse: Sendable {
  private let beats = Atomic<UInt64>(0)

  /// The number of beats so far.
  var count: UInt64 { beats.load(ordering: .relaxed) }

  /// Records progress.
  func beat() { beats.wrappingAdd(1, ordering: .relaxed) }
}
