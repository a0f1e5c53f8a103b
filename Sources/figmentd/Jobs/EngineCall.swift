import Control
import FoundationEssentials
import Glibc

/// The task of a worker process: one call of the engine.
struct EngineCall: Codable, Sendable {
  /// The settings of the engine.
  let settings: EngineSettings
  /// The dataset as configured now.
  let dataset: DatasetConfiguration
  /// The daemon's counts of the dataset's files for the recipe; nil if it has none.
  var use: FileUse?
  /// The disk space to keep free while a job runs; nil for no limit.
  var minimumFree: MinimumFree?
  /// The call.
  let work: Work

  /// The calls that run in a separate process: they compute for long, or need memory that grows with the
  /// request.
  enum Work: Codable, Sendable {
    /// A job, from its current state to its end.
    case job(Job, JobDirectory, trained: JobDirectory?)
    /// The cost of a job.
    case plan(PlanRequest)
    /// Whether a job is possible.
    case check(TrainRequest, behind: [WaitingTraining])
    /// A picture of some images as a recipe transforms them.
    case preview(PreviewSelection, recipe: String?)
    /// Whether some images have colours.
    case colours(PreviewSelection)
    /// Which rows of the tables a run would use.
    case rows
  }

  /// The maximum size of a call in bytes.
  static let largestBytes = 4 << 20
}

/// The settings of an engine.
struct EngineSettings: Codable, Hashable, Sendable {
  /// The folder of recipes.
  let recipes: String
  /// The number of computing threads; nil uses the available processors.
  var threads: Int?
  /// The paths of the state directory, which contains the ledgers.
  let state: StatePaths
}

/// One line of a worker's output: reports, then one answer.
enum EngineMessage: Codable, Sendable {
  case progress(JobProgress)
  /// A note, which may be shown to every caller: workers send no others.
  case note(String)
  /// The job is complete.
  case completed(JobResults)
  /// The job stopped on request.
  case stopped
  /// The requested plan.
  case planned(PlanReport)
  /// The job is possible; what its submitter should know.
  case checked([String])
  /// The requested picture.
  case previewed(PreviewSheet)
  /// Whether the images have colours; nil if none can be read.
  case coloured(Bool?)
  /// The rows that a run would use.
  case counted(RowsReport)
  /// The call was refused, or failed for a reason that the user can address.
  case refused(Problem)

  /// Whether this is the last message.
  var isLast: Bool {
    switch self {
    case .progress, .note: false
    case .completed, .stopped, .planned, .checked, .previewed, .coloured, .counted, .refused: true
    }
  }
}

/// A worker process ended without an answer: it trapped, was killed, or ran out of memory.
struct WorkerCrash: Error, Hashable, CustomStringConvertible {
  /// How it ended; nil if its output was invalid and it was killed for that.
  let ending: ChildProcess.Ending?

  var description: String {
    switch ending {
    case .killed(SIGKILL):
      "its process was killed (by the system when memory ran out, or by a user)"
    case .killed(let signal): "its process was ended by signal \(signal)"
    case .exited(let code): "its process exited with code \(code) without an answer"
    case nil: "its process sent an invalid answer"
    }
  }
}
