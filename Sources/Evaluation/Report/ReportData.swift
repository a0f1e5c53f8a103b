public import Privacy

/// The guarantee that a report repeats; it comes from the privacy statement, not from measurements.
public struct Guarantee: Sendable {
  /// The bound and the probability that it fails.
  public let epsilon: Double, delta: Double
  /// The unit of privacy, for example "one image file" or "all images of one person".
  public let unit: String
  /// The number of units that delta is compared with, as in plan and statement; nil if unknown.
  public let units: Int?
  /// The statement as text, paragraph by paragraph.
  public let statement: [String]
  /// Whether our own ledger and accountants prove it; false for a mere assertion.
  public let isProved: Bool
  /// Further facts for experts: the mechanism, the accountants' figures, the ledger.
  public let facts: [(name: String, value: String)]
  /// The phases of the run, in order; empty if they are unknown.
  public let phases: [Phase]

  /// One phase of the run that made the set.
  public struct Phase: Sendable {
    /// The name, what the phase does, and what that costs, in words.
    public let name: String, purpose: String, cost: String

    /// Describes a phase.
    public init(name: String, purpose: String, cost: String) {
      self.name = name
      self.purpose = purpose
      self.cost = cost
    }
  }

  /// Creates a guarantee from a privacy statement.
  public init(
    epsilon: Double, delta: Double, unit: String, units: Int? = nil, statement: [String],
    isProved: Bool = true, facts: [(name: String, value: String)] = [], phases: [Phase] = []
  ) {
    self.phases = phases
    self.isProved = isProved
    self.epsilon = epsilon
    self.delta = delta
    self.unit = unit
    self.units = units
    self.statement = statement
    self.facts = facts
  }
}

extension Guarantee {
  /// The meaning of epsilon.
  var strength: GuaranteeStrength { GuaranteeStrength(epsilon: epsilon) }

  /// The size of delta relative to the number of units; nil if unknown.
  var deltaSize: DeltaSize? { units.map { DeltaSize(delta, units: $0) } }

  /// Whether delta is so large that the guarantee would permit publishing the images of a unit.
  var hasLargeDelta: Bool { deltaSize?.size == .large }

  /// The text at the top of a report if the numbers themselves are the warning.
  var warningHeadline: String? {
    let epsilon = Decimals.epsilon(epsilon)
    switch strength {
    case .negligible: return "No meaningful protection: epsilon \(epsilon)."
    case .weak: return "Weak protection: epsilon \(epsilon)."
    case .strong, .good, .moderate:
      return hasLargeDelta
        ? "No meaningful protection: delta \(Decimals.number(delta)) is too large." : nil
    }
  }
}

/// How the figures were computed, so that they can be reproduced.
public struct Provenance: Sendable {
  /// The command.
  public var command: String
  /// Whether the command names folders; then only the internal report shows it.
  public var commandNamesFolders: Bool
  /// Names and values: versions, seeds, instruction set, threads, effort.
  public var facts: [(name: String, value: String)]

  /// Creates a provenance.
  public init(
    command: String, commandNamesFolders: Bool = true, facts: [(name: String, value: String)]
  ) {
    self.command = command
    self.commandNamesFolders = commandNamesFolders
    self.facts = facts
  }
}

/// A figure recorded during training.
public struct TrainingSignal: Sendable {
  /// The quantity, for example "discriminator's accuracy on generated images".
  public let name: String
  /// Which values are better; `target` for figures that show health rather than quality.
  public let direction: Metric.Direction
  /// The ascending steps, and the values at them.
  public let steps: [Double], values: [Double]
  /// The standard error of each value; nil if the values have none.
  public let errors: [Double]?

  /// Creates a signal.
  public init(
    name: String, direction: Metric.Direction, steps: [Double], values: [Double],
    errors: [Double]? = nil
  ) {
    precondition(steps.count == values.count, "\(steps.count) steps, \(values.count) values")
    precondition(errors.map { $0.count == values.count } ?? true, "an error for every value")
    self.name = name
    self.direction = direction
    self.steps = steps
    self.values = values
    self.errors = errors
  }
}

/// Synthetic images at one step of training.
public struct ProgressSheet: Sendable {
  /// The step.
  public let step: Int
  /// The images, drawn from the same latent vectors at every step if possible.
  public let images: LabelledImages

  /// Creates a sheet.
  public init(step: Int, images: LabelledImages) {
    self.step = step
    self.images = images
  }
}

