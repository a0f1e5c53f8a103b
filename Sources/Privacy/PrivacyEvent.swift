/// An access to the data.
///
/// Stored forever: cases are only added, meanings never change.
///
/// An event contains everything that an accountant needs and nothing else: never a cost, never the
/// data. All events are under `NeighboringRelation.addOrRemoveOne`.
public indirect enum PrivacyEvent: Hashable, Sendable {
  /// A sum in which one unit has norm at most C, released with Gaussian noise of standard
  /// deviation `noiseMultiplier`·C in every coordinate.
  case gaussian(noiseMultiplier: Double)
  /// The same with exact discrete Gaussian noise: sum and noise are whole steps of a grid, the
  /// norm of one unit, in steps, is at most C, and the noise's parameter σ is `noiseMultiplier`·C.
  case discreteGaussian(noiseMultiplier: Double)
  /// A choice with the exponential mechanism: the candidate r is chosen with probability in proportion
  /// to exp(`epsilon`·score(r)/2), and one unit changes every score by at most 1.
  ///
  /// The bounds use one property alone: the logarithms of all likelihood ratios lie in an interval of
  /// length `epsilon` (a bounded range, Durfee and Rogers, arXiv 1905.04273).
  case exponentialMechanism(epsilon: Double)
  /// `event`, run on a sample into which every unit enters independently with `probability`.
  case poissonSampled(probability: Double, event: PrivacyEvent)
  /// `event`, run `times` times with fresh randomness; each run may depend on earlier results.
  case repeated(event: PrivacyEvent, times: Int)
  /// All of the events on the same data. An empty list is no access.
  case composed([PrivacyEvent])
}

extension PrivacyEvent {
  /// Refuses NaN, infinities and numbers out of range, naming the number.
  public func validate() throws(PrivacyError) {
    switch self {
    case .gaussian(let noiseMultiplier), .discreteGaussian(let noiseMultiplier):
      try Valid.positive(noiseMultiplier, "noise multiplier")
    case .exponentialMechanism(let epsilon):
      try Valid.positive(epsilon, "epsilon of a choice")
    case .poissonSampled(let probability, let event):
      try Valid.samplingProbability(probability)
      try event.validate()
      if event.hasChoice { throw .sampledChoice }
    case .repeated(let event, let times):
      try Valid.count(times, "repetitions of an event")
      try event.validate()
    case .composed(let events):
      for event in events { try event.validate() }
    }
  }
}

extension PrivacyEvent {
  /// Whether a choice with the exponential mechanism is among the accesses.
  private var hasChoice: Bool {
    switch self {
    case .exponentialMechanism: true
    case .gaussian, .discreteGaussian: false
    case .poissonSampled(_, let event), .repeated(let event, _): event.hasChoice
    case .composed(let events): events.contains(where: \.hasChoice)
    }
  }
}

extension PrivacyEvent: CustomStringConvertible {
  /// The event in a sentence, for statements and ledgers.
  public var description: String {
    switch self {
    case .gaussian(let noiseMultiplier):
      "Gaussian noise of multiplier \(Decimals.short(noiseMultiplier))"
    case .discreteGaussian(let noiseMultiplier):
      "discrete Gaussian noise of multiplier \(Decimals.short(noiseMultiplier))"
    case .exponentialMechanism(let epsilon):
      "a choice with the exponential mechanism of epsilon \(Decimals.epsilon(epsilon))"
    case .poissonSampled(let probability, let event):
      "\(event) on a Poisson sample of probability \(Decimals.short(probability))"
    case .repeated(.composed(let events), let times) where events.count > 1:
      (times == 1 ? "one round with " : "\(times) rounds, each with ")
        + events.map(\.description).joined(separator: " and ")
    case .repeated(let event, let times):
      times == 1 ? "one release with \(event)" : "\(times) releases, each with \(event)"
    case .composed(let events):
      events.isEmpty ? "no access to the data" : events.map(\.description).joined(separator: "; ")
    }
  }
}

extension PrivacyEvent: Codable {
  private enum CodingKeys: String, CodingKey {
    case kind, probability, event, times, events, epsilon
    case noiseMultiplier = "noise_multiplier"
  }

  private enum Kind: String, Codable {
    case gaussian, repeated, composed
    case discreteGaussian = "discrete_gaussian"
    case exponentialMechanism = "exponential_mechanism"
    case poissonSampled = "poisson_sampled"
  }

  /// Decodes an object with a `kind`; unknown kinds and invalid numbers are refused.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    switch try container.decode(Kind.self, forKey: .kind) {
    case .gaussian:
      self = .gaussian(
        noiseMultiplier: try container.decode(Double.self, forKey: .noiseMultiplier))
    case .discreteGaussian:
      self = .discreteGaussian(
        noiseMultiplier: try container.decode(Double.self, forKey: .noiseMultiplier))
    case .exponentialMechanism:
      self = .exponentialMechanism(epsilon: try container.decode(Double.self, forKey: .epsilon))
    case .poissonSampled:
      self = .poissonSampled(
        probability: try container.decode(Double.self, forKey: .probability),
        event: try container.decode(PrivacyEvent.self, forKey: .event))
    case .repeated:
      self = .repeated(
        event: try container.decode(PrivacyEvent.self, forKey: .event),
        times: try container.decode(Int.self, forKey: .times))
    case .composed:
      self = .composed(try container.decode([PrivacyEvent].self, forKey: .events))
    }
    try validate()
  }

  /// Encodes the form that `init(from:)` reads.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    switch self {
    case .gaussian(let noiseMultiplier):
      try container.encode(Kind.gaussian, forKey: .kind)
      try container.encode(noiseMultiplier, forKey: .noiseMultiplier)
    case .discreteGaussian(let noiseMultiplier):
      try container.encode(Kind.discreteGaussian, forKey: .kind)
      try container.encode(noiseMultiplier, forKey: .noiseMultiplier)
    case .exponentialMechanism(let epsilon):
      try container.encode(Kind.exponentialMechanism, forKey: .kind)
      try container.encode(epsilon, forKey: .epsilon)
    case .poissonSampled(let probability, let event):
      try container.encode(Kind.poissonSampled, forKey: .kind)
      try container.encode(probability, forKey: .probability)
      try container.encode(event, forKey: .event)
    case .repeated(let event, let times):
      try container.encode(Kind.repeated, forKey: .kind)
      try container.encode(event, forKey: .event)
      try container.encode(times, forKey: .times)
    case .composed(let events):
      try container.encode(Kind.composed, forKey: .kind)
      try container.encode(events, forKey: .events)
    }
  }
}
