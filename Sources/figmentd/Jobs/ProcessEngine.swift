import Control
import Datasets
import Privacy
import Runs
import Synchronization

/// An engine that runs each long or large call in a separate worker process.
///
/// It answers short queries (recipes, reports, ledgers) itself.
final class ProcessEngine: TrainingEngine {
  /// The time limit of a plan, including the seconds that measure the speed.
  static let planLimit = Duration.seconds(60)
  /// The time limit of a count of rows, which reads every table whole.
  static let rowsLimit = Duration.seconds(600)

  private let settings: EngineSettings
  private let local: LocalEngine
  private let executable: String
  private let countUse: LocalEngine.CountUse
  private let minimumFree = Mutex<MinimumFree?>(nil)

  /// Creates an engine; `countUse` counts the files of a dataset's root that a run would use.
  ///
  /// Workers run `executable`; the default is the current program.
  init(
    _ settings: EngineSettings, executable: String = "/proc/self/exe",
    countUse: @escaping LocalEngine.CountUse
  ) {
    self.settings = settings
    self.executable = executable
    self.countUse = countUse
    local = LocalEngine(settings, countUse: countUse)
  }

  var instructionSet: String { local.instructionSet }

  var threads: Int { local.threads }

  func recipes() throws -> [RecipeSummary] { try local.recipes() }

  func plan(_ request: PlanRequest, dataset: DatasetConfiguration) throws -> PlanReport {
    let use = try countUse(dataset, form(ofRecipe: request.recipe))
    let call = EngineCall(settings: settings, dataset: dataset, use: use, work: .plan(request))
    guard case .planned(let report) = try answer(to: call) else { throw WorkerCrash(ending: nil) }
    return report
  }

  func check(
    _ request: TrainRequest, behind waiting: [WaitingTraining], dataset: DatasetConfiguration,
    isCounted: Bool
  ) throws -> [String] {
    let use = isCounted ? try countUse(dataset, form(ofRecipe: request.recipe)) : nil
    let call = EngineCall(
      settings: settings, dataset: dataset, use: use, work: .check(request, behind: waiting))
    guard case .checked(let remarks) = try answer(to: call) else {
      throw WorkerCrash(ending: nil)
    }
    return remarks
  }

  func form(ofRecipe name: String) throws -> ImageTransform {
    try local.form(ofRecipe: name)
  }

  func preview(
    of selection: PreviewSelection, recipe: String?, dataset: DatasetConfiguration
  ) throws -> PreviewSheet {
    let call = EngineCall(
      settings: settings, dataset: dataset, work: .preview(selection, recipe: recipe))
    guard case .previewed(let sheet) = try answer(to: call, as: "preview") else {
      throw WorkerCrash(ending: nil)
    }
    return sheet
  }

  func rows(of dataset: DatasetConfiguration) throws -> RowsReport {
    let call = EngineCall(settings: settings, dataset: dataset, work: .rows)
    let message = try answer(
      to: call, as: "rows", within: Self.rowsLimit,
      remedy:
        "The tables are too large to be counted beforehand; a run reads them however long it takes.",
      crashRemedy:
        "The tables may need more memory than is available. Split them into smaller ones."
    )
    guard case .counted(let report) = message else { throw WorkerCrash(ending: nil) }
    return report
  }

  func adviceLibrary() throws -> AdviceLibrary { try local.adviceLibrary() }

  func use(of dataset: DatasetConfiguration, under transform: ImageTransform) throws -> FileUse {
    try countUse(dataset, transform)
  }

  func hasColours(_ selection: PreviewSelection, dataset: DatasetConfiguration) throws -> Bool? {
    let call = EngineCall(settings: settings, dataset: dataset, work: .colours(selection))
    guard case .coloured(let found) = try answer(to: call, as: "recommend") else {
      throw WorkerCrash(ending: nil)
    }
    return found
  }

  func train(
    _ job: Job, _ request: TrainRequest, in directory: JobDirectory,
    dataset: DatasetConfiguration, stop: StopSignal, report: @Sendable (JobReport) -> Void
  ) throws -> EngineOutcome {
    try run(.job(job, directory, trained: nil), dataset, stop, report)
  }

  func check(_ request: GenerateRequest, from trained: JobDirectory) throws {
    try local.check(request, from: trained)
  }

  func generate(
    _ job: Job, _ request: GenerateRequest, from trained: JobDirectory,
    into directory: JobDirectory, dataset: DatasetConfiguration, stop: StopSignal,
    report: @Sendable (JobReport) -> Void
  ) throws -> EngineOutcome {
    try run(.job(job, directory, trained: trained), dataset, stop, report)
  }

  func evaluate(
    _ job: Job, _ request: EvaluateRequest, of trained: JobDirectory, in directory: JobDirectory,
    dataset: DatasetConfiguration, stop: StopSignal, report: @Sendable (JobReport) -> Void
  ) throws -> EngineOutcome {
    try run(.job(job, directory, trained: trained), dataset, stop, report)
  }

  func reportFiles(of trained: JobDirectory, isInternal: Bool) -> [(page: String, json: String)] {
    local.reportFiles(of: trained, isInternal: isInternal)
  }

  func sets(of job: JobDirectory) -> [SetPlace] { local.sets(of: job) }

  func keepFree(_ minimum: MinimumFree) { minimumFree.withLock { $0 = minimum } }

  func ledger(of dataset: DatasetConfiguration, witness: LedgerWitness?) throws -> LedgerReport {
    try local.ledger(of: dataset, witness: witness)
  }

  /// Runs a job in a separate process.
  private func run(
    _ work: EngineCall.Work, _ dataset: DatasetConfiguration, _ stop: StopSignal,
    _ report: (JobReport) -> Void
  ) throws -> EngineOutcome {
    let call = EngineCall(
      settings: settings, dataset: dataset, minimumFree: minimumFree.withLock { $0 }, work: work)
    switch try WorkerConnection(call, executable: executable).answer(stop: stop, report: report) {
    case .completed(let results): return .completed(results)
    case .stopped: return .stopped
    default: throw WorkerCrash(ending: nil)
    }
  }

  /// Runs a short call in a separate process, within the time limit and as long as somebody waits for it.
  private func answer(
    to call: EngineCall, as question: String = "plan", within limit: Duration = planLimit,
    remedy: String = WorkerConnection.usualRemedy,
    crashRemedy: String =
      "The model may need more memory than is available. Choose a smaller recipe."
  ) throws -> EngineMessage {
    do {
      return try WorkerConnection(call, executable: executable)
        .answer(unless: PlanDesk.abandonment, within: limit, remedy: remedy)
    } catch let crash as WorkerCrash {
      throw ControlError.failed("\(question): \(crash). \(crashRemedy)")
    }
  }
}
