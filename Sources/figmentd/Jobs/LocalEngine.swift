import Compute
import Control
import Datasets
import FoundationEssentials
import Models
import Privacy
import Runs

/// The engine that trains on this machine: combines the rooms of data, models and privacy.
final class LocalEngine: TrainingEngine {
  let library: RecipeLibrary
  private let state: StatePaths
  let countUse: CountUse
  private let conditions: RunConditions
  let makeDecoder: @Sendable () throws -> any ImageDecoder
  private let machine: Machine

  /// Counts the files of a dataset's root that a run with an image transform would use.
  typealias CountUse = @Sendable (DatasetConfiguration, ImageTransform) throws -> FileUse

  /// Creates an engine that uses the configuration's recipes and keeps ledgers in `state`.
  ///
  /// `countUse` counts files as a run would. Images are decoded in child processes, unless `makeDecoder`
  /// is given.
  init(
    recipes: String, threads: Int?, state: StatePaths,
    under conditions: RunConditions = RunConditions(),
    makeDecoder: (@Sendable () throws -> any ImageDecoder)? = nil,
    countUse: @escaping CountUse
  ) {
    library = RecipeLibrary(folder: recipes)
    machine = Machine(threadCount: threads ?? Processors.granted)
    self.state = state
    self.countUse = countUse
    self.conditions = conditions
    let poisoned = DecoderProcess.Poisoned()
    self.makeDecoder = makeDecoder ?? { DecoderProcess(poisoned: poisoned) }
  }

  /// Creates an engine with a daemon's settings.
  convenience init(
    _ settings: EngineSettings,
    countUse: @escaping CountUse
  ) {
    self.init(
      recipes: settings.recipes, threads: settings.threads, state: settings.state,
      countUse: countUse)
  }

  var instructionSet: String { machine.kernels.name }

  var threads: Int { machine.threads.threadCount }

  func recipes() throws -> [RecipeSummary] { try library.summaries() }

  func plan(_ request: PlanRequest, dataset: DatasetConfiguration) throws -> PlanReport {
    try Self.translated {
      let order = try order(request, name: Self.unnamed, dataset: dataset)
      try order.requireStartingFiles()
      let use = try use(of: dataset, order)
      let population = dataset.population ?? use?.units ?? 0
      let classes = Self.classes(of: order, use)
      let history = order.loss == .unlimited ? LedgerHistory() : try history(of: order)
      let (plan, remark) = try ResolvedPlan.resolve(
        order, classes: classes, units: population, after: history)
      let forecast = try TrainingForecast(plan, on: machine)
      var report = PlanReport(
        dataset: dataset.name, recipe: order.recipe.name,
        steps: plan.stepCount - plan.freeStepCount,
        expectedBatch: Double(plan.mainPlan?.batchSize ?? population), seconds: forecast.seconds,
        images: order.count)
      if plan.freeStepCount > 0 { report.freeSteps = plan.freeStepCount }
      report.phases = plan.phases.map(\.planned)
      report.usableImages = use?.images
      if !order.recipe.model.readsImages { report.isTable = true }
      report.tooSmallImages = use?.tooSmall
      report.diskBytes =
        DiskNeed(recipe: order.recipe, count: order.count, checkpointBytes: 0).setBytes
      let noise = plan.noise(
        parameterCount: forecast.privateParameterCount, units: order.unit.plural)
      (report.noise, report.warning) = (noise.expectation?.rawValue, noise.warning)
      // A warning says how much is changed; without one, this is what to expect of a table.
      if noise.warning == nil { report.remark = plan.noiseSentence }
      guard let mechanism = plan.mechanism, let epsilon = plan.epsilon else {
        if order.permission == nil { report.refusal = order.nonPrivateRefusal }
        return report
      }
      try addPrivacy(
        to: &report, mechanism, steps: plan.mainPlan?.steps ?? 0,
        paidPhases: plan.phases.count { $0.access != nil }, epsilon, order, plan.event, dataset,
        after: history)
      report.privacy?.remark = remark
      return report
    }
  }

  func check(
    _ request: TrainRequest, behind waiting: [WaitingTraining], dataset: DatasetConfiguration,
    isCounted: Bool
  ) throws -> [String] {
    try Self.translated {
      let order = try order(request, name: Self.unnamed, dataset: dataset)
      try order.requireStartingFiles()
      let use = isCounted ? try use(of: dataset, order) : nil
      // A recipe may have been removed since: such a job fails at its turn.
      let before = waiting.compactMap {
        try? self.order($0.request, name: $0.job.description, dataset: dataset)
      }
      let (priced, remarks) = try order.requirePossible(units: use?.units, behind: before) {
        try history(of: order)
      }
      return try [priced.flatMap { try noiseWarning(of: $0, order, use) }, order.fewSteps]
        .compactMap { $0 } + remarks
    }
  }

