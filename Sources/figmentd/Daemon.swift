import Control
import FoundationEssentials
import Glibc
import Logging
import Privacy
import Runs
import Synchronization

/// The daemon owns the state of jobs and datasets; nothing else changes it.
///
/// Every event of a job passes through `apply`, which stores the new state before it acts on it.
actor Daemon {
  let engine: any TrainingEngine
  let reader: any FolderReader
  let store: JobStore
  let index: ImageIndex
  let logger: Logger
  /// Beats whenever a job or a scan makes progress.
  nonisolated let pulse: Pulse

  var configuration: Configuration
  var keepers: [String: DatasetKeeper] = [:]
  var keeperTasks: [String: Task<Void, Never>] = [:]
  var remarks: [String: String] = [:]
  let space: FreeSpaceGuard
  /// Computes plans, each of which may take a minute.
  let plans = PlanDesk()
  /// Counts the rows of tables, which may take ten minutes, so no plan waits behind it.
  let rowCounts = PlanDesk(of: "counts of rows", places: 1)
  /// Reads recipes and ledgers for lists; it never waits behind a plan.
  let looking = SerialThread(named: "figment-look")

  /// The newest list of files that was judged for a recipe, kept for its next pages.
  var judged: JudgedFiles?

  private let worker: Worker
  private let started = Date()
  private var jobs: [JobID: Job] = [:]
  private var queue = JobQueue()
  private var running: (job: JobID, stop: StopSignal)?
  private var isStopping = false
  private var mailboxes: [JobID: [WeakMailbox]] = [:]
  private var changes: [JobID: ContinuousClock.Instant] = [:]
  private var idleWaiters: [CheckedContinuation<Void, Never>] = []
  private var isSavingRest = false
  private var isWaitingForDisk = false

  /// The time until an update that could not be stored is tried again.
  private static let savingInterval = Duration.seconds(5)

  private struct WeakMailbox {
    weak var mailbox: EventMailbox?
  }

  /// Creates a daemon; `start` loads its jobs.
  init(
    configuration: Configuration, state: StateDirectory, engine: any TrainingEngine,
    reader: any FolderReader, logger: Logger
  ) throws {
    self.configuration = configuration
    self.engine = engine
    self.reader = reader
    self.logger = logger
    pulse = Pulse()
    index = try state.imageIndex()
    space = FreeSpaceGuard(
      state: state.paths.path, output: configuration.output, minimum: configuration.minimumFree)
    store = JobStore(folder: state.paths.jobs, output: configuration.output)
    worker = Worker(engine: engine, pulse: pulse)
    engine.keepFree(configuration.minimumFree)
  }

  /// Loads the jobs from disk, after a clean stop and after a crash alike.
  func start() throws {
    let found = try store.load()
    for job in found { jobs[job.id] = job }
    store.sweep(found.map(\.id))
    for job in found {
      do { try apply(.daemonRestarted, to: job.id) } catch {
        // One bad job must not make the others and the ledger inaccessible.
        logger.error("job \(job.id): cannot load it: \(ControlError(error))")
        remarks["job \(job.id)"] = "job \(job.id): cannot load it: \(ControlError(error))"
      }
    }
    if let remark = store.remarks.first {
      remarks["jobs"] = remark
      for remark in store.remarks { logger.error("\(remark)") }
    }
    launchNext()
  }

  /// Accepts no more jobs, stops the running job at a checkpoint, and returns when that is done.
  func stop() async {
    isStopping = true
    if let running {
      do { try apply(.stopRequested(.shutdown), to: running.job) } catch {
        logger.error("job \(running.job): cannot stop it: \(ControlError(error))")
        running.stop.raise()
      }
      await withCheckedContinuation { idleWaiters.append($0) }
    }
    for boxes in mailboxes.values {
      for box in boxes {
        box.mailbox?.end(
          .shuttingDown("daemon: it is stopping. The job continues when the daemon starts again."))
      }
    }
  }

  /// The running job, for the status line.
  var runningJob: Job? { running.flatMap { jobs[$0.job] } }

  /// Returns the job with a name.
  func find(_ id: JobID) throws(ControlError) -> Job {
    guard let job = jobs[id] else {
      throw .unknown("job", id.name, among: jobs.keys.map(\.name))
    }
    return job
  }

  /// Allows a training job to publish its result even if crashes cut its training short.
  func allowFewerSteps(of id: JobID) throws {
    var job = try find(id)
    guard case .train(var request) = job.request else {
      throw ControlError.invalid(
        "job \(id): not a training job (a training job expected). Resume it without "
          + "--allow-fewer-steps.")
    }
    request.allowFewerSteps = true
    job.request = .train(request)
    try store.save(job)
    jobs[id] = job
  }

  /// Returns the jobs that match a filter, oldest first.
  func list(_ filter: JobFilter) -> [Job] {
    jobs.values.filter(filter.matches).sorted { ($0.id.number ?? 0) < ($1.id.number ?? 0) }
  }

  /// The training jobs with privacy on a dataset that run before a new one: the running one, which announces its
  /// cost only when its images are read, and those in the queue.
  func trainingsAhead(on dataset: String) -> [WaitingTraining] {
    ([running?.job].compactMap { $0 } + queue.jobs).compactMap { id in
      guard let job = jobs[id], job.dataset == dataset, case .train(let request) = job.request,
        !request.isNonPrivate
      else { return nil }
      return WaitingTraining(job: id, request: request)
    }
  }

  /// The number of waiting jobs.
  var queuedCount: Int { queue.count }

  /// When the daemon started.
  var startTime: Date { started }

  /// Stores a new job and puts it into the queue.
  ///
  /// - Parameter remarks: what its submitter should know before it runs.
  func add(
    _ request: JobRequest, dataset: String, token: String?, remarks: [String] = []
  ) throws -> Job {
    if isStopping {
      throw ControlError.shuttingDown(
        "daemon: it is stopping (a running daemon expected). Try again when it has started.")
    }
    let job = try store.makeJob(
      request, dataset: dataset, token: token, at: Date(), remarks: remarks)
    jobs[job.id] = job
    changes[job.id] = .now
    publish(.state(.queued, secondsBefore: 0), of: job.id)
    queue.append(job.id)
    launchNext()
    return jobs[job.id] ?? job
  }

  /// Returns the job that was submitted earlier with a token.
  func job(withToken token: String) -> Job? {
    jobs.values.first { $0.token == token }
  }

  /// Applies an event to a job: stores its new state, then carries out the effects.
  ///
  /// - Throws: if the event is impossible in the job's state, or if the new state cannot be stored; then
  ///   nothing has changed. Events that cannot wait for a disk are applied anyway and stored later.
  @discardableResult
  func apply(_ event: JobLifecycle.Event, to id: JobID) throws -> Job {
    let before = try find(id)
    var lifecycle = JobLifecycle(of: before)
    let effects = try lifecycle.handle(event)
    var job = before
    job.state = lifecycle.state
    job.progress = lifecycle.progress
    job.crashes = lifecycle.crashes
    if case .started = event, job.state != before.state { job.launches += 1 }
    let secondsBefore = secondsInState(of: before)
    if job.state != before.state {
      job.changed = Date()
      changes[id] = .now
    }
    if Self.mustBeStored(job, after: before) {
      if Self.happensAnyway(event) {
        saveSoon(job)
      } else {
        try store.save(job)
        remarks["disk"] = nil
      }
    }
    jobs[id] = job
    for effect in effects { carryOut(effect, on: id, secondsBefore: secondsBefore) }
    return jobs[id] ?? job
  }

  /// Whether an event is applied even if the new state cannot be stored: events that have already happened,
  /// and events that reduce the load.
  private static func happensAnyway(_ event: JobLifecycle.Event) -> Bool {
    switch event {
    case .daemonRestarted, .ended, .stopRequested(.cancelled), .stopRequested(.shutdown): true
    case .started, .reached, .resumeRequested, .stopRequested(.paused): false
    }
  }

  /// Stores the state of a job, and retries periodically while the disk refuses it.
  private func saveSoon(_ job: Job) {
    guard let problem = store.saveOrKeep(job).map({ ControlError($0).message }) else { return }
    logger.error("job \(job.id): cannot store its state '\(job.state.name)' yet: \(problem)")
    remarks["unsaved"] =
      "job \(job.id): cannot store its state '\(job.state.name)' yet: \(problem) figmentd tries again."
    guard !isSavingRest else { return }
    isSavingRest = true
    Task {
      while store.hasUnsaved {
        try? await Task.sleep(for: Self.savingInterval)
        if store.saveRest() == nil { remarks["unsaved"] = nil }
      }
      isSavingRest = false
    }
  }

  /// Forgets a removed job.
  func forget(_ id: JobID) {
    jobs[id] = nil
    changes[id] = nil
    for box in mailboxes.removeValue(forKey: id) ?? [] { box.mailbox?.end() }
  }

  /// Creates a mailbox with the events after an event; later events are added to it.
  func mailbox(of id: JobID, after: JobEvent.ID?, follows: Bool) throws -> EventMailbox {
    let job = try find(id)
    let mailbox = EventMailbox(history: try store.events(of: id, after: after ?? 0))
    if job.state.isFinished || !follows {
      mailbox.end()
    } else if isStopping, running == nil {
      mailbox.end(
        .shuttingDown(
          "daemon: it is stopping (a running daemon expected). Follow the job again when it has started."
        ))
    } else {
      if case .running = job.state, let progress = job.progress {
        mailbox.put(
          JobEvent(
            id: try store.lastEvent(of: id), job: id, time: Date(), content: .progress(progress)))
      }
      mailboxes[id, default: []].append(WeakMailbox(mailbox: mailbox))
    }
    return mailbox
  }

  /// Whether a change must be written to disk.
  ///
  /// Progress is written only with a new checkpoint or phase: crashes are counted per checkpoint.
  private static func mustBeStored(_ job: Job, after before: Job) -> Bool {
    job.state != before.state || job.crashes != before.crashes
      || job.progress?.checkpoint != before.progress?.checkpoint
      || job.progress?.phase != before.progress?.phase
  }

  private func secondsInState(of job: Job) -> Double {
    guard let since = changes[job.id] else {
      return max(0, Date().timeIntervalSince(job.changed))
    }
    return (ContinuousClock.now - since) / .seconds(1)
  }

  private func carryOut(
    _ effect: JobLifecycle.Effect, on id: JobID, secondsBefore: Double
  ) {
    switch effect {
    case .enqueue:
      queue.append(id)
      launchNext()
    case .dequeue: queue.remove(id)
    case .askToStop: if running?.job == id { running?.stop.raise() }
    case .publishState(let state):
      logger.info("job \(id): \(state.name)")
      publish(.state(state, secondsBefore: secondsBefore), of: id)
      if state == .finished(.cancelled) {
        Leftovers.discardPrivateFiles(of: store.directory(of: id))
      }
      if state.isFinished || state == .paused { sweepUnfinished(of: id) }
      if state.isFinished {
        for box in mailboxes.removeValue(forKey: id) ?? [] { box.mailbox?.end() }
      }
    case .publishProgress(let progress): publish(.progress(progress), of: id)
    }
  }

  private func publish(_ content: JobEvent.Content, of id: JobID) {
    do {
      let event: JobEvent
      if case .progress = content {
        event = JobEvent(
          id: try store.lastEvent(of: id), job: id, time: Date(), content: content)
      } else {
        event = try store.append(content, of: id, at: Date())
      }
      mailboxes[id]?.removeAll { $0.mailbox == nil }
      for box in mailboxes[id] ?? [] { box.mailbox?.put(event) }
    } catch {
      // The job's state is already stored; only its history has a gap.
      logger.error("job \(id): cannot store its events: \(ControlError(error))")
    }
  }

  private func launchNext() {
    guard running == nil, !isStopping, queue.count > 0 else { return }
    if let shortage = space.shortage() {
      if remarks["space"] == nil { logger.error("no job starts: \(shortage)") }
      remarks["space"] = shortage
      return tryAgainLater()
    }
    remarks["space"] = nil
    guard let id = queue.takeFirst() else { return }
    let stop = StopSignal()
    running = (id, stop)
    let job: Job
    do { job = try apply(.started, to: id) } catch {
      waitForDisk(id, error)
      return
    }
    do {
      let assignment = try assignment(for: job, stop: stop)
      Task {
        let ending = await worker.run(assignment) { await self.take($0, from: id) }
        self.finish(id, ending)
      }
    } catch let error as ControlError {
      finish(id, .failed(JobFailure(message: error.message, exitCode: error.exitCode)))
    } catch {
      logger.error("job \(id): cannot launch it: \(ControlError(error))")
      finish(id, .failed(JobFailure(message: ControlError(error).message)))
    }
  }

  /// Keeps a job in the queue if its launch cannot be stored, and tries again later.
  private func waitForDisk(_ id: JobID, _ error: any Error) {
    logger.error("job \(id): cannot launch it: \(ControlError(error))")
    remarks["disk"] = "job \(id): cannot launch it: \(ControlError(error))"
    running = nil
    queue.append(id)
    tryAgainLater()
  }

  private func tryAgainLater() {
    guard !isWaitingForDisk else { return }
    isWaitingForDisk = true
    Task {
      try? await Task.sleep(for: .seconds(10))
      isWaitingForDisk = false
      launchNext()
    }
  }

  private func assignment(for job: Job, stop: StopSignal) throws -> Worker.Assignment {
    var trained: JobDirectory?
    if let earlier = job.request.trainedJob {
      trained = store.directory(of: try find(earlier).id)
    }
    return Worker.Assignment(
      job: job, directory: store.directory(of: job.id), trained: trained,
      dataset: try configuration.dataset(job.dataset), stop: stop)
  }

  private func take(_ report: JobReport, from id: JobID) {
    switch report {
    case .note(let text):
      logger.info("job \(id): \(text.value)")
      publish(.note(text.value), of: id)
    case .progress(let progress):
      do { try apply(.reached(progress), to: id) } catch {
        logger.error("job \(id): cannot store its progress: \(ControlError(error))")
        remarks["disk"] = "job \(id): cannot store its progress: \(ControlError(error))"
      }
    }
  }

  private func finish(_ id: JobID, _ ending: JobLifecycle.Ending) {
    if case .failed(let failure) = ending {
      logger.error("job \(id): failed: \(failure.message)")
    }
    running = nil
    // Until its end is stored, the job is `running` on disk; if the daemon restarts meanwhile, the job
    // continues from its checkpoint.
    do { try apply(.ended(ending), to: id) } catch {
      logger.critical("job \(id): cannot store its end: \(ControlError(error))")
      remarks["disk"] = "job \(id): cannot store its end: \(ControlError(error))"
    }
    for waiter in idleWaiters { waiter.resume() }
    idleWaiters = []
    launchNext()
  }
}
