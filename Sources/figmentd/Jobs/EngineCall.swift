import Control
import FoundationEssentials
import Glibc

/// What a working process is asked to do: one call of the engine.
struct EngineCall: Codable, Sendable {
  /// How the engine is set up.
  let settings: EngineSettings
  /// The dataset, as it is configured now.
  let dataset: DatasetConfiguration
  /// What the daemon counted in the dataset's root for the recipe; nil where it has not.
  var use: FileUse?
  /// The room that must stay free while a job runs; nil for none.
  var minimumFree: MinimumFree?
  /// The call.
  let work: Work

  /// The calls that a process of its own carries out: those that compute for long, or need memory in
  /// proportion to what they are asked.
  enum Work: Codable, Sendable {
    /// A job, from where it stands to its end.
    case job(Job, JobDirectory, trained: JobDirectory?)
    /// What a job would cost.
    case plan(PlanRequest)
    /// Whether a job can be carried out at all.
    case check(TrainRequest)
    /// A picture of some images as a recipe makes them.
    case preview(PreviewSelection, recipe: String?)
  }

  /// The most bytes of a call that a worker reads.
  static let largestBytes = 4 << 20
}

/// How an engine is set up.
struct EngineSettings: Codable, Hashable, Sendable {
  /// The folder of recipes.
  let recipes: String
  /// Threads that compute; nil takes what the machine grants.
  var threads: Int?
  /// Where ledgers lie.
  let state: StatePaths
}

/// One line of what a working process tells: reports, then one answer.
enum EngineMessage: Codable, Sendable {
  case progress(JobProgress)
  /// Free to leave: workers have no other notes.
  case note(String)
  /// All that was asked is done.
  case completed(JobResults)
  /// The job stopped because it was asked to.
  case stopped
  /// The answer to a question about a plan.
  case planned(PlanReport)
  /// Nothing speaks against a job.
  case checked
  /// The picture that was asked for.
  case previewed(PreviewSheet)
  /// It was refused, or failed in a way that people can do something about.
  case refused(Problem)

  /// Whether nothing follows.
  var isLast: Bool {
    switch self {
    case .progress, .note: false
    case .completed, .stopped, .planned, .checked, .previewed, .refused: true
    }
  }
}

/// A working process ended without an answer: a trap in training, a kill, or no memory.
struct WorkerCrash: Error, Hashable, CustomStringConvertible {
  /// How it ended; nil when it talked nonsense and was ended.
  let ending: ChildProcess.Ending?

  var description: String {
    switch ending {
    case .killed(SIGKILL):
      "its process was killed (by the system where memory ran out, or by somebody)"
    case .killed(let signal): "its process was ended by signal \(signal)"
    case .exited(let code): "its process ended with code \(code) and without an answer"
    case nil: "its process did not answer as a worker does"
    }
  }
}
