import Compute
public import Datasets
import Glibc
import Learning
import Models
public import Privacy

/// An experiment that tries to refute a ledger's claim about a whole training.
///
/// It attacks the shipped code: the trainer, batches of a frozen dataset from a folder, a family's networks
/// with their convolutions, clipping by units, both kinds of noise, and the claim of a ledger about one or
/// several runs. After every step the attacker observes the model's whole state, which the guarantee
/// covers. Its success must not exceed the claim's privacy profile δ(ε).
///
/// One call of the trainer performs N trainings of T steps: after every T steps the model is reset to its
/// initial state, while sampling and noise continue, as in N runs (after Nasr et al., arXiv 2302.07956).
public struct TrainingAudit: Sendable {
  /// The target of the attack.
  public struct Setting: Sendable {
    /// The family of models.
    public let family: Family
    /// The unit of privacy.
    public let unit: Datasets.PrivacyUnit
    /// The runs on the same folder; each is planned after the previous one.
    public let phases: [Phase]

    /// Creates a setting of one or several runs.
    public init(_ family: Family, _ unit: Datasets.PrivacyUnit, _ phases: [Phase]) {
      precondition(!phases.isEmpty, "a training has runs")
      self.family = family
      self.unit = unit
      self.phases = phases
    }

    /// The unit as the type of the ledger.
    public var ledgerUnit: Privacy.PrivacyUnit {
      DatasetRules(privacyUnit: unit, maximumPerUnit: AuditDataset.canaryImageCount).protectedUnit
    }

    /// All families, both units and kinds of noise, one run and two, at common epsilons.
    public static let standard: [Setting] = {
      let half = { (noise: NoiseDistribution, multiplier: Double, steps: Int) in
        Phase(noise, noiseMultiplier: multiplier, steps: steps, population: 4)
      }
      let quarter = { (noise: NoiseDistribution, multiplier: Double, steps: Int) in
        Phase(noise, noiseMultiplier: multiplier, steps: steps, population: 8)
      }
      return [
        Setting(.dpGAN, .file, [quarter(.gaussian, 0.7, 4)]),
        Setting(.dpGAN, .folder, [half(.gaussian, 1, 4)]),
        Setting(.dpGAN, .folder, [half(.discreteGaussian, 0.9, 3)]),
        Setting(.pixelModel, .file, [half(.gaussian, 1.5, 6)]),
        Setting(.pixelModel, .folder, [quarter(.gaussian, 0.8, 6)]),
        Setting(.pixelModel, .folder, [half(.discreteGaussian, 0.9, 3)]),
        Setting(.embedding, .file, [half(.gaussian, 1.5, 4)]),
        Setting(.embedding, .folder, [quarter(.discreteGaussian, 0.9, 3)]),
        Setting(.multiscale, .file, [half(.gaussian, 1.5, 6)]),
        Setting(.vae, .file, [half(.gaussian, 1, 4)]),
        Setting(.distilled, .file, [half(.gaussian, 1.5, 4)]),
        Setting(.distilled, .folder, [half(.discreteGaussian, 0.9, 2)]),
        Setting(.taught, .file, [half(.gaussian, 1.5, 4)]),
        Setting(.taught, .folder, [half(.discreteGaussian, 0.9, 3)]),
        Setting(.dpGAN, .file, [half(.gaussian, 1.5, 3), half(.gaussian, 1.2, 2)]),
        Setting(.pixelModel, .folder, [half(.gaussian, 1.5, 3), quarter(.discreteGaussian, 1, 3)]),
      ]
    }()
  }

  /// The number of trainings of each kind, with the canary and without it.
  public static let standardRunCount = 40_000
  /// The smallest meaningful number of trainings of each kind.
  public static let smallestRunCount = 1000
  /// The probability of flagging a correct build, in one setting.
  public static let error = 1e-4
  /// The delta of claims and bounds.
  public static let delta = 1e-5
  /// The smallest share of the claim that an attack must reach; below it, the attack counts as too weak.
  public static let smallestRatio = 0.3
  /// The epsilons at which the profile is compared, up to the claim.
  private static let epsilons = [0, 0.5, 1, 1.5, 2, 3, 4, 5]
  /// The allowed shortfall of the attack below theory; five standard errors are allowed as well.
  private static let allowedShortfall = 0.05
  /// The number of candidates from which the attacker chooses the ordinary units.
  private static let candidateCount: UInt64 = 100
  /// More than any audit is charged, so that the ledger of an attack refuses nothing.
  private static let unlimitedEpsilon = 1e12

