import Control
import FoundationEssentials
import Glibc
import Runs

extension Daemon: ControlAPI {
  func status() async throws -> DaemonStatus {
    DaemonStatus(
      version: Version.current, process: Int(getpid()), started: startTime,
      threads: engine.threads,
      instructionSet: engine.instructionSet, running: runningJob, queued: queuedCount,
      datasets: configuration.datasets.count,
      remarks: shownRemarks)
  }

  func datasets() async throws -> [DatasetStatus] {
    var statuses: [DatasetStatus] = []
    for dataset in configuration.datasets { statuses.append(try await status(of: dataset)) }
    return statuses
  }

  func rescan(_ dataset: String, forgetsMissing: Bool) async throws -> DatasetStatus {
    let dataset = try configuration.dataset(dataset)
    await keepers[dataset.name]?.scan(forgetsMissing: forgetsMissing)
    return try await status(of: dataset)
  }

  func files(of dataset: String, _ query: FileQuery) async throws -> FilePage {
    let dataset = try configuration.dataset(dataset)
    if let verdict = query.verdict { try ImageIndex.check(verdict: verdict) }
    guard let recipe = query.recipe else { return try index.page(of: dataset.name, query) }
    return try await judgedFiles(of: dataset, recipe: recipe, isFirstPage: query.after == nil)
      .page(query)
  }

  /// Why nothing can be computed from a dataset that has no usable image, or none yet.
  func noUsableImage(in dataset: DatasetConfiguration) async -> ControlError {
    if await keepers[dataset.name]?.isScanning ?? false {
      return .conflict(
        "dataset \(dataset.name): its folder is still being read, and no usable image is known yet. Ask again when "
          + "'figment datasets' reports ready.")
    }
    let tables =
      dataset.declaresColumns
      ? " Rows of tables are not images: train on them with recipe bayes-net-correlated." : ""
    return .conflict(
      "dataset \(dataset.name): no usable image is known yet (at least one expected). "
        + "'figment files \(dataset.name)' lists the files and their verdicts.\(tables)")
  }

  func preview(of dataset: String, recipe: String?) async throws -> PreviewSheet {
    let dataset = try configuration.dataset(dataset)
    if let recipe { try await checkRecipe(recipe) }
    if let problem = await keepers[dataset.name]?.problem {
      throw ControlError.conflict("dataset \(dataset.name): it is offline. \(problem)")
    }
    let selection = try index.selection(of: dataset.name)
    guard !selection.classes.isEmpty else {
      throw await noUsableImage(in: dataset)
    }
    return try await plans.run { [engine] in
      try engine.preview(of: selection, recipe: recipe, dataset: dataset)
    }
  }

  func rows(of dataset: String) async throws -> RowsReport {
    let dataset = try configuration.dataset(dataset)
    return try await rowCounts.run { [engine] in try engine.rows(of: dataset) }
  }

  func recipes() async throws -> [RecipeSummary] {
    try await looking.run { [engine] in try engine.recipes() }
  }

  func plan(_ request: PlanRequest) async throws -> PlanReport {
    try request.validate()
    let dataset = try configuration.dataset(request.dataset)
    try await checkRecipe(request.recipe)
    let keeper = keepers[dataset.name]
    var report: PlanReport
    do {
      report = try await plans.run { [engine] in try engine.plan(request, dataset: dataset) }
    } catch {
      // A plan over no image fails; while the folder is read for the first time, that is the reason.
      guard dataset.population == nil, await keeper?.isScanning ?? false,
        try index.selection(of: dataset.name).classes.isEmpty
      else { throw error }
      throw await noUsableImage(in: dataset)
    }
    report.folderRemarks = await keeper?.remarksOnFolder
    if dataset.population == nil, await keeper?.isScanning ?? false {
      report.remark =
        "\(dataset.name) is still being read: the plan counts the files that are known so far. Plan again "
        + "when 'figment datasets' reports ready."
    }
    return report
  }

  func submit(_ request: JobRequest, token: String?) async throws -> Job {
    try request.validate()
    if let token, let earlier = try earlierJob(with: token, for: request) { return earlier }
    let dataset: String
    var remarks: [String] = []
    switch request {
    case .train(let request):
      dataset = request.dataset
      try requireOutput()
      try await checkPolicy(request)
      remarks = try await checkOrder(request)
    case .generate(let request):
      dataset = try modelDataset(of: request.job)
      try requireOutput()
      let trained = store.directory(of: request.job)
      try await looking.run { [engine] in try engine.check(request, from: trained) }
    case .evaluate(let request): dataset = try modelDataset(of: request.job)
    }
    // Check again: another submission with this token may have arrived during the policy check.
    if let token, let earlier = try earlierJob(with: token, for: request) { return earlier }
    return try add(request, dataset: dataset, token: token, remarks: remarks)
  }

  func jobs(_ filter: JobFilter) async throws -> [Job] {
    if let dataset = filter.dataset { _ = try configuration.dataset(dataset) }
    return list(filter)
  }

  func job(_ id: JobID) async throws -> Job {
    try find(id)
  }

  func events(
    of job: JobID, after: JobEvent.ID?, follow: Bool
  ) async throws -> AsyncThrowingStream<JobEvent, any Error> {
    try mailbox(of: job, after: after, follows: follow).events()
  }

  func stop(_ job: JobID, reason: StopReason) async throws -> Job {
    guard reason != .shutdown else {
      throw ControlError.invalid(
        "reason 'shutdown': no request may use it (paused or cancelled expected).")
    }
    return try apply(.stopRequested(reason), to: job)
  }

