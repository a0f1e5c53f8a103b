public import FoundationEssentials

/// A job: its request, its state, and its result.
public struct Job: Codable, Hashable, Sendable, Identifiable {
  /// The job's name.
  public let id: JobID
  /// The request.
  public var request: JobRequest
  /// The dataset whose budget the job spends, or whose model it draws from.
  public let dataset: String
  /// The caller's token, which makes a repeated submission harmless.
  public let token: String?
  /// When the job was submitted.
  public let created: Date
  /// The current state.
  public var state: JobState
  /// When it entered that state.
  public var changed: Date
  /// Its progress.
  public var progress: JobProgress?
  /// Crashes of the daemon or of the job's own process, with no checkpoint in between.
  public var crashes: CrashRecord?
  /// How often the job was launched.
  public var launches: Int
  /// What its submitter was told: whether noise will outweigh the images, and what jobs that wait before it leave
  /// of the budget; nil if nothing was.
  public var remarks: [String]?

  /// Makes a job that waits in the queue.
  public init(
    id: JobID, request: JobRequest, dataset: String, token: String? = nil, created: Date
  ) {
    self.id = id
    self.request = request
    self.dataset = dataset
    self.token = token
    self.created = created
    state = .queued
    changed = created
    launches = 0
  }
}

/// Crashes that found the job at the same checkpoint.
public struct CrashRecord: Codable, Hashable, Sendable {
  /// The step of the newest checkpoint; 0 before the first.
  public var checkpoint: Int
  /// How many crashes have found that checkpoint.
  public var count: Int

  /// Records crashes at a checkpoint.
  public init(checkpoint: Int, count: Int) {
    self.checkpoint = checkpoint
    self.count = count
  }
}

/// The state of a job.
public enum JobState: Hashable, Sendable {
  /// It waits for the worker.
  case queued
  /// The worker runs it.
  case running
  /// It was requested to stop and is writing its checkpoint.
  case stopping(StopReason)
  /// It waits to be resumed.
  case paused
  /// Nothing more will happen, unless it failed and is resumed.
  case finished(JobOutcome)

  /// The name of the state in JSON and in lists.
  public var name: String {
    switch self {
    case .queued: "queued"
    case .running: "running"
    case .stopping: "stopping"
    case .paused: "paused"
    case .finished(.completed): "completed"
    case .finished(.cancelled): "cancelled"
    case .finished(.failed): "failed"
    }
  }

  /// All possible values of `name`.
  public static let names = [
    "queued", "running", "stopping", "paused", "completed", "cancelled", "failed",
  ]

  /// Whether the job does nothing more without a request.
  public var isFinished: Bool {
    if case .finished = self { true } else { false }
  }
}

/// Why a job is requested to stop.
public enum StopReason: String, Codable, Hashable, Sendable, CaseIterable {
  /// Permanently.
  case cancelled
  /// Until it is resumed.
  case paused
  /// Until the daemon runs again.
  case shutdown
}

/// The result of a job.
public enum JobOutcome: Hashable, Sendable {
  /// It did what was requested.
  case completed(JobResults)
  /// It was stopped permanently.
  case cancelled
  /// It could not continue.
  case failed(JobFailure)
}

/// The output of a completed job.
///
/// Releasable values only.
public struct JobResults: Codable, Hashable, Sendable {
  /// The privacy loss of this job alone; nil if it has no guarantee or spent nothing.
  public var epsilon: Double?
  /// The privacy loss of everything computed from the data so far, this job included: what the release
  /// claims; nil in results of earlier versions.
  public var totalEpsilon: Double?
  /// The meaning of epsilon and delta, in words; nil in results of earlier versions.
  public var meaning: String?
  /// The delta of both.
  public var delta: Double?
  /// What epsilon and delta protect, such as "one image file"; nil without a guarantee, and in results of earlier
  /// versions.
  public var unit: String?
  /// Steps on private images.
  public var steps: Int?
  /// The planned steps, if crashes cost some; nil if all were made.
  public var plannedSteps: Int?
  /// Steps that read no private image; nil where there were none, and in results of earlier versions.
  public var freeSteps: Int?
  /// Synthetic images that were written, or rows if the output is a table alone.
  public var images: Int?
  /// The files and folders that it wrote.
  public var outputs: [JobOutput]

