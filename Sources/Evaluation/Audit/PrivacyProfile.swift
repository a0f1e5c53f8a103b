import Glibc
import Privacy

/// The privacy profile δ(ε) of a ledger's charges, as far as an attack can measure it.
///
/// The discrete Gaussian counts as the continuous one of the same multiplier. Its claim is larger,
/// by Rényi divergence alone, but its steps are a millionth of the noise, far below the resolution
/// of counts.
struct PrivacyProfile {
  /// The resolution of the bound on epsilon, as a share of the noise.
  private static let resolution = 0.004
  /// The considered range of noise, relative to the charged noise.
  private static let scales = 0.25...4.0

  private let tally: EventTally

  /// The profile of a tally.
  init(of tally: EventTally) throws {
    self.tally = try Self.scaled(tally, by: 1)
  }

  /// The smallest delta at which `epsilon` holds.
  func delta(atEpsilon epsilon: Double) throws -> Double {
    try PrivacyLossAccountant(tally).delta(atEpsilon: epsilon)
  }

  /// The epsilon at `delta` of the mechanism with the same steps and the largest noise that the measured
  /// profile allows.
  ///
  /// This is a lower bound for every sampled Gaussian of these rates and steps, with any noise (after the fit
  /// of arXiv 2302.07956); 0 if nothing was measured.
  func epsilonLowerBound(
    from points: [MechanismAuditFindings.Point], delta: Double
  ) throws -> Double {
    // The most informative point is enough: each point alone yields a bound, and each step of the search is
    // as expensive as a claim.
    let telling = points.filter { $0.lowerBound > 0 && $0.theory > 0 }
      .max { $0.lowerBound / $0.theory < $1.lowerBound / $1.theory }
    guard let telling else { return 0 }
    func isAllowed(_ scale: Double) throws -> Bool {
      let accountant = try PrivacyLossAccountant(Self.scaled(tally, by: scale))
      return try telling.lowerBound <= accountant.delta(atEpsilon: telling.epsilon)
    }
    var (low, high) = (Self.scales.lowerBound, Self.scales.upperBound)
    if try isAllowed(high) { return 0 }
    while high / low > 1 + Self.resolution {
      let middle = (low * high).squareRoot()
      if try isAllowed(middle) { low = middle } else { high = middle }
    }
    return try PrivacyLossAccountant(Self.scaled(tally, by: high)).epsilon(atDelta: delta)
  }

  /// A tally with Gaussian noise, `scale` times as much; choices have so much less epsilon.
  private static func scaled(_ tally: EventTally, by scale: Double) throws -> EventTally {
    var result = EventTally()
    for (event, times) in tally.sorted {
      let noisier =
        switch event {
        case .noise(let noise):
          try ElementaryEvent(
            samplingProbability: noise.samplingProbability,
            noiseMultiplier: noise.noiseMultiplier * scale)
        case .choice(let epsilon): try ElementaryEvent(choiceOfEpsilon: epsilon / scale)
        }
      try result.add(noisier.event, times: times)
    }
    return result
  }
}
