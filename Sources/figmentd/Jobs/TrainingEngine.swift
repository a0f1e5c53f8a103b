import Control
import struct Datasets.ImageTransform
import Privacy
import Runs
import Synchronization

/// The daemon's interface to the rooms that train models.
///
/// Every function is synchronous and may take seconds or hours, so none may be called on Swift's
/// cooperative thread pool. `train` and `generate` run on the training thread, one at a time; `plan` and
/// `ledger` run on other threads and may be called while a job trains.
///
/// An engine throws `ControlError` if the user can address the problem (`.refusedByPolicy` if a budget
/// would be exceeded); any other error fails the job with its description. No error may name a file or
/// reveal anything learned from real images.
protocol TrainingEngine: Sendable {
  /// The instruction set of the kernels, `avx2`.
  var instructionSet: String { get }

  /// The number of computing threads.
  var threads: Int { get }

  /// Lists the recipes that jobs may name.
  func recipes() throws -> [RecipeSummary]

  /// Reports the cost of a job. Spends nothing and writes nothing.
  func plan(_ request: PlanRequest, dataset: DatasetConfiguration) throws -> PlanReport

  /// Refuses an impossible training job with the error that `train` would throw later, as far as it is
  /// known now. Writes nothing.
  ///
  /// - Parameters:
  ///   - waiting: the training jobs on the dataset that will run before it and may not have announced their
  ///     cost yet, in order.
  ///   - isCounted: whether all files of the dataset are known. Otherwise checks that depend on their number
  ///     are left to the job, unless the administrator declared it.
  /// - Returns: what the submitter should know before the job runs: whether noise will outweigh the images, and
  ///   what waiting jobs leave of the budget.
  @discardableResult
  func check(
    _ request: TrainRequest, behind waiting: [WaitingTraining], dataset: DatasetConfiguration,
    isCounted: Bool
  ) throws -> [String]

  /// The image transform of a recipe.
  func form(ofRecipe name: String) throws -> ImageTransform

  /// The recipes, and the table of measured runs beside them.
  func adviceLibrary() throws -> AdviceLibrary

  /// Counts the files that a run with an image transform would use.
  func use(of dataset: DatasetConfiguration, under transform: ImageTransform) throws -> FileUse

  /// Looks at some real images: whether at least half of them have colours; nil if none can be read.
  func hasColours(_ selection: PreviewSelection, dataset: DatasetConfiguration) throws -> Bool?

  /// Draws some real images as a recipe transforms them, or in a common form; writes nothing.
  func preview(
    of selection: PreviewSelection, recipe: String?, dataset: DatasetConfiguration
  ) throws -> PreviewSheet

  /// Reads the tables of a dataset as a run would, and counts their rows; writes nothing.
  func rows(of dataset: DatasetConfiguration) throws -> RowsReport

  /// Trains, or continues from the newest checkpoint in the job's directory.
  ///
  /// - Parameters:
  ///   - stop: checked before every step; once it is raised, the engine writes a checkpoint and returns
  ///     `.stopped`.
  ///   - report: called on this thread at any rate; excess reports are dropped.
  func train(
    _ job: Job, _ request: TrainRequest, in directory: JobDirectory,
    dataset: DatasetConfiguration, stop: StopSignal, report: @Sendable (JobReport) -> Void
  ) throws -> EngineOutcome

  /// Refuses a request that the model of an earlier job cannot fulfil. Reads the job's design, not its
  /// model.
  func check(_ request: GenerateRequest, from trained: JobDirectory) throws

  /// Draws more images with the model of an earlier job.
  func generate(
    _ job: Job, _ request: GenerateRequest, from trained: JobDirectory,
    into directory: JobDirectory, dataset: DatasetConfiguration, stop: StopSignal,
    report: @Sendable (JobReport) -> Void
  ) throws -> EngineOutcome

  /// Compares the release of an earlier job with its training images; the report stays in that job's
  /// internal folder.
  func evaluate(
    _ job: Job, _ request: EvaluateRequest, of trained: JobDirectory, in directory: JobDirectory,
    dataset: DatasetConfiguration, stop: StopSignal, report: @Sendable (JobReport) -> Void
  ) throws -> EngineOutcome

  /// The possible paths of the released or the internal report of a training job, the preferred one first.
  func reportFiles(of trained: JobDirectory, isInternal: Bool) -> [(page: String, json: String)]

  /// The possible places of a job's sets: the release, and the internal one.
  func sets(of job: JobDirectory) -> [SetPlace]

  /// Makes jobs that are launched from now on wait, whenever they report progress, while less than this
  /// space is free on the disks of the state and of their output.
  func keepFree(_ minimum: MinimumFree)

  /// Reads and verifies the ledger of a dataset. A failed verification is reported, not thrown; a dataset
  /// without spending has an empty ledger.
  ///
  /// - Parameter witness: a line that it must contain; nil for none.
  func ledger(of dataset: DatasetConfiguration, witness: LedgerWitness?) throws -> LedgerReport
}

/// A training job that will run before another one.
struct WaitingTraining: Codable, Hashable, Sendable {
  /// The job.
  let job: JobID
  /// What it was asked for.
  let request: TrainRequest
}

extension TrainingEngine {
  /// Does nothing, for engines whose jobs do not wait for disk space.
  func keepFree(_ minimum: MinimumFree) {}
}

/// The outcome of a call of the engine that threw no error.
enum EngineOutcome: Sendable {
  /// The job is complete.
  case completed(JobResults)
  /// It stopped on request; a checkpoint is on disk.
  case stopped
}