  /// The number of trainings with the canary, and without it.
  public let runCount: Int
  private let makeNoise: @Sendable () -> NoiseStream
  private let makeImages: @Sendable (DatasetSnapshot) -> any Trainer.Images

  /// Creates an audit with this number of trainings of each kind.
  ///
  /// - Precondition: At least `smallestRunCount` trainings.
  public init(runCount: Int = TrainingAudit.standardRunCount) {
    self.init(runCount: runCount, noise: { NoiseStream() })
  }

  /// Creates an audit for tests, which choose the noise or replace a shipped component.
  init(
    runCount: Int, noise: @escaping @Sendable () -> NoiseStream,
    images: @escaping @Sendable (DatasetSnapshot) -> any Trainer.Images = { SnapshotImages($0) }
  ) {
    precondition(runCount >= Self.smallestRunCount, "\(runCount) trainings are too few")
    self.runCount = runCount
    makeNoise = noise
    makeImages = images
  }

  /// The model that a recipe describes.
  private static func model(of recipe: Recipe) throws -> any GenerativeModel {
    try recipe.makeModel(
      classes: AuditDataset.classes, seed: 1, on: Machine(threadCount: 1))
  }

  /// Attacks one setting, whose trainings are charged to `root`, an empty ledger.
  public func findings(
    _ setting: Setting, on root: some AuditedRoot, progress: (Double) -> Void = { _ in }
  ) throws -> TrainingAuditFindings {
    let data = try dataset(for: setting)
    let (spent, claim) = try charge(setting, data, to: root)
    var scores: [Bool: [Double]] = [:]
    var charged = EventTally()
    for isMember in [true, false] {
      var sums = [Double](repeating: 0, count: runCount)
      for (number, phase) in setting.phases.enumerated() {
        let part = try attack(phase, of: setting, data, isMember) { share in
          let phases = Double(setting.phases.count)
          progress((isMember ? 0 : 0.5) + (Double(number) + share) / phases / 2)
        }
        for run in 0..<runCount { sums[run] += part.scores[run] }
        if isMember { try charged.add(part.spent) }
      }
      scores[isMember] = sums
    }
    // The charges of each attacked training must equal those behind the claim.
    guard charged.counts == spent.counts.mapValues({ $0 * runCount }) else {
      throw EvaluationError.chargesDiffer(found: "\(charged.event)", expected: "\(spent.event)")
    }
    let epsilons = Self.epsilons.filter { $0 < claim.epsilon }
    let test = HockeyStickTest(
      with: scores[true] ?? [], without: scores[false] ?? [], epsilons: epsilons,
      error: Self.error)
    let profile = try PrivacyProfile(of: spent)
    var points: [MechanismAuditFindings.Point] = []
    for (epsilon, outcomes) in zip(epsilons, test.outcomes) {
      points.append(
        MechanismAudit.point(
          epsilon, theory: try profile.delta(atEpsilon: epsilon), outcomes,
          allowedShortfall: Self.allowedShortfall))
    }
    let exact = test.outcomes.joined().map { $0.epsilonLowerBound(delta: Self.delta) }.max() ?? 0
    return TrainingAuditFindings(
      of: setting, runCount: runCount, points: points, claim: claim, exactLowerBound: exact,
      gaussianLowerBound: try profile.epsilonLowerBound(from: points, delta: Self.delta))
  }

