import Control
import Models
import Privacy

/// The phases of an order before their noise is known: paid answers, the model's own phases, drawing.
struct RunOutline {
  /// The name of the phase that draws the synthetic images.
  static let drawing = "drawing"

  /// The number of units of privacy.
  let population: Int
  private let order: RunOrder
  private let answersBefore: [AskedAnswer]
  private let answersAfter: [AskedAnswer]
  private let model: [PhaseOutline]

  /// Lists the phases of an order.
  ///
  /// - Throws: `ControlError` for an answer that cannot be requested, `RecipeFailure` for an empty
  ///   population.
  init(_ order: RunOrder, classes: [String], population: Int) throws {
    try self.init(
      order, model: order.recipe.phases(training: order.training, classes: classes),
      population: population)
  }

  /// Lists the phases of an order whose model learns in the phases of `model`.
  init(_ order: RunOrder, model: [PhaseOutline], population: Int) throws {
    self.order = order
    self.model = model
    self.population = population
    let asked = try order.askedAnswers()
    answersBefore = asked.filter { !$0.kind.needsDrawnImages }
    answersAfter = asked.filter { $0.kind.needsDrawnImages }
    precondition(
      model.count { $0.isPaid && $0.share == nil } == (model.contains(where: \.isPaid) ? 1 : 0),
      "family \(order.recipe.family): exactly one of its paid phases states no share")
    let changes = [("steps", order.steps), ("batch_size", order.batchSize)]
    for case (let name, let number?) in changes where !model.contains(where: \.isTraining) {
      throw ControlError.invalid(
        "\(name) \(number): models of family \(order.recipe.family) make no noisy steps (no \(name) "
          + "expected). Leave it out.")
    }
    guard population > 0 else {
      throw RecipeFailure("plan: no usable image (at least one expected). See the files' verdicts.")
    }
  }

  /// The phases without privacy: no noise, and no answers, which would need a ledger.
  func unprotected() throws -> [Phase] {
    try model.map { try phase($0, noiseMultiplier: nil, epsilon: nil) } + [Self.drawingPhase]
  }

  /// The phases with the noise that keeps them within `budget`, and their total epsilon.
  ///
  /// A phase with a share gets the noise with which it alone costs that share of epsilon. The one phase
  /// without a share gets the rest, which is more than the difference of the numbers because losses add up
  /// more slowly than epsilons: it is calibrated last, together with everything else.
  ///
  /// - Parameter calibration: finds the noise that fits beside what was spent before.
  func phases(
    within budget: PrivacyBudget, calibration: Calibration
  ) throws -> (phases: [Phase], epsilon: Double) {
    let (before, after) = try answers(within: budget.epsilon)
    var own = try model.map { outline -> Phase? in
      guard outline.isPaid, let share = outline.share else {
        return outline.isPaid
          ? nil : try phase(outline, noiseMultiplier: nil, epsilon: nil)
      }
      let alone = try PrivacyBudget(epsilon: share * budget.epsilon, delta: budget.delta)
      let noise = try noise(of: outline, by: Calibration(budget: alone))
      return try phase(outline, noiseMultiplier: noise.noiseMultiplier, epsilon: noise.epsilon)
    }
    var spent = calibration.spent
    try spent.add((before + own.compactMap { $0 } + after).event())
    var epsilon = try PrivacyCost(of: spent, delta: budget.delta, basis: calibration.basis).epsilon
    if let rest = model.firstIndex(where: { $0.isPaid && $0.share == nil }) {
      let noise = try noise(
        of: model[rest],
        by: Calibration(budget: calibration.budget, spent: spent, basis: calibration.basis))
      let bare = try phase(model[rest], noiseMultiplier: noise.noiseMultiplier, epsilon: nil)
      let alone = try PrivacyCost(of: EventTally([bare].event()), delta: budget.delta).epsilon
      own[rest] = Phase(bare.name, bare.purpose, bare.work, epsilon: alone)
      epsilon = noise.epsilon
    }
    return (before + own.compactMap { $0 } + [Self.drawingPhase] + after, epsilon)
  }

  static let drawingPhase = Phase(
    drawing, "the synthetic set is drawn by the trained model", .free(.postProcessing, steps: 0)
  )

  /// The phases that compute answers, before and after drawing.
  ///
  /// - Throws: when answers and shares leave nothing of `epsilon` for the phase that gets the rest, and for
  ///   an answer that no noise can protect.
  @discardableResult
  func answers(within epsilon: Double) throws -> (before: [Phase], after: [Phase]) {
    let asked = answersBefore + answersAfter
    let before = try answersBefore.map { try $0.phase(of: order, population: population) }
    let after = try answersAfter.map { try $0.phase(of: order, population: population) }
    let shares = model.compactMap { $0.isPaid ? $0.share : nil }.reduce(0, +) * epsilon
    guard asked.reduce(shares, { $0 + $1.epsilon }) >= epsilon else { return (before, after) }
    let fields = asked.map { "\($0.kind.request) \($0.epsilon)" }.joined(separator: " and ")
    throw ControlError.invalid(
      "answers: \(fields), \(asked.count > 1 ? "together " : "")not below the run's epsilon, which pays "
        + "for \(asked.count > 1 ? "them" : "it"). Request less, or a larger epsilon.")
  }

  /// The noise with which the steps of an outline fit into a budget.
  private func noise(
    of outline: PhaseOutline, by calibration: Calibration
  ) throws -> Calibration.Noise {
    if case .rounds(let count) = outline.work {
      let distribution = order.training.noise ?? .gaussian
      return try calibration.noiseMultiplier(times: count) { noise throws(PrivacyError) in
        // Without the check of the grid, which a noise that is only tried may exceed.
        try SelectionMechanism.event(noiseMultiplier: noise, noise: distribution)
      }
    }
    let settings = settings(of: outline)
    let plan = try TrainingPlan(settings, population: population, noiseMultiplier: nil)
    return try calibration.noiseMultiplier(
      samplingProbability: plan.samplingProbability, times: plan.steps,
      distribution: settings.noise ?? .gaussian)
  }

  private func settings(of outline: PhaseOutline) -> TrainingSettings {
    switch outline.work {
    case .training(let settings): settings
    case .answer(let clipNorm):
      TrainingSettings(
        batchSize: population, steps: 1, clipNorm: clipNorm, noise: order.training.noise)
    case .rounds, .free:
      preconditionFailure("phase \(outline.name) makes no noisy step on images")
    }
  }

  private func phase(
    _ outline: PhaseOutline, noiseMultiplier: Double?, epsilon: Double?
  ) throws -> Phase {
    let work: Phase.Work
    switch outline.work {
    case .free(let reason, let steps): work = .free(reason, steps: steps)
    case .rounds(let count):
      let mechanism = try noiseMultiplier.map {
        try SelectionMechanism(noiseMultiplier: $0, noise: order.training.noise ?? .gaussian)
      }
      work = .rounds(
        try SelectionPlan(rounds: count, population: population, mechanism: mechanism))
    case .training, .answer:
      let plan = try TrainingPlan(
        settings(of: outline), population: population, noiseMultiplier: noiseMultiplier)
      if case .training = outline.work { work = .training(plan) } else { work = .answer(plan) }
    }
    return Phase(
      outline.name, outline.purpose, work, share: outline.share, epsilon: epsilon)
  }
}

extension PhaseOutline {
  fileprivate var isTraining: Bool {
    if case .training = work { true } else { false }
  }

  /// Whether the phase reads private images.
  fileprivate var isPaid: Bool {
    if case .free = work { false } else { true }
  }
}
