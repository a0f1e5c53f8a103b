import Control
import Runs
import Synchronization

/// Gives jobs to the engine, on the training thread, one at a time.
struct Worker: Sendable {
  private let engine: any TrainingEngine
  private let thread = SerialThread(named: "figment-train", yields: true)
  private let pulse: Pulse

  /// Makes a worker for an engine, which beats the pulse as often as the engine reports.
  init(engine: any TrainingEngine, pulse: Pulse) {
    self.engine = engine
    self.pulse = pulse
  }

  /// What a job needs to run.
  struct Assignment: Sendable {
    /// The job.
    let job: Job
    /// Where its files are.
    let directory: JobDirectory
    /// Where the files of the job are that is drawn from or measured; nil for training.
    let trained: JobDirectory?
    /// The dataset, as it is configured now.
    let dataset: DatasetConfiguration
    /// The wish that it stops.
    let stop: StopSignal
  }

  /// Runs a job to its end.
  ///
  /// - Parameter take: gets what the job tells, in order; all of it is taken when this returns.
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

  /// Calls the function of the engine that a job asks for.
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

/// Lets through as much progress as people and disks can follow.
///
/// Notes, new phases, new checkpoints and the end of a phase always pass.
final class ProgressGate: Sendable {
  private struct Last {
    var progress: JobProgress
    var time: ContinuousClock.Instant
  }

  /// The time between two reports of progress: four a second look smooth.
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

/// Beats whenever work gets on; the watchdog listens to it.
final class Pulse: Sendable {
  private let beats = Atomic<UInt64>(0)

  /// How often it has beaten.
  var count: UInt64 { beats.load(ordering: .relaxed) }

  /// Says that work got on.
  func beat() { beats.wrappingAdd(1, ordering: .relaxed) }
}