  func resume(_ job: JobID, allowFewerSteps: Bool) async throws -> Job {
    if allowFewerSteps { try self.allowFewerSteps(of: job) }
    return try apply(.resumeRequested, to: job)
  }

  func ledger(of dataset: String, witness: LedgerWitness?) async throws -> LedgerReport {
    let dataset = try configuration.dataset(dataset)
    return try await looking.run { [engine] in
      try engine.ledger(of: dataset, witness: witness)
    }
  }

  func report(of id: JobID, isInternal: Bool) async throws -> EvaluationReport {
    let asked = try find(id)
    let job = try find(asked.request.trainedJob ?? id)
    let places = engine.reportFiles(of: store.directory(of: job.id), isInternal: isInternal)
    for place in places {
      guard let page = try? DurableFile.read(place.page),
        let json = try? DurableFile.read(place.json)
      else { continue }
      return EvaluationReport(
        job: job.id, isInternal: isInternal, path: place.page,
        page: String(decoding: page, as: UTF8.self), json: String(decoding: json, as: UTF8.self))
    }
    throw ControlError.conflict(
      isInternal
        ? "job \(job.id): no internal report exists yet. Make one with 'figment evaluate \(job.id)'."
        : "job \(job.id): no released report exists; the job is \(job.state.name). Training with privacy "
          + "writes one at its end. --internal shows the report of 'figment evaluate'.")
  }

  private func status(of dataset: DatasetConfiguration) async throws -> DatasetStatus {
    let policy = dataset.policy
    var budget = BudgetStatus(
      epsilonMaximum: policy.epsilonMaximum, delta: policy.delta, epsilonSpent: nil,
      unit: policy.unit)
    do {
      budget = try await ledger(of: dataset.name).budget
    } catch {
      budget.problem = ControlError(error).message
    }
    guard let keeper = keepers[dataset.name] else {
      return DatasetStatus(name: dataset.name, state: .unknown, watch: "poll", budget: budget)
    }
    return try await keeper.status(budget: budget)
  }

  private func earlierJob(with token: String, for request: JobRequest) throws -> Job? {
    guard (1...200).contains(token.utf8.count) else {
      throw ControlError.invalid("token: \(token.utf8.count) bytes long (1 to 200 expected).")
    }
    guard let job = job(withToken: token) else { return nil }
    guard job.request == request else {
      throw ControlError.conflict(
        "token '\(token)': job \(job.id) was submitted with this token and another request. "
          + "Choose a new token for a new job.")
    }
    return job
  }

  func checkRecipe(_ name: String) async throws {
    let known = try await recipes().map(\.name)
    guard known.contains(name) else {
      throw ControlError.unknown("recipe", name, among: known)
    }
  }

  /// Refuses a request that the policy can never allow.
  ///
  /// The engine decides whether the remaining budget suffices, because it composes all jobs of the
  /// dataset.
  private func checkPolicy(_ request: TrainRequest) async throws {
    let dataset = try configuration.dataset(request.dataset)
    try await checkRecipe(request.recipe)
    if request.isNonPrivate {
      guard dataset.policy.allowsNonPrivate else {
        throw ControlError.refusedByPolicy(
          "dataset \(dataset.name): its policy forbids jobs without privacy "
            + "(non_private: true expected). Give --epsilon, or ask the administrator.")
      }
      return
    }
    let most = dataset.policy.epsilonMaximum
    if let epsilon = request.epsilon, epsilon > most {
      throw ControlError.refusedByPolicy(
        "dataset \(dataset.name): the job asks for epsilon \(Rounded.number(epsilon)) (at most "
          + "\(Rounded.number(most)) for all jobs together expected). Ask for less.")
    }
    let budget = try await ledger(of: dataset.name).budget
    if let problem = budget.problem {
      throw ControlError.refusedByPolicy("dataset \(dataset.name): \(problem)")
    }
    if let spent = budget.epsilonSpent, spent >= most {
      let asked =
        request.epsilon.map { "epsilon \(Rounded.number($0))" } ?? "the rest of the budget"
      throw ControlError.refusedByPolicy(
        "dataset \(dataset.name): the job asks for \(asked), and nothing is left of the budget: epsilon "
          + "\(Rounded.bound(spent)) of \(Rounded.number(most)) is spent. Draw more images from a trained "
          + "model with 'figment generate', which costs no privacy, or ask the administrator to raise "
          + "epsilon_max.")
    }
  }

  /// Refuses an order that the engine could not carry out, before it waits in the queue for hours.
  ///
  /// - Returns: what the submitter should know.
  private func checkOrder(_ request: TrainRequest) async throws -> [String] {
    let dataset = try configuration.dataset(request.dataset)
    if let problem = await keepers[dataset.name]?.problem {
      throw ControlError.conflict("dataset \(dataset.name): it is offline. \(problem)")
    }
    let isCounted = await keepers[dataset.name]?.isReady ?? false
    let waiting = trainingsAhead(on: dataset.name)
    return try await plans.run { [engine] in
      try engine.check(request, behind: waiting, dataset: dataset, isCounted: isCounted)
    }
  }

  /// Current problems that do not stop the daemon.
  private var shownRemarks: [String] {
    var all = remarks
    all["index"] = index.remark
    all["space"] = space.shortage()
    return all.sorted { $0.key < $1.key }.map(\.value)
  }

  private func modelDataset(of id: JobID) throws(ControlError) -> String {
    let job = try find(id)
    guard case .train = job.request else {
      throw .invalid("job \(id): not a training job (a job with a model expected).")
    }
    guard case .finished(.completed) = job.state else {
      throw .conflict("job \(id): it is \(job.state.name) (a completed job expected).")
    }
    return job.dataset
  }
}