  /// What a run of the order would use: files of images, or rows of tables.
  ///
  /// Nil for tables whose population is declared: they are not read then, because the memory of a process that read
  /// them, which plans report, depends on how many rows there really are.
  private func use(of dataset: DatasetConfiguration, _ order: RunOrder) throws -> FileUse? {
    guard !order.recipe.model.readsImages else { return try countUse(dataset, order.transform) }
    guard dataset.population == nil else { return nil }
    let summary = try TableSnapshotBuilder(root: dataset.root, rules: order.rules).inspect()
    return FileUse(units: summary.unitCount, images: summary.used)
  }

  /// Whether noise will outweigh images or rows, from a model that reads none of them; nil if it will not.
  private func noiseWarning(
    of priced: PricedPhases, _ order: RunOrder, _ use: FileUse?
  ) throws -> String? {
    let classes = Self.classes(of: order, use)
    let model = try order.recipe.makeModel(classes: classes, seed: 0, on: machine)
    return order.recipe.noise(
      of: priced.phases, classes: classes, parameterCount: model.privateParameterCount,
      epsilon: priced.epsilon, units: order.unit.plural
    ).warning
  }

  /// The classes of an order, under made-up names where nobody declared them: their number decides the number of
  /// parameters, and so the warning about noise.
  private static func classes(of order: RunOrder, _ use: FileUse?) -> [String] {
    order.knownClasses ?? (0..<max(1, use?.classCount ?? 2)).map { "class \($0)" }
  }

  func form(ofRecipe name: String) throws -> ImageTransform {
    try Self.translated { try library.recipe(named: name).transform }
  }

  func preview(
    of selection: PreviewSelection, recipe: String?, dataset: DatasetConfiguration
  ) throws -> PreviewSheet {
    try Self.translated {
      let asked = try recipe.map { try library.recipe(named: $0) }
      var builder = SnapshotBuilder(
        root: dataset.root, rules: dataset.rules,
        transform: asked?.transform ?? PreviewDrawing.commonForm)
      builder.makeDecoder = makeDecoder
      do {
        return try PreviewDrawing(
          builder: builder, dataset: dataset.name, recipe: recipe,
          levels: (asked?.model.levelBits).flatMap { $0 < 8 ? PixelLevels(bits: $0) : nil }
        ).sheet(of: selection)
      } catch let error as DatasetError {
        // The root vanished after the last scan: the dataset's state forbids it, nothing has failed.
        guard case .rootUnavailable = error else { throw error }
        throw ControlError.conflict("dataset \(dataset.name): it is offline. \(error.description)")
      }
    }
  }

  /// The name of a planned run, which no job can have.
  private static let unnamed = "a job to come"

  /// The ledger history of an order's root.
  private func history(of order: RunOrder) throws -> LedgerHistory {
    try RootLedger.history(
      root: order.root, dataset: order.dataset, unit: order.unit, ledgers: state.ledgers,
      marks: state.ledgerMarks)
  }

  /// The noisy work of the phase that gets the rest of epsilon.
  private static func words(for mechanism: SubsampledGaussian, steps: Int) -> String {
    let noise = "\(mechanism.noise.words) noise of \(mechanism.noiseMultiplier) clip norms"
    guard mechanism.samplingProbability < 1 else {
      return steps == 1
        ? "One sum over all units with \(noise)"
        : "\(Rounded.count(steps)) steps of \(noise) on sums over all units"
    }
    return "\(Rounded.count(steps)) steps of \(noise) on sums over Poisson samples of probability "
      + "\(mechanism.samplingProbability)"
  }

