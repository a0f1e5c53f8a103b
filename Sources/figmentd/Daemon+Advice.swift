import Control
import Datasets
import Models
import Runs

extension Daemon {
  /// No further run is planned after this time; one that is being planned has its own limit.
  private static let adviceTime = Duration.seconds(120)
  /// Without a request for an epsilon, advice assumes at least this part of the policy's.
  private static let leastShare = 0.01

  func recommend(_ request: RecommendRequest) async throws -> Recommendation {
    try request.validate()
    let dataset = try configuration.dataset(request.dataset)
    // Callers who may only look do not learn what the folder holds.
    if request.withoutLooking != true, await keepers[dataset.name]?.holdsTablesAlone ?? false {
      return try await adviceForTables(request, on: dataset)
    }
    let facts = try await facts(for: request, on: dataset)
    let about = try await epsilon(for: request, on: dataset)
    var question = AdviceQuestion(epsilon: about.value, hours: request.hours)
    question.classes = facts.classes
    question.isColoured = facts.isColoured
    var advice = Advice(question, among: facts.candidates, table: facts.library.table)
    var planned: [TrainRequest: PlanReport] = [:]
    if !about.isExact, let run = advice.next {
      let order = Self.order(for: run, request)
      if let report = await planReport(on: order, dataset), let exact = report.privacy?.epsilon {
        planned[order] = report
        question.epsilon = exact
        advice = Advice(question, among: facts.candidates, table: facts.library.table)
      }
    }
    let refusal = try await plan(&advice, request, dataset, planned)
    var recommendation = Recommendation(advice, for: request, refusal: refusal)
    if advice.choice == nil, let words = Self.words(forUnplannedIn: advice) {
      recommendation.expectation = [words]
    }
    recommendation.images = facts.images
    recommendation.isColoured = facts.isColoured
    var remarks = [facts.library.remark, facts.remark, Self.remark(onColumnsOf: dataset)]
      .compactMap { $0 }
    if advice.next != nil {
      remarks.append(
        "Time ran out before all recipes were planned. Ask again when the machine is less busy.")
    }
    if dataset.population == nil, await keepers[dataset.name]?.isScanning ?? false {
      remarks.append(
        "\(dataset.name) is still being read: the advice counts the files that are known so far. Ask again when "
          + "'figment datasets' reports ready.")
    }
    if !remarks.isEmpty { recommendation.remark = remarks.joined(separator: " ") }
    return recommendation
  }

  /// Names the recipe for tables: there is one, so nothing is compared.
  private func adviceForTables(
    _ request: RecommendRequest, on dataset: DatasetConfiguration
  ) async throws -> Recommendation {
    let order = request.training(with: Self.tableRecipe)
    let about = try await epsilon(for: request, on: dataset)
    let exact = about.isExact ? nil : await planReport(on: order, dataset)?.privacy?.epsilon
    return Recommendation(
      dataset: request.dataset, epsilon: exact ?? about.value, runs: [], choice: order,
      expectation: [
        "\(dataset.name) holds tables without images. \(Self.tableRecipe) learns all declared columns and how they depend "
          + "on each other. 'figment plan' says how many values noise alone will change."
      ], help: [])
  }

  /// The shipped recipe for tables.
  private static let tableRecipe = "bayes-net-correlated"

  /// Which recipes read declared columns: the table of measured runs compares recipes for images alone.
  private static func remark(onColumnsOf dataset: DatasetConfiguration) -> String? {
    guard dataset.declaresColumns else { return nil }
    return
      "\(dataset.name) declares columns, which this advice leaves aside. For tables without images take recipe "
      + "\(tableRecipe), for images with a row each bayes-net-and-pixel-28."
  }

  /// Why nothing is recommended although a run might be possible that was not planned; nil if all were planned.
  private static func words(forUnplannedIn advice: Advice) -> String? {
    let left = advice.runs.count { $0.state == .waiting }
    guard left > 0 else { return nil }
    return
      "Nothing can be recommended: of the runs that were planned none suits, and \(left) of less promise "
      + "\(left == 1 ? "was" : "were") not planned. 'figment plan' with --recipe plans one of them."
  }

  /// Plans the runs of advice, best first, until enough is known or the time is over.
  ///
  /// Each plan takes its turn at the desk and has a process of its own, so a run that exhausts the memory is ruled
  /// out and ends nothing else, and other callers' plans are computed in between.
  ///
  /// - Parameter planned: plans that were computed before.
  /// - Returns: why a job would be refused; nil if it would not.
  private func plan(
    _ advice: inout Advice, _ request: RecommendRequest, _ dataset: DatasetConfiguration,
    _ planned: [TrainRequest: PlanReport]
  ) async throws -> String? {
    let end = ContinuousClock.now + Self.adviceTime
    var refusal: String?
    while ContinuousClock.now < end, let run = advice.next {
      try Task.checkCancellation()
      let order = Self.order(for: run, request)
      do {
        let report: PlanReport
        if let known = planned[order] {
          report = known
        } else {
          report = try await plans.run { [engine] in try engine.plan(order, dataset: dataset) }
        }
        refusal = refusal ?? report.refusal
        advice.take(
          AdvisedRun.Trial(
            seconds: report.seconds,
            noise: report.noise.flatMap { NoiseOutlook.Expectation(rawValue: $0) },
            warning: report.warning), for: run)
      } catch {
        let error = ControlError(error)
        switch error {
        // Neither depends on the recipe.
        case .refusedByPolicy, .busy, .shuttingDown: throw error
        default: advice.take(failure: error.message, for: run)
        }
      }
    }
    return refusal
  }