  /// Creates the units of a setting: a canary, and others whose contributions differ from its own.
  private func dataset(for setting: Setting) throws -> AuditDataset {
    let unit = setting.unit
    let side = setting.family.side
    let canary = AuditDataset.examples(
      seed: 0, label: 1, count: AuditDataset.canaryImageCount, unit: unit, side: side)
    let candidates = (1...Self.candidateCount).map { seed in
      AuditDataset.examples(seed: seed, label: 0, count: 2, unit: unit, side: side)
    }
    let (attacker, _) = try attacker(
      setting.phases[0], of: setting.family, steps: 1, canary: canary, ordinary: [])
    return try AuditDataset(
      unit, canary: canary,
      ordinary: attacker.leastAlike(candidates, count: AuditDataset.ordinaryCount))
  }

  /// Performs the setting's runs once, each charged to the root, and returns the total claim of the last
  /// statement.
  private func charge(
    _ setting: Setting, _ data: AuditDataset, to root: some AuditedRoot
  ) throws -> (spent: EventTally, claim: PrivacyCost) {
    var result: (EventTally, PrivacyCost)?
    for (number, phase) in setting.phases.enumerated() {
      let (recipe, plan) = try plan(phase, of: setting.family, steps: phase.steps)
      let trainer = Trainer(
        try Self.model(of: recipe), plan: plan, images: makeImages(data.with),
        ledger: try root.begin(run: "run\(number + 1)", plan, delta: Self.delta),
        phase: setting.family.phase, noise: makeNoise())
      _ = try trainer.run(
        blockSize: { plan.steps }, shouldStop: { false }, report: { _ in }, blockEnded: {})
      result = try root.end(delta: Self.delta)
    }
    guard let result else { preconditionFailure("a setting has a run") }
    return result
  }

  /// Trains a phase `runCount` times, and returns the attacker's score of each training and the total charge.
  private func attack(
    _ phase: Phase, of setting: Setting, _ data: AuditDataset, _ isMember: Bool,
    progress: (Double) -> Void
  ) throws -> (scores: [Double], spent: EventTally) {
    let steps = phase.steps * runCount
    let (attacker, plan) = try attacker(
      phase, of: setting.family, steps: steps, canary: data.canary, ordinary: data.ordinary)
    let recipe = try setting.family.recipe(phase, steps: steps)
    let ledger = try MemoryLedger(
      budget: PrivacyBudget(epsilon: Self.unlimitedEpsilon, delta: Self.delta),
      unit: setting.ledgerUnit)
    let model = try Self.model(of: recipe)
    try model.restore(from: attacker.start)
    let trainer = Trainer(
      model, plan: plan, images: makeImages(isMember ? data.with : data.without),
      ledger: ledger, phase: setting.family.phase, noise: makeNoise())
    var scores = [Double](repeating: 0, count: runCount)
    _ = try trainer.run(
      blockSize: { steps }, shouldStop: { false },
      report: { state in
        let index = state.step - 1
        scores[index / phase.steps] += try attacker.score(step: index, of: model)
        if state.step.isMultiple(of: phase.steps) {
          try model.restore(from: attacker.start)
          try attacker.beginTraining()
        }
        if index.isMultiple(of: 1000) { progress(Double(index) / Double(steps)) }
      }, blockEnded: {})
    return (scores, try ledger.spent())
  }

  private func attacker(
    _ phase: Phase, of family: Family, steps: Int, canary: AuditExamples, ordinary: [AuditExamples]
  ) throws -> (TrainingAttacker, TrainingPlan) {
    let (recipe, plan) = try plan(phase, of: family, steps: steps)
    guard let mechanism = plan.mechanism else { preconditionFailure("a phase has noise") }
    let attacker = try TrainingAttacker(
      family, plan, mechanism, twin: Self.model(of: recipe), canary: canary, ordinary: ordinary,
      noise: makeNoise())
    return (attacker, plan)
  }

  private func plan(
    _ phase: Phase, of family: Family, steps: Int
  ) throws -> (Recipe, TrainingPlan) {
    let recipe = try family.recipe(phase, steps: steps)
    let plan = try TrainingPlan(
      recipe.training, population: phase.population, noiseMultiplier: phase.noiseMultiplier)
    return (recipe, plan)
  }
}