/// The content of a report, the single source of both versions.
public struct ReportData: Sendable {
  /// The heading, for example "Synthetic digits, run 7".
  public var title: String
  /// A line below it.
  public var subtitle: String
  /// The guarantee; nil for sets of unknown origin or trained without privacy.
  public var guarantee: Guarantee?
  /// The evaluation; nil if there was none.
  public var findings: EvaluationFindings?
  /// The results of the synthetic images alone, if there was no evaluation.
  public var ownFindingsAlone: Releasable<SyntheticFindings>?
  /// What noise left of the images or rows, if that is little; known from the plan.
  public var noiseWarning: Releasable<String>?
  /// The results of a synthetic table; nil if the set has none.
  public var tables: TableFindings?
  /// The synthetic images; none if the set is a table alone.
  public var synthetic: Releasable<LabelledImages>
  /// Synthetic images over time.
  public var progressSheets: Releasable<[ProgressSheet]>
  /// The noisy accuracy on real images of a classifier trained on the set alone, if the budget paid for it.
  public var paidAccuracy: Releasable<PaidAccuracy>?
  /// The answers about the real images that the budget paid for, each as a table.
  public var paidAnswers: Releasable<[ReportTable]>
  /// Releasable evidence about the end of training; nil if there was no training.
  public var trainingEnd: Releasable<TrainingEnd>?
  /// Signals that cost no privacy.
  public var freeSignals: Releasable<[TrainingSignal]>
  /// Signals measured with real images.
  public var privateSignals: Sensitive<[TrainingSignal]>
  /// Attacks by scores of a model: of the discriminator (LOGAN, arXiv 1705.07663) or a likelihood.
  public var modelAttacks: Sensitive<[ModelAttack]>
  /// Canaries.
  public var canaries: Sensitive<CanaryAudit?>
  /// How to reproduce it.
  public var provenance: Provenance

  /// The command that measures quality with real images, for the owner of the set.
  var evaluation: String {
    guard provenance.command.hasPrefix("figmentd ") else { return "figment evaluate JOB" }
    return
      "figmentd evaluate --synthetic SET --train \(isTableAlone ? "TABLES" : "IMAGES") --test HELD-OUT"
      + (tables == nil ? "" : " --columns FILE")
  }

  /// The results of the synthetic images alone.
  var ownFindings: Releasable<SyntheticFindings>? { findings?.synthetic ?? ownFindingsAlone }

  /// Whether the set is a table without images.
  var isTableAlone: Bool { tables != nil && synthetic.value.count == 0 }

  /// What the set consists of.
  var subject: ReportSubject { isTableAlone ? .rows : .images }

  /// Starts a report about a synthetic set.
  public init(
    title: String, subtitle: String, synthetic: Releasable<LabelledImages>, provenance: Provenance
  ) {
    self.title = title
    self.subtitle = subtitle
    self.synthetic = synthetic
    self.provenance = provenance
    progressSheets = Releasable([], .postProcessing)
    paidAnswers = Releasable([], .postProcessing)
    freeSignals = Releasable([], .postProcessing)
    privateSignals = Sensitive([])
    modelAttacks = Sensitive([])
    canaries = Sensitive(nil)
  }
}

/// The noisy share of real training images that a classifier trained on the set alone classifies correctly.
public struct PaidAccuracy: Sendable {
  /// The noisy share; nil if the noise was too strong for an estimate.
  public let accuracy: Double?
  /// The interval of the share without noise.
  public let interval: Interval

  /// Describes a score.
  public init(accuracy: Double?, interval: Interval) {
    self.accuracy = accuracy
    self.interval = interval
  }
}

/// A membership attack with the scores of a model.
public struct ModelAttack: Sendable {
  /// For example "Discriminator (LOGAN)" or "Likelihood ratio".
  public let name: String
  /// The key of its metrics, for example "discriminator".
  public let key: String
  /// How well the scores distinguish members from others.
  public let ranking: MembershipRanking

  /// Ranks scores; higher scores mean "member".
  public init(name: String, key: String, members: [Double], nonMembers: [Double]) {
    self.name = name
    self.key = key
    ranking = MembershipRanking(members: members, nonMembers: nonMembers)
  }

  /// Compares likelihoods with those of a model that has seen none of the images: properties that make an
  /// image likely under any model, such as uniform areas, cancel in the ratio.
  public init(
    likelihoodRatioOf members: [(model: Double, reference: Double)],
    against nonMembers: [(model: Double, reference: Double)]
  ) {
    self.init(
      name: "Likelihood ratio", key: "likelihood-ratio",
      members: members.map { $0.model - $0.reference },
      nonMembers: nonMembers.map { $0.model - $0.reference })
  }
}
