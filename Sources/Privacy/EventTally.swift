/// Which noise is added to a sum.
public enum NoiseDistribution: String, Codable, Hashable, Sendable, CaseIterable {
  /// The Gaussian distribution.
  case gaussian
  /// The discrete Gaussian distribution on the whole numbers.
  case discreteGaussian = "discrete-gaussian"

  /// The name of the kind in a sentence.
  public var words: String {
    switch self {
    case .gaussian: "Gaussian"
    case .discreteGaussian: "discrete Gaussian"
    }
  }
}

/// A history reduced to the facts that determine its cost: how often each elementary event
/// happened.
///
/// The composition theorems behind both accountants do not depend on order, so two histories with
/// equal tallies cost the same. Counts are whole numbers: nothing drifts over many runs.
public struct EventTally: Hashable, Sendable {
  /// How often each elementary event happened; never 0.
  public private(set) var counts: [ElementaryEvent: Int] = [:]

  /// The empty history, which costs nothing.
  public init() {}

  /// The tally of one event.
  public init(_ event: PrivacyEvent, times: Int = 1) throws(PrivacyError) {
    try add(event, times: times)
  }

  /// Whether nothing has happened.
  public var isEmpty: Bool { counts.isEmpty }

  /// How often elementary events happened in all.
  public var total: Int { counts.values.reduce(0, +) }

  /// The elementary events with their counts, in a fixed order.
  public var sorted: [(event: ElementaryEvent, times: Int)] {
    counts.sorted { $0.key < $1.key }.map { (event: $0.key, times: $0.value) }
  }

  /// The history as an event, in a canonical form.
  public var event: PrivacyEvent {
    let events = sorted.map { PrivacyEvent.repeated(event: $0.event.event, times: $0.times) }
    return events.count == 1 ? events[0] : .composed(events)
  }

  /// Adds `times` runs of `event`.
  ///
  /// Throws when the event holds a number out of range, when it is a mechanism without an exact
  /// reduction to elementary events (several accesses to *one* sample, a choice on a sample), or
  /// when a count leaves the range in which it is exact. The tally is unchanged then.
  public mutating func add(_ event: PrivacyEvent, times: Int = 1) throws(PrivacyError) {
    try Valid.count(times, "repetitions of an event")
    try event.validate()
    var sum = self
    try sum.collect(event, times: times, sampledWith: 1)
    self = sum
  }

  /// Adds another tally.
  public mutating func add(_ other: EventTally) throws(PrivacyError) {
    var sum = self
    for (event, times) in other.counts { try sum.count(event, times: times) }
    self = sum
  }

  /// The events of both tallies, each with the larger of its two counts.
  func union(_ other: EventTally) -> EventTally {
    var union = self
    union.counts.merge(other.counts) { max($0, $1) }
    return union
  }

  /// Whether `other` contains no event more often than this tally, so that it cannot cost more.
  public func covers(_ other: EventTally) -> Bool {
    other.counts.allSatisfy { event, times in counts[event, default: 0] >= times }
  }

  /// This tally without `other`.
  ///
  /// Throws when a count would become negative, unless `clamped`: then such counts become 0.
  func subtracting(_ other: EventTally, clamped: Bool = false) throws(PrivacyError) -> EventTally {
    var rest = self
    for (event, times) in other.counts {
      let left = counts[event, default: 0] - times
      if left < 0, !clamped {
        throw .outOfRange(
          argument: "repetitions given back", value: "\(times)",
          expected: "at most \(counts[event, default: 0])")
      }
      rest.counts[event] = left > 0 ? left : nil
    }
    return rest
  }

  private mutating func collect(
    _ event: PrivacyEvent, times: Int, sampledWith probability: Double
  ) throws(PrivacyError) {
    switch event {
    case .gaussian(let noiseMultiplier):
      try count(
        ElementaryEvent(
          samplingProbability: probability, noiseMultiplier: noiseMultiplier), times: times)
    case .discreteGaussian(let noiseMultiplier):
      try count(
        ElementaryEvent(
          samplingProbability: probability, noiseMultiplier: noiseMultiplier,
          noise: .discreteGaussian), times: times)
    case .exponentialMechanism(let epsilon):
      guard probability == 1 else { throw .sampledChoice }
      try count(ElementaryEvent(choiceOfEpsilon: epsilon), times: times)
    case .poissonSampled(let inner, let event):
      // A Poisson sample of a Poisson sample is one with the product of the probabilities.
      try collect(event, times: times, sampledWith: probability * inner)
    case .repeated(let event, let inner):
      if probability < 1, inner > 1 {
        throw .unsupportedEvent("several accesses to one Poisson sample")
      }
      let (product, overflow) = times.multipliedReportingOverflow(by: inner)
      try Valid.count(overflow ? Int.max : product, "repetitions of an event")
      try collect(event, times: product, sampledWith: probability)
    case .composed(let events):
      if probability < 1, events.count > 1 {
        throw .unsupportedEvent("several accesses to one Poisson sample")
      }
      for event in events { try collect(event, times: times, sampledWith: probability) }
    }
  }

  private mutating func count(_ event: ElementaryEvent, times: Int) throws(PrivacyError) {
    if times == 0 { return }
    let sum = counts[event, default: 0] + times
    try Valid.count(sum, "repetitions of an event")
    counts[event] = sum
  }
}
