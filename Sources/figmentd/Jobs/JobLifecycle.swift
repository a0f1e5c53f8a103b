import Control

/// The state machine of a job.
///
/// A pure value without clock, disk or thread. The caller stores the new state first and carries out the
/// effects afterwards, so that a crash in between repeats an effect rather than loses a state.
///
/// ```
///             started                 ended(completed | failed | crashed the third time)
///   queued ───────────────▶ running ─────────────────────────────▶ finished
///    │  ▲                    │   ▲                                    ▲   │
///    │  │       stopRequested│   │ daemonRestarted: to queued,        │   │ failed only:
///    │  │                    ▼   │ or crashed, twice                  │   │ resumeRequested
///    │  │ ended(stopped)  stopping ───────────────────────────────────┘   ▼
///    │  └──── shutdown ──────┤          cancelled                       queued
///    │                       │ paused
///    └─ stopRequested ────▶ paused ── resumeRequested ──▶ queued
/// ```
struct JobLifecycle: Hashable, Sendable {
  /// The state of the job.
  private(set) var state: JobState
  /// Its progress.
  private(set) var progress: JobProgress?
  /// The crashes since its newest checkpoint.
  private(set) var crashes: CrashRecord?

  /// The number of crashes at the same checkpoint after which the job fails: a fourth try would crash, too.
  static let maximumCrashes = 3

  /// An event of a job.
  enum Event: Hashable, Sendable {
    /// The worker started it.
    case started
    /// It made progress.
    case reached(JobProgress)
    /// A caller requested it to stop.
    case stopRequested(StopReason)
    /// A caller requested it to continue.
    case resumeRequested
    /// The engine returned.
    case ended(Ending)
    /// The daemon found the job on disk when it started.
    case daemonRestarted
  }

  /// How the engine returned.
  enum Ending: Hashable, Sendable {
    /// It is complete.
    case completed(JobResults)
    /// It stopped, with a checkpoint on disk.
    case stopped
    /// It threw an error.
    case failed(JobFailure)
    /// Its process ended abnormally, for this reason.
    case crashed(String)
  }

  /// An action to carry out once the new state is stored.
  enum Effect: Hashable, Sendable {
    /// Append it to the queue.
    case enqueue
    /// Remove it from the queue.
    case dequeue
    /// Raise the stop signal of the running engine.
    case askToStop
    /// Notify followers of the new state.
    case publishState(JobState)
    /// Notify followers of its progress.
    case publishProgress(JobProgress)
  }

  /// Creates the lifecycle of a job in a state.
  init(state: JobState, progress: JobProgress? = nil, crashes: CrashRecord? = nil) {
    self.state = state
    self.progress = progress
    self.crashes = crashes
  }

  /// Creates the lifecycle of a job in its current state.
  init(of job: Job) {
    self.init(state: job.state, progress: job.progress, crashes: job.crashes)
  }

  /// Applies an event and returns the effects to carry out.
  ///
  /// A request for the current state, or one that comes too late, changes nothing.
  ///
  /// - Throws: `ControlError.conflict` for a request that is impossible in this state.
  mutating func handle(_ event: Event) throws(ControlError) -> [Effect] {
    switch event {
    case .started: state == .queued ? enter(.running) : []
    case .reached(let progress): reach(progress)
    case .stopRequested(let reason): try requestStop(reason)
    case .resumeRequested: try requestResume()
    case .ended(let ending): end(ending)
    case .daemonRestarted: restart()
    }
  }

  private mutating func enter(_ next: JobState, _ effects: Effect...) -> [Effect] {
    state = next
    // Publish first, because an effect may cause the next state.
    return [.publishState(next)] + effects
  }

  private mutating func reach(_ progress: JobProgress) -> [Effect] {
    switch state {
    case .running, .stopping:
      self.progress = progress
      return [.publishProgress(progress)]
    case .queued, .paused, .finished: return []
    }
  }

