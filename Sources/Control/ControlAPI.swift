/// The requests that a person or a script may send to the daemon.
///
/// Two engines answer them: the daemon itself, in process, and the client over the Unix socket. One
/// contract suite runs on both. Requests name datasets, recipes and jobs, never paths: roots,
/// outputs and the privacy policy come only from the administrator's configuration.
///
/// Every method throws `ControlError`. Every verb that changes something may be repeated: pausing a
/// paused job is not an error.
public protocol ControlAPI: Sendable {
  /// Reports what the daemon is doing now.
  func status() async throws -> DaemonStatus

  /// Lists the configured datasets with their files and their remaining budgets.
  func datasets() async throws -> [DatasetStatus]

  /// Scans a dataset's root again, and returns when the scan is complete.
  ///
  /// - Parameter forgetsMissing: whether missing files are forgotten even if most of them are
  ///   missing. Otherwise this is taken for a lost share: the dataset is offline, and everything
  ///   known is kept.
  func rescan(_ dataset: String, forgetsMissing: Bool) async throws -> DatasetStatus

  /// Lists files of a dataset with their verdicts, a page at a time.
  func files(of dataset: String, _ query: FileQuery) async throws -> FilePage

  /// Draws some images of each class in the form that a recipe uses.
  ///
  /// Requires permission to make changes, because it shows real images.
  ///
  /// - Parameter recipe: nil for a common form.
  func preview(of dataset: String, recipe: String?) async throws -> PreviewSheet

  /// Reads the tables of a dataset and reports which rows a run would use.
  ///
  /// Requires permission to make changes, because it counts real rows.
  func rows(of dataset: String) async throws -> RowsReport

  /// Lists the recipes that a job may name.
  func recipes() async throws -> [RecipeSummary]

  /// Reports the cost of a training job before anything is spent.
  func plan(_ request: PlanRequest) async throws -> PlanReport

  /// Recommends a recipe and its settings for a dataset, before anything is spent.
  ///
  /// Plans several runs, so it takes longer than a plan.
  func recommend(_ request: RecommendRequest) async throws -> Recommendation

  /// Puts a job into the queue.
  ///
  /// - Parameter token: chosen by the caller. A second request with the token of an earlier one returns the
  ///   earlier job, so that a lost reply cannot spend a budget twice.
  func submit(_ request: JobRequest, token: String?) async throws -> Job

  /// Lists jobs, oldest first.
  func jobs(_ filter: JobFilter) async throws -> [Job]

  /// Shows one job.
  func job(_ id: JobID) async throws -> Job

  /// Reports the events of a job, and follows it until it is finished.
  ///
  /// Starts with the events kept since `after` (all of them when nil), and ends there unless
  /// `follow` is set. A followed stream ends when the job is finished and throws
  /// `ControlError.shuttingDown` when the daemon stops before that.
  func events(
    of job: JobID, after: JobEvent.ID?, follow: Bool
  ) async throws -> AsyncThrowingStream<JobEvent, any Error>

  /// Requests a job to stop, permanently or until it is resumed.
  func stop(_ job: JobID, reason: StopReason) async throws -> Job

  /// Puts a paused or failed job back into the queue; it continues from its last checkpoint.
  ///
  /// - Parameter allowFewerSteps: whether its set is published although crashes cost more than a
  ///   tenth of the planned steps.
  func resume(_ job: JobID, allowFewerSteps: Bool) async throws -> Job

  /// Removes a finished job: its checkpoints, pixels and history; never the ledger.
  ///
  /// - Parameter withRelease: whether its set is removed too, provided that it is unchanged.
  func remove(_ job: JobID, withRelease: Bool) async throws -> JobRemoval

  /// Removes the finished jobs that the configuration's `retention` no longer keeps.
  ///
  /// - Parameter dryRun: whether they are only named.
  func prune(dryRun: Bool) async throws -> [JobRemoval]

  /// Returns the report about a training job: the released one, or the internal one.
  ///
  /// The internal one requires permission to make changes: it contains numbers and pictures of real images.
  func report(of job: JobID, isInternal: Bool) async throws -> EvaluationReport

  /// Shows what was spent on a dataset, verified record by record.
  ///
  /// - Parameter witness: a line that the ledger must contain according to a release; nil for none.
  func ledger(of dataset: String, witness: LedgerWitness?) async throws -> LedgerReport
}

extension ControlAPI {
  /// Scans a dataset's root again, and returns when the scan is complete.
  public func rescan(_ dataset: String) async throws -> DatasetStatus {
    try await rescan(dataset, forgetsMissing: false)
  }

  /// Shows what was spent on a dataset, verified record by record.
  public func ledger(of dataset: String) async throws -> LedgerReport {
    try await ledger(of: dataset, witness: nil)
  }
}

extension ControlAPI {
  /// Puts a paused or failed job back into the queue.
  public func resume(_ job: JobID) async throws -> Job {
    try await resume(job, allowFewerSteps: false)
  }
}
