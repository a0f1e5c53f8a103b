import Control
import Datasets
import FoundationEssentials
import Glibc
import Models
import Privacy
import Synchronization

@testable import Runs
@testable import figmentd

/// An engine that counts steps: the test sets their number, their duration and faults.
final class FakeEngine: TrainingEngine {
  struct Behaviour: Sendable {
    /// The number of steps of a job.
    var steps = 5
    /// The duration of a step.
    var step = Duration.milliseconds(1)
    /// The number of steps between two checkpoints.
    var checkpointEvery = 2
    /// The error that training throws.
    var failure: ControlError?
    /// Whether training continues until it is stopped.
    var isEndless = false
    /// The spent epsilon according to the ledger.
    var spent = 0.0
    /// The reason why the ledger cannot be trusted.
    var ledgerProblem: String?
    /// The reason why a training job is refused.
    var refusal: ControlError?
    /// Plans wait until this is false.
    var isPlanning = false
    /// Whether counts of rows continue until this changes.
    var isCounting = false
    /// The recipes and measured runs for advice.
    var library = AdviceLibrary(recipes: [], table: MeasurementTable())
    /// The files that any run would use.
    var use = FileUse(units: 60_000)
    /// Whether images have colours.
    var isColoured: Bool? = false
    /// How much noise plans of these recipes find; `clear` for all others.
    var noise: [String: String] = [:]
    /// The epsilon of plans; nil for plans without a guarantee.
    var plannedEpsilon: Double?
    /// The error that plans of these recipes throw.
    var planFailures: [String: ControlError] = [:]
    /// The phase of an endless job, which has seven parts.
    var phase = JobPhase.train
  }

  private let state: Mutex<Behaviour>
  private let launches = Mutex<[String]>([])
  /// Counts of rows that were begun, and those whose caller left.
  let begunCounts = Mutex(0), abandonedCounts = Mutex(0)
  /// The recipes that were planned, in order.
  let plannedRecipes = Mutex<[String]>([])

  init(_ behaviour: Behaviour = Behaviour()) {
    state = Mutex(behaviour)
  }

  let instructionSet = "fake"
  let threads = 3

  /// Changes the engine's behaviour from now on.
  func change(_ body: (inout sending Behaviour) -> Void) { state.withLock { body(&$0) } }

  /// The calls so far, in order.
  var calls: [String] { launches.withLock { $0 } }

  func recipes() throws -> [RecipeSummary] {
    [
      RecipeSummary(
        name: "dp-gan-28", family: "dp-gan", width: 28, height: 28, channels: 1, summary: "Digits.")
    ]
  }

  func plan(_ request: PlanRequest, dataset: DatasetConfiguration) throws -> PlanReport {
    while state.withLock({ $0.isPlanning }) { usleep(1000) }
    plannedRecipes.withLock { $0.append(request.recipe) }
    if let failure = state.withLock({ $0.planFailures[request.recipe] }) { throw failure }
    var report = PlanReport(
      dataset: dataset.name, recipe: request.recipe, steps: request.steps ?? 100,
      expectedBatch: 64, images: 10,
      refusal: (request.epsilon ?? 0) > 5 ? "dataset: too much" : nil)
    report.usableImages = 77
    report.tooSmallImages = 7
    report.seconds = 600
    report.privacy = state.withLock { $0.plannedEpsilon }.map {
      PlannedPrivacy(
        epsilon: $0, delta: 1e-5, noiseMultiplier: 1, samplingProbability: 0.1, clipNorm: 1,
        unit: .file, epsilonAfter: $0, epsilonMaximum: dataset.policy.epsilonMaximum, statement: "")
    }
    report.noise = state.withLock { $0.noise[request.recipe] } ?? "clear"
    return report
  }

  func adviceLibrary() throws -> AdviceLibrary { state.withLock { $0.library } }

  func use(of dataset: DatasetConfiguration, under transform: ImageTransform) throws -> FileUse {
    state.withLock { $0.use }
  }

  func hasColours(_ selection: PreviewSelection, dataset: DatasetConfiguration) throws -> Bool? {
    launches.withLock { $0.append("look for colours") }
    return state.withLock { $0.isColoured }
  }

  /// Grey images of 28×28 pixels, enlarged by up to four.
  func form(ofRecipe name: String) throws -> ImageTransform {
    ImageTransform(height: 28, width: 28, channels: .grey)
  }