  /// Describes the output of a job.
  public init(
    epsilon: Double? = nil, totalEpsilon: Double? = nil, meaning: String? = nil,
    delta: Double? = nil, unit: String? = nil, steps: Int? = nil, plannedSteps: Int? = nil,
    freeSteps: Int? = nil, images: Int? = nil, outputs: [JobOutput] = []
  ) {
    self.epsilon = epsilon
    self.totalEpsilon = totalEpsilon
    self.meaning = meaning
    self.delta = delta
    self.unit = unit
    self.steps = steps
    self.plannedSteps = plannedSteps
    self.freeSteps = freeSteps
    self.images = images
    self.outputs = outputs
  }
}

extension JobResults {
  /// The size of the set, for people, such as "2,000 images" or "2,000 rows"; nil without a set.
  public var sizeText: String? {
    let isTable = outputs.contains { $0.kind == "table" }
    let noun = isTable ? (images == 1 ? "row" : "rows") : "images"
    return images.map { "\(Rounded.count($0)) \(noun)" }
  }

  /// The steps, for people: those on private images apart from those that read none; nil without steps.
  public var stepsText: String? {
    steps.map { Self.text(ofSteps: $0, planned: plannedSteps, free: freeSteps ?? 0) }
  }

  /// So many steps on private images, of so many planned ones, and so many that read none, in words.
  public static func text(ofSteps steps: Int, planned: Int? = nil, free: Int = 0) -> String {
    let number =
      Rounded.count(steps) + (planned.map { " of \(Rounded.count($0)) planned" } ?? "")
    let noun = steps == 1 && planned == nil ? "step" : "steps"
    guard free > 0 else { return "\(number) \(noun)" }
    let others = "\(Rounded.count(free)) free \(free == 1 ? "step" : "steps")"
    return "\(number) \(noun) on private images and \(others)"
  }

  /// The cost of the job and of everything so far, for people; nil without a guarantee.
  public var privacyText: String? {
    guard let epsilon, let delta else { return nil }
    let at = "at delta \(Rounded.text(delta))" + (unit.map { " for \($0)" } ?? "")
    let own = Rounded.bound(epsilon)
    guard let totalEpsilon, Rounded.bound(totalEpsilon) != own else {
      return "epsilon \(own) \(at)"
    }
    return
      "epsilon \(own) for this run and \(Rounded.bound(totalEpsilon)) for everything computed from "
      + "this data so far, \(at)"
  }
}

/// A file or folder that a job wrote, at the place that the administrator's configuration determines.
public struct JobOutput: Codable, Hashable, Sendable {
  /// Its kind: `images`, `table`, `sheet`, `model`, `report`; `internal record` and `internal report`
  /// must not be shared.
  public var kind: String
  /// Its path.
  public var path: String

  /// Names an output.
  public init(kind: String, path: String) {
    self.kind = kind
    self.path = path
  }
}

/// Why a job could not continue.
public struct JobFailure: Codable, Hashable, Sendable {
  /// What failed, what was found, what to do.
  ///
  /// Contains no file names and nothing learned from images.
  public var message: String
  /// The exit code of `figment` when it waited for this job.
  public var exitCode: ExitCode

  /// Describes a failure.
  public init(message: String, exitCode: ExitCode = .failed) {
    self.message = message
    self.exitCode = exitCode
  }
}

/// Which jobs to list.
public struct JobFilter: Codable, Hashable, Sendable {
  /// Only jobs of this dataset.
  public var dataset: String?
  /// Only jobs in the state of this name (`JobState.name`).
  public var state: String?

  /// Lists all jobs, or those of a dataset or a state.
  public init(dataset: String? = nil, state: String? = nil) {
    self.dataset = dataset
    self.state = state
  }

  /// Whether a job passes the filter.
  public func matches(_ job: Job) -> Bool {
    (dataset.map { $0 == job.dataset } ?? true) && (state.map { $0 == job.state.name } ?? true)
  }
}
