import Control

/// The life of a job: which state follows from what happens.
///
/// A pure value without clock, disk or thread. Whoever uses it stores the new state first and
/// carries out the effects afterwards, so that a crash between the two repeats an effect rather
/// than loses a state.
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
  /// Where the job stands.
  private(set) var state: JobState
  /// How far it has come.
  private(set) var progress: JobProgress?
  /// Crashes since its newest checkpoint.
  private(set) var crashes: CrashRecord?

  /// Crashes that found the same checkpoint and end the job: a fourth try would crash too.
  static let maximumCrashes = 3

  /// What happens to a job.
  enum Event: Hashable, Sendable {
    /// The worker took it.
    case started
    /// It came further.
    case reached(JobProgress)
    /// Somebody wants it to stop.
    case stopRequested(StopReason)
    /// Somebody wants it to go on.
    case resumeRequested
    /// The engine returned.
    case ended(Ending)
    /// The daemon found the job on disk when it started.
    case daemonRestarted
  }

  /// How the engine returned.
  enum Ending: Hashable, Sendable {
    /// All that was asked is done.
    case completed(JobResults)
    /// It stopped, with a checkpoint on disk.
    case stopped
    /// It threw.
    case failed(JobFailure)
    /// Its process died, for this reason.
    case crashed(String)
  }

  /// What must be done once the new state is stored.
  enum Effect: Hashable, Sendable {
    /// Put it at the end of the queue.
    case enqueue
    /// Take it out of the queue.
    case dequeue
    /// Raise the stop signal of the running engine.
    case askToStop
    /// Tell those who watch that it came into this state.
    case publishState(JobState)
    /// Tell those who watch how far it came.
    case publishProgress(JobProgress)
  }

  /// Takes up the life of a job.
  init(state: JobState, progress: JobProgress? = nil, crashes: CrashRecord? = nil) {
    self.state = state
    self.progress = progress
    self.crashes = crashes
  }

  /// Takes up the life of a job where it stands.
  init(of job: Job) {
    self.init(state: job.state, progress: job.progress, crashes: job.crashes)
  }

  /// Follows what happened and says what must be done.
  ///
  /// What asks for the state that there is already, or comes too late, changes nothing.
  ///
  /// - Throws: `ControlError.conflict` for a request that this state cannot follow.
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
    // Told first: what is done about a state may lead to the next one.
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
      // The signal is raised already; only where it leads changes.
      return enter(.stopping(reason))
    case (.stopping(.cancelled), .paused):
      throw .conflict("job: it is being cancelled (a job that goes on expected).")
    case (.paused, .cancelled): return enter(.finished(.cancelled))
    case (.finished(.completed), .cancelled), (.finished(.completed), .paused):
      throw .conflict("job: it is completed (a job that is not finished expected).")
    case (.finished(.failed), .cancelled), (.finished(.failed), .paused):
      throw .conflict("job: it has failed (a job that is not finished expected).")
    case (.finished(.cancelled), .paused):
      throw .conflict("job: it is cancelled (a job that is not finished expected).")
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
          + "Use 'generate' for more images of its model.")
    case .finished(.cancelled):
      throw .conflict("job: it is cancelled (a paused or failed job expected). Train anew.")
    }
  }

  private mutating func end(_ ending: Ending) -> [Effect] {
    switch (state, ending) {
    case (.queued, _), (.paused, _), (.finished, _): []
    case (_, .completed(let results)): enter(.finished(.completed(results)))
    // Whoever cancels a job wants no more of it, not even its last checkpoint on a full disk.
    case (.stopping(.cancelled), .stopped), (.stopping(.cancelled), .failed):
      enter(.finished(.cancelled))
    case (_, .failed(let failure)): enter(.finished(.failed(failure)))
    case (.stopping(.paused), .stopped): enter(.paused)
    case (.stopping(.shutdown), .stopped): enter(.queued)
    // It was to stop, and it has: what it lost is charged already.
    case (.stopping(.cancelled), .crashed): enter(.finished(.cancelled))
    case (.stopping(.paused), .crashed): enter(.paused)
    case (.stopping(.shutdown), .crashed): enter(.queued)
    case (.running, .crashed(let reason)): recordCrash(reason)
    case (.running, .stopped):
      enter(.finished(.failed(JobFailure(message: "training: stopped without being asked to."))))
    }
  }

  private mutating func restart() -> [Effect] {
    switch state {
    case .queued: [.enqueue]
    case .running: recordCrash("the daemon died")
    case .stopping(.shutdown): enter(.queued, .enqueue)
    case .stopping(.paused): enter(.paused)
    case .stopping(.cancelled): enter(.finished(.cancelled))
    case .paused, .finished: []
    }
  }

  /// A job that was running when the daemon or its own process died goes on, unless it keeps dying at
  /// the same place.
  ///
  /// The place is the newest checkpoint: the job starts from there each time, so dying without a
  /// newer one is dying at the same step however far the last try got.
  private mutating func recordCrash(_ reason: String) -> [Effect] {
    let checkpoint = progress?.checkpoint ?? 0
    let count = crashes?.checkpoint == checkpoint ? (crashes?.count ?? 0) + 1 : 1
    crashes = CrashRecord(checkpoint: checkpoint, count: count)
    guard count >= Self.maximumCrashes else { return enter(.queued, .enqueue) }
    let place = checkpoint == 0 ? "before its first checkpoint" : "after step \(checkpoint)"
    let failure = JobFailure(
      message: "job: it crashed \(count) times \(place) (progress expected), the last time because "
        + "\(reason). Look into the daemon's log, then resume the job.")
    return enter(.finished(.failed(failure)))
  }
}