  private func addPrivacy(
    to report: inout PlanReport, _ mechanism: SubsampledGaussian, steps: Int,
    paidPhases: Int, _ epsilon: Double, _ order: RunOrder, _ event: PrivacyEvent,
    _ dataset: DatasetConfiguration,
    after history: LedgerHistory
  ) throws {
    var after = try history.committed()
    let asked = try EventTally(event)
    let basis: PrivacyCost.Basis =
      try history.wouldBeAdaptive(asked, of: order.name) ? .adaptive : .planned
    try after.add(asked)
    let total = try PrivacyCost(of: after, delta: dataset.policy.delta, basis: basis)
    report.privacy = PlannedPrivacy(
      epsilon: epsilon, delta: order.delta, noiseMultiplier: mechanism.noiseMultiplier,
      samplingProbability: mechanism.samplingProbability, clipNorm: mechanism.clipNorm,
      unit: dataset.policy.unit, epsilonAfter: total.epsilon,
      epsilonMaximum: dataset.policy.epsilonMaximum,
      statement: (paidPhases > 1
        ? "All \(paidPhases) phases with noise together" : Self.words(for: mechanism, steps: steps))
        + ": "
        + "(\(Decimals.epsilon(epsilon)), \(Decimals.number(order.delta)))-differentially private, "
        + NeighboringRelation.addOrRemoveOne.words(for: order.unit)
        + "; \(GuaranteeStrength(epsilon: epsilon).words)")
    var gate = BudgetGate(budget: order.budget, dataset: dataset.name)
    do {
      try gate.admitPlan(event, of: order.name, after: history)
    } catch {
      report.refusal = error.description
    }
  }

  func train(
    _ job: Job, _ request: TrainRequest, in directory: JobDirectory,
    dataset: DatasetConfiguration, stop: StopSignal, report: @Sendable (JobReport) -> Void
  ) throws -> EngineOutcome {
    let order = try order(request, name: job.id.description, dataset: dataset)
    return try withoutActuallyEscaping(report) { report in
      let run = TrainingRun(
        order, at: try places(of: directory, dataset), on: machine, stop: stop, under: conditions,
        makeDecoder: makeDecoder, report: report)
      switch try run.run() {
      case .finished(let results): return .completed(results)
      case .stopped: return .stopped
      }
    }
  }

  func check(_ request: GenerateRequest, from trained: JobDirectory) throws {
    try Self.translated {
      let plan = try plan(of: trained)
      _ = try request.counts(of: plan.classes)
      try plan.recipe.validate(
        SampleRequest(
          labels: [], seed: 0, temperature: request.temperature ?? 1, guidance: request.guidance),
        classes: plan.classes)
    }
  }

  func generate(
    _ job: Job, _ request: GenerateRequest, from trained: JobDirectory,
    into directory: JobDirectory, dataset: DatasetConfiguration, stop: StopSignal,
    report: @Sendable (JobReport) -> Void
  ) throws -> EngineOutcome {
    try Self.translated {
      let plan = try plan(of: trained)
      guard let saved = try CheckpointFolder(path: trained.checkpoints).newest() else {
        throw Self.hasNoModel(trained)
      }
      let model = try plan.recipe.makeModel(
        classes: plan.classes, seed: plan.seed, on: machine)
      try saved.restore(model, of: plan)
      let generation = Generation(
        model: model, recipe: plan.recipe, classes: plan.classes,
        request: SampleRequest(
          classCounts: try request.counts(of: plan.classes),
          seed: request.seed ?? ResolvedPlan.drawnSeed(),
          temperature: request.temperature ?? 1, guidance: request.guidance),
        name: job.id.description)
      let places = try places(of: directory, dataset)
      let count = generation.request.labels.count
      let tell = { (written: Int) in
        report(.progress(JobProgress(phase: .generate, done: written, total: count)))
      }
      let results =
        if let mechanism = plan.mechanism {
          try generation.write(
            releaseAt: places.set(isProtected: true),
            protectedBy: mechanism,
            statement: SetPlace(trained.release, internalFiles: trained.internalFiles)
              .ownFile("privacy.json"), stop: stop,
            report: tell)
        } else {
          try generation.write(
            insideAt: places.set(isProtected: false),
            guarantee: .none, stop: stop, report: tell)
        }
      return results.map { .completed($0) } ?? .stopped
    }
  }

  func evaluate(
    _ job: Job, _ request: EvaluateRequest, of trained: JobDirectory, in directory: JobDirectory,
    dataset: DatasetConfiguration, stop: StopSignal, report: @Sendable (JobReport) -> Void
  ) throws -> EngineOutcome {
    try Self.translated {
      guard let plan = try ResolvedPlan.saved(in: trained.internalFiles) else {
        throw ControlError.conflict(
          "job \(trained.job): its internal files are missing (frozen images expected). Train again."
        )
      }
      return try withoutActuallyEscaping(report) { report in
        let evaluation = JobEvaluation(
          plan: plan, places: places(of: trained), dataset: dataset, request: request,
          machine: machine, makeDecoder: makeDecoder,
          stop: stop, report: report)
        return try evaluation.run().map { .completed($0) } ?? .stopped
      }
    }
  }

