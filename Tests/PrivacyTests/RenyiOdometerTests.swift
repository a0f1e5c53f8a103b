import Glibc
import Testing

@testable import Privacy

@Suite struct RenyiOdometerTests {
  @Test func epsilonIsThatOfAnIndependentComputation() throws {
    let rows = Golden.rows("dp_odometer")
    #expect(rows.count >= 16)
    for row in rows {
      var tally = EventTally()
      for (sigma, steps) in [("sigma", "steps"), ("sigma2", "steps2")] {
        guard try #require(row[steps]) > 0 else { continue }
        let event = try ElementaryEvent(
          samplingProbability: #require(row["q"]), noiseMultiplier: #require(row[sigma]))
        try tally.add(event.event, times: Int(#require(row[steps])))
      }
      let delta = try #require(row["delta"])
      let bound = try RenyiOdometer.bound(of: tally, atDelta: delta)
      let expected = try #require(row["eps"])
      #expect(bound.epsilon >= expected * (1 - 1e-9), "\(row)")
      #expect(bound.epsilon <= expected * (1 + 1e-6), "\(row)")
      #expect(bound.order == row["order"], "\(row)")
      // The best order for one path would give a smaller bound, but that is not proved.
      #expect(try bound.epsilon > #require(row["minimum"]), "\(row)")
      let cost = try PrivacyCost(of: tally, delta: delta, basis: .adaptive)
      #expect(cost.renyi == bound && cost.epsilon == bound.epsilon)
      #expect(cost.privacyLossEpsilon == .infinity && cost.accountant == "RDP odometer")
    }
  }

  @Test func sharesAreThoseOfOneDeltaAndOrdersAreStandard() {
    let shares = RenyiOdometer.shares
    #expect(shares.reduce(0) { $0 + $1.share } <= 1)
    #expect(shares.allSatisfy { $0.share > 0 })
    #expect(Set(shares.map(\.order)).count == shares.count)
    // So the accounting of plans admits everything that the odometer admits.
    #expect(shares.allSatisfy { RenyiAccountant.standardOrders.contains($0.order) })
  }

  @Test func whatNeverHappenedCostsNothingAndHopelessNoiseIsUnbounded() throws {
    #expect(try RenyiOdometer.bound(of: EventTally(), atDelta: 1e-5).epsilon == 0)
    let hopeless = try EventTally(.gaussian(noiseMultiplier: 1e-170))
    #expect(try RenyiOdometer.bound(of: hopeless, atDelta: 1e-5).epsilon == .infinity)
    #expect(throws: PrivacyError.self) {
      _ = try RenyiOdometer.bound(of: EventTally(), atDelta: .nan)
    }
  }

  /// Two Gaussian answers, of which the second depends on the first, by quadrature.
  ///
  /// After the first answer, somebody stops, or asks again with noise that depends on the answer;
  /// the claim is that of the resulting path.
  @Test(arguments: [-2.0, 0, 1, 2.5], [1e-5, 1e-2])
  func claimsOfAllPathsTogetherHoldAtDelta(_ threshold: Double, _ delta: Double) throws {
    let first = 1.5
    let claim = { (second: Double?) in
      var tally = try EventTally(.gaussian(noiseMultiplier: first))
      if let second { try tally.add(.gaussian(noiseMultiplier: second)) }
      return try RenyiOdometer.bound(of: tally, atDelta: delta).epsilon
    }
    let claims = (stop: try claim(nil), rough: try claim(2), fine: try claim(0.8))
    for adds in [false, true] {
      // The unit is in P, or in Q.
      let (meanOfP, meanOfQ) = adds ? (0.0, 1.0) : (1, 0)
      let excess = { (tightening: Double) in
        let step = 1e-3
        return stride(from: -14.0, through: 15, by: step).reduce(0.0) { sum, y in
          let p = Self.density(y - meanOfP, first)
          let loss =
            ((y - meanOfQ) * (y - meanOfQ) - (y - meanOfP) * (y - meanOfP)) / (2 * first * first)
          let excess =
            if loss > threshold + 1 {
              max(0, -expm1(tightening * claims.stop - loss))
            } else if loss > threshold {
              Self.hockeyStick(tightening * claims.fine - loss, 0.8)
            } else {
              Self.hockeyStick(tightening * claims.rough - loss, 2)
            }
          return sum + p * excess * step
        }
      }
      #expect(excess(1) <= delta)
      // Not by much: claims of half the size do not hold.
      #expect(excess(0.5) > delta)
    }
  }

  private static func density(_ x: Double, _ deviation: Double) -> Double {
    exp(-x * x / (2 * deviation * deviation)) / (deviation * (2 * Double.pi).squareRoot())
  }

  /// ∫ (p − e^ε q)₊ of two Gaussians one apart, for any ε (arXiv 1805.06083, theorem 5).
  private static func hockeyStick(_ epsilon: Double, _ deviation: Double) -> Double {
    let below = { (x: Double) in 0.5 * erfc(-x * 0.5.squareRoot()) }
    let (half, shift) = (0.5 / deviation, epsilon * deviation)
    return below(half - shift) - exp(epsilon) * below(-half - shift)
  }
}
