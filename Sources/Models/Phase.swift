public import Privacy

/// One phase of a run with its noise, as it is saved, announced to the ledger, and carried out.
public struct Phase: Codable, Hashable, Sendable {
  /// The name of the phase in which a family that learns in one loop learns.
  public static let training = "training"

  /// What a phase does, and with which noise.
  public enum Work: Hashable, Sendable {
    /// Noisy steps of the model on Poisson samples.
    case training(TrainingPlan)
    /// One noisy sum over all units, computed by the model in one step.
    case answer(TrainingPlan)
    /// Rounds of the model over all units, each with a private choice and a noisy table.
    case rounds(SelectionPlan)
    /// A noisy histogram of images that the run computes beside the model.
    case counts(CountQuery)
    /// A noisy sum of vectors over all units that the run computes beside the model.
    case sum(SubsampledGaussian)
    /// So many steps that read no private image; 0 where the work is not counted in steps.
    case free(FreeReason, steps: Int)
  }

  /// The name, unique within a run; the purpose under which the ledger keeps its charges.
  public let name: String
  /// What the phase does, in a few words.
  public let purpose: String
  /// The work.
  public let work: Work
  /// The declared part of the run's epsilon; nil for the phase that gets the rest, and for free ones.
  public let share: Double?
  /// The epsilon of the phase alone, rounded up; nil without a private access.
  public let epsilon: Double?

  /// Describes a phase.
  public init(
    _ name: String, _ purpose: String, _ work: Work, share: Double? = nil, epsilon: Double? = nil
  ) {
    self.name = name
    self.purpose = purpose
    self.work = work
    self.share = share
    self.epsilon = epsilon
  }

  /// The kind in one word: training, answer, rounds or free.
  public var kind: String {
    switch work {
    case .training: "training"
    case .answer, .counts, .sum: "answer"
    case .rounds: "rounds"
    case .free: "free"
    }
  }

  /// Whether the model reads private images in this phase.
  public var learns: Bool { plan != nil || selection != nil }

  /// The plan of the model's noisy steps; nil for other work.
  public var plan: TrainingPlan? {
    switch work {
    case .training(let plan), .answer(let plan): plan
    case .rounds, .counts, .sum, .free: nil
    }
  }

  /// The plan of the model's rounds; nil for other work.
  public var selection: SelectionPlan? {
    if case .rounds(let plan) = work { plan } else { nil }
  }

  /// Whether the run computes the answer beside the model.
  public var isBesideModel: Bool {
    switch work {
    case .counts, .sum: true
    case .training, .answer, .rounds, .free: false
    }
  }

  /// The question for a histogram of images; nil for other work.
  public var query: CountQuery? {
    if case .counts(let query) = work { query } else { nil }
  }

  /// Why the phase costs nothing; nil for a phase that reads private images.
  public var freeReason: FreeReason? {
    if case .free(let reason, _) = work { reason } else { nil }
  }

  /// Steps that the model makes.
  public var stepCount: Int {
    switch work {
    case .training(let plan), .answer(let plan): plan.steps
    case .rounds(let plan): plan.rounds
    case .counts, .sum: 0
    case .free(_, let steps): steps
    }
  }

  /// One access to the private images; nil for a free phase, and for one without privacy.
  public var access: PrivacyEvent? {
    switch work {
    case .training(let plan), .answer(let plan): plan.mechanism?.event
    case .rounds(let plan): plan.mechanism?.event
    case .counts(let query): query.event
    case .sum(let mechanism): mechanism.event
    case .free: nil
    }
  }

  /// How often the phase makes its access.
  public var accessCount: Int {
    if isBesideModel { 1 } else { access == nil ? 0 : stepCount }
  }

  /// How many accesses of the phase these charges are; part of one counts as a whole one.
  ///
  /// A round is one access that consists of two elementary events.
  public func accesses(in charged: EventTally) throws(PrivacyError) -> Int {
    guard let access, !charged.isEmpty else { return charged.total }
    let each = max(1, try EventTally(access).total)
    return (charged.total + each - 1) / each
  }

  /// Everything that the phase does to the data, less the first `made` accesses.
  public func event(without made: Int = 0) -> PrivacyEvent? {
    let left = accessCount - made
    guard let access, left > 0 else { return nil }
    if isBesideModel { return access }
    return .repeated(event: access, times: left)
  }
}

extension Phase {
  private enum CodingKeys: String, CodingKey {
    case name, purpose, kind, plan, query, mechanism, reason, steps, share, epsilon
  }

  /// Reads a phase; a file may be damaged, so each number is checked where it is used.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    name = try container.decode(String.self, forKey: .name)
    purpose = try container.decode(String.self, forKey: .purpose)
    share = try container.decodeIfPresent(Double.self, forKey: .share)
    epsilon = try container.decodeIfPresent(Double.self, forKey: .epsilon)
    let kind = try container.decode(String.self, forKey: .kind)
    switch kind {
    case "training":
      work = .training(try container.decode(TrainingPlan.self, forKey: .plan))
    case "answer" where container.contains(.query):
      work = .counts(try container.decode(CountQuery.self, forKey: .query))
    case "answer" where container.contains(.mechanism):
      work = .sum(try container.decode(SubsampledGaussian.self, forKey: .mechanism))
    case "answer":
      work = .answer(try container.decode(TrainingPlan.self, forKey: .plan))
    case "rounds":
      work = .rounds(try container.decode(SelectionPlan.self, forKey: .plan))
    case "free":
      work = .free(
        try container.decode(FreeReason.self, forKey: .reason),
        steps: try container.decodeIfPresent(Int.self, forKey: .steps) ?? 0)
    default:
      throw DecodingError.dataCorruptedError(
        forKey: .kind, in: container,
        debugDescription: "found another kind (training, answer, rounds or free expected)")
    }
  }

  /// Writes what `init(from:)` reads.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(name, forKey: .name)
    try container.encode(purpose, forKey: .purpose)
    try container.encode(kind, forKey: .kind)
    try container.encodeIfPresent(share, forKey: .share)
    try container.encodeIfPresent(epsilon, forKey: .epsilon)
    switch work {
    case .training(let plan), .answer(let plan): try container.encode(plan, forKey: .plan)
    case .rounds(let plan): try container.encode(plan, forKey: .plan)
    case .counts(let query): try container.encode(query, forKey: .query)
    case .sum(let mechanism): try container.encode(mechanism, forKey: .mechanism)
    case .free(let reason, let steps):
      try container.encode(reason, forKey: .reason)
      if steps > 0 { try container.encode(steps, forKey: .steps) }
    }
  }
}

extension [Phase] {
  /// The noisy steps of the phase that gets the rest of epsilon: in most families, the training.
  public var mainPlan: TrainingPlan? {
    (first { $0.plan != nil && $0.share == nil } ?? first { $0.plan != nil })?.plan
  }
}