  func reportFiles(of trained: JobDirectory, isInternal: Bool) -> [(page: String, json: String)] {
    let places = places(of: trained)
    guard isInternal else {
      return [(places.release + "/report.html", places.release + "/report.json")]
    }
    let evaluated = InternalReportFiles(folder: places.internalFiles)
    return [
      (evaluated.page, evaluated.json),
      (places.unprotected + "/report.html", places.unprotected + "/report.json"),
    ]
  }

  func sets(of job: JobDirectory) -> [SetPlace] {
    let places = places(of: job)
    return [places.set(isProtected: true), places.set(isProtected: false)]
  }

  func ledger(
    of dataset: DatasetConfiguration, witness: LedgerWitness?
  ) throws -> LedgerReport {
    try LedgerReader(dataset, state: state, witness: witness).report()
  }

  private func order(
    _ request: TrainRequest, name: String, dataset: DatasetConfiguration
  ) throws -> RunOrder {
    let policy = dataset.policy
    if let delta = request.delta, delta > policy.delta {
      throw ControlError.refusedByPolicy(
        "dataset \(dataset.name): the job asks for delta \(Rounded.number(delta)) (at most "
          + "\(Rounded.number(policy.delta)) expected by its policy). Drop delta, or ask for less.")
    }
    let recipe = try library.recipe(named: request.recipe)
    var order = try RunOrder(
      request, recipe: recipe, named: name, root: dataset.root, rules: dataset.rules,
      settle: dataset.settle, population: dataset.population,
      permission: request.isNonPrivate ? .granted(by: policy) : nil,
      budget: PrivacyBudget(epsilon: policy.epsilonMaximum, delta: policy.delta),
      allowsLargeDelta: policy.allowsLargeDelta, holdOut: dataset.holdOut,
      publicImages: dataset.publicImages, startFrom: dataset.startFrom, recipes: library.folder,
      command: request.command)
    order.fileListing = "'figment files \(dataset.name)'"
    return order
  }

  /// The paths of the files of a job that may release something about a dataset.
  private func places(
    of directory: JobDirectory, _ dataset: DatasetConfiguration
  ) throws -> RunPlaces {
    var places = places(of: directory)
    places.rights = try ReleaseRights(dataset.release)
    return places
  }

  private func places(of directory: JobDirectory) -> RunPlaces {
    RunPlaces(
      internalFiles: directory.internalFiles, checkpoints: directory.checkpoints,
      release: directory.release, unprotected: "\(directory.output)/internal/\(directory.job)",
      ledgers: state.ledgers, ledgerMarks: state.ledgerMarks)
  }

  /// The plan of a trained job whose model is to draw images.
  private func plan(of trained: JobDirectory) throws -> ResolvedPlan {
    guard let plan = try ResolvedPlan.saved(in: trained.internalFiles) else {
      throw Self.hasNoModel(trained)
    }
    return plan
  }

  private static func hasNoModel(_ trained: JobDirectory) -> ControlError {
    .conflict(
      "job \(trained.job): it has no checkpoint yet (a trained model expected). Wait for its end.")
  }

  static func translated<Result>(_ body: () throws -> Result) throws -> Result {
    try ControlError.translating(body)
  }
}

extension Phase {
  /// The phase as a plan lists it.
  fileprivate var planned: PlannedPhase {
    PlannedPhase(
      name: name, kind: kind, purpose: purpose, steps: stepCount > 0 ? stepCount : nil,
      epsilon: epsilon, noise: access == nil ? nil : noiseInWords, free: freeReason?.words)
  }

  private var noiseInWords: String? {
    if let query { return "\(Rounded.text(query.standardDeviation)) images" }
    if case .sum(let mechanism) = work { return "\(mechanism.noiseMultiplier) clip norms" }
    if let rounds = selection?.mechanism {
      return "\(rounds.noiseMultiplier) units, choices of epsilon "
        + Decimals.epsilon(rounds.choiceEpsilon)
    }
    return plan?.mechanism.map { "\($0.noiseMultiplier) clip norms" }
  }
}

extension GenerateRequest {
  /// The requested number of images of each class.
  fileprivate func counts(of classes: [String]) throws(ControlError) -> [Int] {
    if let classCounts { return try ClassCounts.inOrder(of: classes, classCounts) }
    let count = count ?? 0
    guard perClass == true else {
      return SampleRequest.evenCounts(of: count, among: classes.count)
    }
    guard count <= ClassCounts.largestTotal / classes.count else {
      throw .invalid(
        "count \(count) of each of \(classes.count) classes: too many in all (up to "
          + "\(ClassCounts.largestTotal) images expected).")
    }
    return classes.map { _ in count }
  }
}