  private mutating func requestStop(_ reason: StopReason) throws(ControlError) -> [Effect] {
    switch (state, reason) {
    case (.queued, .cancelled): return enter(.finished(.cancelled), .dequeue)
    case (.queued, .paused): return enter(.paused, .dequeue)
    case (.running, _): return enter(.stopping(reason), .askToStop)
    case (.stopping(.shutdown), .cancelled), (.stopping(.shutdown), .paused),
      (.stopping(.paused), .cancelled):
      // The signal is already raised; only the reason changes.
      return enter(.stopping(reason))
    case (.stopping(.cancelled), .paused):
      throw .conflict("job: it is being cancelled (an active job expected).")
    case (.paused, .cancelled): return enter(.finished(.cancelled))
    case (.finished(.completed), .cancelled), (.finished(.completed), .paused):
      throw .conflict("job: it is completed (an unfinished job expected).")
    case (.finished(.failed), .cancelled), (.finished(.failed), .paused):
      throw .conflict("job: it has failed (an unfinished job expected).")
    case (.finished(.cancelled), .paused):
      throw .conflict("job: it is cancelled (an unfinished job expected).")
    case (.queued, .shutdown), (.stopping, _), (.paused, _), (.finished, _): return []
    }
  }

  private mutating func requestResume() throws(ControlError) -> [Effect] {
    switch state {
    case .paused: return enter(.queued, .enqueue)
    case .finished(.failed):
      crashes = nil
      return enter(.queued, .enqueue)
    case .queued, .running: return []
    case .stopping:
      throw .conflict("job: it is stopping (a paused or failed job expected). Try again soon.")
    case .finished(.completed):
      throw .conflict(
        "job: it is completed (a paused or failed job expected). "
          + "Draw more images from its model with 'figment generate'.")
    case .finished(.cancelled):
      throw .conflict("job: it is cancelled (a paused or failed job expected). Submit a new one.")
    }
  }

  private mutating func end(_ ending: Ending) -> [Effect] {
    switch (state, ending) {
    case (.queued, _), (.paused, _), (.finished, _): []
    case (_, .completed(let results)): enter(.finished(.completed(results)))
    // A cancelled job does not need its last checkpoint, which a full disk may have refused.
    case (.stopping(.cancelled), .stopped), (.stopping(.cancelled), .failed):
      enter(.finished(.cancelled))
    case (_, .failed(let failure)): enter(.finished(.failed(failure)))
    case (.stopping(.paused), .stopped): enter(.paused)
    case (.stopping(.shutdown), .stopped): enter(.queued)
    // It was to stop, and it has; the lost steps are already charged.
    case (.stopping(.cancelled), .crashed): enter(.finished(.cancelled))
    case (.stopping(.paused), .crashed): enter(.paused)
    case (.stopping(.shutdown), .crashed): enter(.queued)
    case (.running, .crashed(let reason)): recordCrash(reason)
    case (.running, .stopped):
      enter(
        .finished(
          .failed(JobFailure(message: "training: it stopped without a request. Resume the job."))))
    }
  }

  private mutating func restart() -> [Effect] {
    switch state {
    case .queued: [.enqueue]
    case .running: recordCrash("the daemon ended abnormally")
    case .stopping(.shutdown): enter(.queued, .enqueue)
    case .stopping(.paused): enter(.paused)
    case .stopping(.cancelled): enter(.finished(.cancelled))
    case .paused, .finished: []
    }
  }

  /// Counts a crash: the job continues unless it keeps crashing at the same place.
  ///
  /// The place is the newest checkpoint, where each attempt starts. A crash without a newer checkpoint
  /// therefore counts as one at the same place, however far the attempt got.
  private mutating func recordCrash(_ reason: String) -> [Effect] {
    let checkpoint = progress?.checkpoint ?? 0
    let count = crashes?.checkpoint == checkpoint ? (crashes?.count ?? 0) + 1 : 1
    crashes = CrashRecord(checkpoint: checkpoint, count: count)
    guard count >= Self.maximumCrashes else { return enter(.queued, .enqueue) }
    let place = checkpoint == 0 ? "before its first checkpoint" : "after step \(checkpoint)"
    let failure = JobFailure(
      message:
        "job: it crashed \(count) times \(place) (a new checkpoint expected), the last time because "
        + "\(reason). Check the daemon's log, then resume the job.")
    return enter(.finished(.failed(failure)))
  }
}