  func preview(
    of selection: PreviewSelection, recipe: String?, dataset: DatasetConfiguration
  ) throws -> PreviewSheet {
    PreviewSheet(
      dataset: dataset.name, recipe: recipe, height: 28, width: 28, channels: 1,
      classes: selection.classes.map(\.name), rowsPerClass: selection.rowsPerClass,
      classCount: selection.classCount, images: selection.classes.flatMap(\.paths).count,
      missing: [], png: Data("picture".utf8))
  }

  func rows(of dataset: DatasetConfiguration) throws -> RowsReport {
    begunCounts.withLock { $0 += 1 }
    while state.withLock({ $0.isCounting }) {
      if let abandonment = PlanDesk.abandonment, abandonment.isRaised {
        abandonedCounts.withLock { $0 += 1 }
        throw CancellationError()
      }
      usleep(1000)
    }
    return RowsReport(
      dataset: dataset.name, tables: ["t.csv"], rows: 9, used: 7,
      unused: [RowsReport.Unused(reason: "noPerson", count: 2)], imagesWithoutRow: 0,
      lines: ["7 of 9 rows used"])
  }

  func train(
    _ job: Job, _ request: TrainRequest, in directory: JobDirectory,
    dataset: DatasetConfiguration, stop: StopSignal, report: @Sendable (JobReport) -> Void
  ) throws -> EngineOutcome {
    launches.withLock { $0.append("train \(job.id)") }
    let behaviour = state.withLock { $0 }
    if let failure = behaviour.failure { throw failure }
    report(
      .note(Releasable("training \(dataset.name) with \(request.recipe)", .chosenBeforehand)))
    var step = job.progress?.checkpoint ?? 0
    var checkpoint = step
    while behaviour.isEndless || step < behaviour.steps {
      if stop.isRaised {
        report(.progress(progress(step, behaviour, checkpoint: step)))
        return .stopped
      }
      usleep(UInt32(behaviour.step / .microseconds(1)))
      step += 1
      // A checkpoint is stored durably: an endless job would store thousands.
      if !behaviour.isEndless, step % behaviour.checkpointEvery == 0 { checkpoint = step }
      report(.progress(progress(step, behaviour, checkpoint: checkpoint)))
    }
    return .completed(
      JobResults(
        epsilon: request.epsilon, delta: dataset.policy.delta, steps: step, images: 10,
        outputs: [JobOutput(kind: "images", path: directory.release + "/data")]))
  }

  /// Its remark names the jobs that run before.
  func check(
    _ request: TrainRequest, behind waiting: [WaitingTraining], dataset: DatasetConfiguration,
    isCounted: Bool
  ) throws -> [String] {
    if let refusal = state.withLock({ $0.refusal }) { throw refusal }
    return waiting.isEmpty ? [] : ["behind \(waiting.map(\.job.name).joined(separator: ", "))"]
  }

  /// Its models have no guidance.
  func check(_ request: GenerateRequest, from trained: JobDirectory) throws {
    guard request.guidance == nil else {
      throw ControlError.invalid("job \(trained.job): no guidance.")
    }
  }

  func generate(
    _ job: Job, _ request: GenerateRequest, from trained: JobDirectory,
    into directory: JobDirectory, dataset: DatasetConfiguration, stop: StopSignal,
    report: @Sendable (JobReport) -> Void
  ) throws -> EngineOutcome {
    launches.withLock { $0.append("generate \(job.id) from \(trained.job)") }
    return .completed(JobResults(images: request.count))
  }

  func evaluate(
    _ job: Job, _ request: EvaluateRequest, of trained: JobDirectory, in directory: JobDirectory,
    dataset: DatasetConfiguration, stop: StopSignal, report: @Sendable (JobReport) -> Void
  ) throws -> EngineOutcome {
    launches.withLock { $0.append("evaluate \(trained.job)") }
    let files = reportFiles(of: trained, isInternal: true)[0]
    try DurableFile.makeFolder(trained.internalFiles)
    try DurableFile.write(Data("page".utf8), to: files.page)
    try DurableFile.write(Data("{}".utf8), to: files.json)
    return .completed(JobResults(outputs: [JobOutput(kind: "report", path: files.page)]))
  }

  func reportFiles(of trained: JobDirectory, isInternal: Bool) -> [(page: String, json: String)] {
    let folder = isInternal ? trained.internalFiles : trained.release
    return [(folder + "/report.html", folder + "/report.json")]
  }