  private static func order(for run: AdvisedRun, _ request: RecommendRequest) -> TrainRequest {
    request.training(with: run.recipe, batchSize: run.batchSize, steps: run.steps)
  }

  /// The plan of a run; nil if it cannot be planned.
  private func planReport(
    on order: TrainRequest, _ dataset: DatasetConfiguration
  ) async -> PlanReport? {
    try? await plans.run { [engine] in try engine.plan(order, dataset: dataset) }
  }

  /// The asked epsilon, or about what a run would take of the budget.
  ///
  /// It is not exact where something was spent: runs compose to less than the sum of their epsilons, so more is left
  /// than the difference.
  private func epsilon(
    for request: RecommendRequest, on dataset: DatasetConfiguration
  ) async throws -> (value: Double, isExact: Bool) {
    if let epsilon = request.epsilon { return (epsilon, true) }
    let budget = try await ledger(of: dataset.name, witness: nil).budget
    let spent = budget.epsilonSpent ?? 0
    let left = max(budget.epsilonMaximum - spent, Self.leastShare * budget.epsilonMaximum)
    return (left, spent == 0)
  }
}

/// The facts about a dataset on which advice depends.
private struct AdviceFacts: Sendable {
  let library: AdviceLibrary
  let candidates: [AdviceCandidate]
  /// Images; nil if they may not be looked at.
  var images: Int?
  /// Classes; nil if nobody declared them and the images may not be looked at.
  var classes: Int?
  /// Whether the images have colours; nil if unknown.
  var isColoured: Bool?
  /// Why facts are missing; nil if none are.
  var remark: String?
}

extension Daemon {
  /// Collects facts: for callers that may not see real images, none but the number of units, as in a plan.
  private func facts(
    for request: RecommendRequest, on dataset: DatasetConfiguration
  ) async throws -> AdviceFacts {
    let looks = request.withoutLooking != true
    let selection = looks ? try index.selection(of: dataset.name) : nil
    let reasonForNone = await noUsableImage(in: dataset)
    return try await plans.run { [engine] in
      let library = try engine.adviceLibrary()
      var uses: [Form: FileUse] = [:]
      var candidates: [AdviceCandidate] = []
      // A recipe that learns a table is refused where no column is declared.
      for (name, recipe) in library.recipes
      where recipe.model.readsImages
        && (!recipe.model.readsColumns || dataset.declaresColumns)
      {
        let form = Form(recipe)
        let use = try uses[form] ?? engine.use(of: dataset, under: recipe.transform)
        uses[form] = use
        candidates.append(
          AdviceCandidate(
            recipe, named: name, units: dataset.population ?? use.units,
            isLargerThanImages: looks
              && 2 * (use.enlarged + use.tooSmall) > use.images + use.tooSmall))
      }
      guard !candidates.isEmpty else {
        throw ControlError.conflict(
          "there is no recipe to recommend (at least one in the daemon's folder of recipes expected). 'recipes:' in its "
            + "configuration names the folder.")
      }
      guard dataset.population != nil || uses.values.contains(where: { $0.units > 0 }) || !looks
      else {
        throw reasonForNone
      }
      var facts = AdviceFacts(
        library: library, candidates: candidates, classes: dataset.classes?.count)
      guard let selection else { return facts }
      facts.images = uses.values.map { $0.images + $0.tooSmall }.max()
      facts.classes = facts.classes ?? selection.classCount
      do {
        facts.isColoured = try engine.hasColours(selection, dataset: dataset)
      } catch {
        facts.remark =
          "Whether the images have colours is unknown: \(ControlError(error).message)"
      }
      return facts
    }
  }

  /// The form of a recipe's images: recipes of one form use the same files.
  private struct Form: Hashable {
    let height: Int, width: Int, stretches: Bool

    init(_ recipe: Recipe) {
      height = recipe.image.height
      width = recipe.image.width
      stretches = recipe.image.fit == .stretch
    }
  }
}

extension Recommendation {
  /// The advice as a reply.
  fileprivate init(_ advice: Advice, for request: RecommendRequest, refusal: String?) {
    let choice = advice.choice
    self.init(
      dataset: request.dataset, epsilon: advice.question.epsilon,
      runs: advice.runs.map { RecommendedRun($0, isChoice: $0 == choice) },
      choice: choice.map {
        request.training(with: $0.recipe, batchSize: $0.batchSize, steps: $0.steps)
      },
      expectation: advice.expectation, help: advice.help, refusal: refusal)
  }
}

extension RecommendedRun {
  fileprivate init(_ run: AdvisedRun, isChoice: Bool) {
    self.init(
      recipe: run.recipe, family: run.family, width: run.image.width, height: run.image.height,
      channels: run.image.channels, batchSize: run.batchSize, steps: run.steps,
      expectedPercent: run.quality?.percent, evidence: run.quality?.evidence.map(\.words) ?? [],
      seconds: run.trial?.seconds, noise: Self.noise(of: run),
      verdict: Self.verdict(of: run, isChoice: isChoice))
    if case .impossible(let why) = run.state { reason = why }
  }

  private static func noise(of run: AdvisedRun) -> String? {
    if case .noise = run.state { return NoiseOutlook.Expectation.noise.rawValue }
    return run.trial?.noise == .noise ? "measured" : run.trial?.noise?.rawValue
  }

  private static func verdict(of run: AdvisedRun, isChoice: Bool) -> Verdict {
    switch run.state {
    case .waiting: .unplanned
    case .possible: isChoice ? .recommended : .possible
    case .tooLong: .tooLong
    case .noise: .noise
    case .impossible: .impossible
    }
  }
}
