import Control
import struct Datasets.ImageTransform
import Privacy
import Runs
import Synchronization

/// What the daemon needs from the rooms that learn: the border between jobs and models.
///
/// Every function is synchronous and may take hours or seconds, so none is ever called on Swift's
/// cooperative pool: `train` and `generate` run on the training thread, one at a time; `plan` and
/// `ledger` run on threads of their own and may be called while a job trains.
///
/// An engine throws `ControlError` where a user can do something about it (`.refusedByPolicy` when
/// a budget would be exceeded); any other error fails the job with its description. Neither may
/// name a file or say anything learned from real images.
protocol TrainingEngine: Sendable {
  /// The instruction set of the kernels, `avx2`.
  var instructionSet: String { get }

  /// The threads that it computes with.
  var threads: Int { get }

  /// Lists the recipes that jobs may name.
  func recipes() throws -> [RecipeSummary]

  /// Says what a job would cost. Spends nothing and writes nothing.
  func plan(_ request: PlanRequest, dataset: DatasetConfiguration) throws -> PlanReport

  /// Refuses a training job that could not be carried out, with whatever `train` would throw later,
  /// as far as it can be known now. Writes nothing.
  ///
  /// - Parameter isCounted: whether all files of the dataset are known; otherwise what depends on
  ///   their number is left to the job, unless the administrator declared it.
  func check(_ request: TrainRequest, dataset: DatasetConfiguration, isCounted: Bool) throws

  /// The form that a recipe brings images to.
  func form(ofRecipe name: String) throws -> ImageTransform

  /// Draws some real images as a recipe makes them, or in a common form; writes nothing.
  func preview(
    of selection: PreviewSelection, recipe: String?, dataset: DatasetConfiguration
  ) throws -> PreviewSheet

  /// Trains, or goes on from the newest checkpoint in the job's directory.
  ///
  /// - Parameters:
  ///   - stop: read between micro-batches; once it is raised, a checkpoint is written and
  ///     `.stopped` returned.
  ///   - report: called as often as the engine likes, from this thread; what is too often is
  ///     dropped.
  func train(
    _ job: Job, _ request: TrainRequest, in directory: JobDirectory,
    dataset: DatasetConfiguration, stop: StopSignal, report: @Sendable (JobReport) -> Void
  ) throws -> EngineOutcome

  /// Refuses what the model of an earlier job cannot draw, with what would be in its place. Reads
  /// what the job decided, not its model.
  func check(_ request: GenerateRequest, from trained: JobDirectory) throws

  /// Draws more images with the model that an earlier job trained.
  func generate(
    _ job: Job, _ request: GenerateRequest, from trained: JobDirectory,
    into directory: JobDirectory, dataset: DatasetConfiguration, stop: StopSignal,
    report: @Sendable (JobReport) -> Void
  ) throws -> EngineOutcome

  /// Measures what an earlier job released against the images it learnt from; the report stays in
  /// that job's internal folder.
  func evaluate(
    _ job: Job, _ request: EvaluateRequest, of trained: JobDirectory, in directory: JobDirectory,
    dataset: DatasetConfiguration, stop: StopSignal, report: @Sendable (JobReport) -> Void
  ) throws -> EngineOutcome

  /// Where the report of a training job may lie, the best place first: the released one, or the one
  /// that stays inside.
  func reportFiles(of trained: JobDirectory, isInternal: Bool) -> [(page: String, json: String)]

  /// Where a job's sets may lie: the release, and the one that stays inside.
  func sets(of job: JobDirectory) -> [SetPlace]

  /// From now on, jobs that are launched wait wherever they report how far they have come while less
  /// than this is free on the disks of the state and of their output.
  func keepFree(_ minimum: MinimumFree)

  /// Reads the ledger of a dataset and verifies it. A ledger that does not verify is reported,
  /// not thrown; a dataset on which nothing was spent has an empty one.
  ///
  /// - Parameter witness: a line that it must hold to verify; nil for none.
  func ledger(of dataset: DatasetConfiguration, witness: LedgerWitness?) throws -> LedgerReport
}

extension TrainingEngine {
  /// Nothing: for engines whose jobs wait for no disk.
  func keepFree(_ minimum: MinimumFree) {}
}

/// How a call of the engine ended without an error.
enum EngineOutcome: Sendable {
  /// All that was asked is done.
  case completed(JobResults)
  /// It stopped because it was asked to; a checkpoint is on disk.
  case stopped
}