  func sets(of job: JobDirectory) -> [SetPlace] {
    [SetPlace(job.release, internalFiles: job.internalFiles)]
  }

  /// Its newest line has the hash ab12; it contains no other.
  func ledger(of dataset: DatasetConfiguration, witness: LedgerWitness?) throws -> LedgerReport {
    let behaviour = state.withLock { $0 }
    let isHeld = witness.map { $0.hash == "ab12" } ?? true
    let budget = BudgetStatus(
      epsilonMaximum: dataset.policy.epsilonMaximum, delta: dataset.policy.delta,
      epsilonSpent: behaviour.ledgerProblem == nil ? behaviour.spent : nil,
      unit: dataset.policy.unit, problem: behaviour.ledgerProblem)
    return LedgerReport(
      dataset: dataset.name, budget: budget,
      entries: [
        LedgerEntry(number: 1, purpose: "glyphs-1", event: "gaussian", reserved: 8, used: 5)
      ], verified: behaviour.ledgerProblem == nil && isHeld, head: "ab12",
      problem: behaviour.ledgerProblem)
  }

  private func progress(_ step: Int, _ behaviour: Behaviour, checkpoint: Int) -> JobProgress {
    JobProgress(
      phase: behaviour.phase, done: behaviour.isEndless ? 1 : step,
      total: behaviour.isEndless ? 7 : behaviour.steps,
      plannedEpsilon: 0.1 * Double(step), targetEpsilon: 1,
      checkpoint: checkpoint > 0 ? checkpoint : nil)
  }
}

extension TrainingEngine {
  /// Checks a job that no other job precedes.
  @discardableResult
  func check(
    _ request: TrainRequest, dataset: DatasetConfiguration, isCounted: Bool
  ) throws -> [String] {
    try check(request, behind: [], dataset: dataset, isCounted: isCounted)
  }
}

/// A folder reader with folders that the test sets.
final class FakeFolderReader: FolderReader {
  struct Contents: Sendable {
    var files: [IndexedFile] = []
    var failure: String?
    var remarks: [FolderRemark] = []
  }

  private struct Watcher: FolderWatch {
    let method = "inotify"
    let remark: String? = nil
    let problem: String? = nil
    let onCancel: @Sendable () -> Void
    func cancel() { onCancel() }
  }

  private let contents: Mutex<Contents>
  private let changed = Mutex<[String: @Sendable (FolderHints) -> Void]>([:])
  private let scans = Atomic<Int>(0)

  init(_ contents: Contents = Contents()) {
    self.contents = Mutex(contents)
  }

  /// The number of scans of a root.
  var scanCount: Int { scans.load(ordering: .relaxed) }
  /// The watched datasets.
  var watched: [String] { changed.withLock { $0.keys.sorted() } }

  /// Changes the content of the folders, and notifies the watchers.
  func change(_ body: (inout sending Contents) -> Void) {
    contents.withLock { body(&$0) }
    for tell in changed.withLock({ Array($0.values) }) { tell(.whole) }
  }

  func scan(
    _ dataset: DatasetConfiguration, known: [String: IndexedFile], pulse: Pulse
  ) throws -> FolderContents {
    scans.wrappingAdd(1, ordering: .relaxed)
    let contents = contents.withLock { $0 }
    if let failure = contents.failure { throw ControlError.failed(failure) }
    return FolderContents(files: contents.files, remarks: contents.remarks)
  }

  /// Requires a full scan in any case.
  func look(
    _ dataset: DatasetConfiguration, at hints: FolderHints, index: ImageIndex, pulse: Pulse
  ) throws -> FolderUpdate? { nil }

  func watch(
    _ dataset: DatasetConfiguration, changed: @escaping @Sendable (FolderHints) -> Void
  ) throws -> any FolderWatch {
    self.changed.withLock { $0[dataset.name] = changed }
    return Watcher { self.changed.withLock { _ = $0.removeValue(forKey: dataset.name) } }
  }

  /// A file with a verdict.
  static func file(_ path: String, _ verdict: String = "ok", side: Int? = nil) -> IndexedFile {
    IndexedFile(
      row: FileRow(
        path: path, className: "a", bytes: 3, verdict: verdict, width: side, height: side),
      signature: FileSignature(device: 1, inode: 1, size: 3, modified: 1, changed: 1),
      // Files differ in content if they differ in name.
      contentHash: side.map { _ in (Data(path.utf8) + Data(count: 32)).prefix(32) })
  }
}
