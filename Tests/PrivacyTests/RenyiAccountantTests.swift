import Glibc
import Testing

@testable import Privacy

@Suite struct RenyiAccountantTests {
  @Test func divergencesAgreeWithFortyDigitQuadratureAtEveryOrder() throws {
    let rows = Golden.rows("dp_rdp_curve")
    #expect(rows.count >= 169)
    for row in rows {
      let (q, sigma) = (try #require(row["q"]), try #require(row["sigma"]))
      let (order, expected) = (try #require(row["order"]), try #require(row["rdp"]))
      let event = try ElementaryEvent(samplingProbability: q, noiseMultiplier: sigma).event
      var accountant = try RenyiAccountant(orders: [order])
      try accountant.compose(event, times: 1)
      let found = accountant.curve[0]
      #expect(found >= expected * (1 - 1e-12), "q \(q), sigma \(sigma), order \(order)")
      #expect(found <= expected * (1 + 1e-6), "q \(q), sigma \(sigma), order \(order)")
    }
  }

  @Test func epsilonLiesBetweenTheTrueDivergenceAndTheReferenceLibrary() throws {
    let rows = Golden.rows("dp_epsilon")
    #expect(rows.count >= 52)
    for row in rows {
      let event = try ElementaryEvent(
        samplingProbability: #require(row["q"]), noiseMultiplier: #require(row["sigma"])
      ).event
      let accountant = try RenyiAccountant(event, times: Int(#require(row["steps"])))
      let epsilon = try accountant.epsilon(atDelta: #require(row["delta"]))
      #expect(try epsilon >= #require(row["eps_rdp_exact"]) * (1 - 1e-6), "\(row)")
      #expect(try epsilon <= #require(row["eps_rdp"]) * (1 + 1e-6), "\(row)")
    }
  }

  @Test func quadratureAgreesWithTheBinomialSumAtWholeOrders() throws {
    // An order slightly above a whole number uses the integral, the whole order uses the sum.
    for (q, sigma) in [(0.001, 0.5), (0.1, 0.1), (0.02, 1.1), (0.5, 8), (0.9, 0.3), (1e-4, 40)] {
      let event = try SampledNoise(samplingProbability: q, noiseMultiplier: sigma)
      for order in [2.0, 3, 7, 20] {
        let values = RenyiDivergence.sampledGaussian(event, orders: [order, order + 1e-9])
        #expect(abs(values[1] / values[0] - 1) < 1e-6, "q \(q), sigma \(sigma), order \(order)")
      }
    }
  }

  @Test func boundsForTinyNoiseLieAboveTheIntegral() throws {
    // At the border both ways apply: the chord must not be below the curve.
    let below = try SampledNoise(samplingProbability: 0.01, noiseMultiplier: 0.059999999)
    let above = try SampledNoise(samplingProbability: 0.01, noiseMultiplier: 0.06)
    let orders = RenyiAccountant.standardOrders
    let bounds = RenyiDivergence.sampledGaussian(below, orders: orders)
    let exact = RenyiDivergence.sampledGaussian(above, orders: orders)
    for index in orders.indices {
      #expect(bounds[index] >= exact[index])
      if orders[index] > 2 { #expect(bounds[index] < exact[index] * 1.2) }
    }
  }

  @Test func discreteNoiseIsBoundedByItsExactSums() throws {
    // One contribution of a whole number of steps, with its density ratio summed over the integers.
    for (q, sigma, norm) in [(1.0, 3.0, 2.0), (0.1, 3, 3), (0.01, 1, 1), (0.3, 8, 5)] {
      let event = try SampledNoise(
        samplingProbability: q, noiseMultiplier: sigma / norm, noise: .discreteGaussian)
      let orders = [1.5, 2, 2.5, 3, 8, 20]
      let bounds = RenyiDivergence.sampledGaussian(event, orders: orders)
      for (order, bound) in zip(orders, bounds) {
        var (mass, removing, adding) = (0.0, 0.0, 0.0)
        for x in -400...400 {
          let z = Double(x)
          let without = -z * z / (2 * sigma * sigma)
          let with = -(z - norm) * (z - norm) / (2 * sigma * sigma)
          let larger = max(without, with)
          let mixture =
            larger + log((1 - q) * exp(without - larger) + q * exp(with - larger))
          mass += exp(without)
          removing += exp(order * mixture - (order - 1) * without)
          adding += exp(order * without - (order - 1) * mixture)
        }
        for moment in [removing, adding] {
          let exact = log(moment / mass) / (order - 1)
          #expect(bound >= exact - 1e-12, "\(q) \(sigma) \(order)")
          // Below norm² in variance, discrete and continuous noise are nearly the same.
          if order > 2, order == order.rounded(), moment == removing {
            #expect(bound <= exact * 1.01 + 1e-12, "\(q) \(sigma) \(order)")
          }
        }
      }
    }
  }

  @Test func discreteNoiseIsClaimedByRenyiAloneAndCostsNoLess() throws {
    let cost = { (noise: NoiseDistribution) in
      let mechanism = try SubsampledGaussian(
        samplingProbability: 0.01, noiseMultiplier: 1.1, clipNorm: 1, nominalBatchSize: 64,
        noise: noise)
      return try PrivacyCost(of: mechanism.event, times: 1500, delta: 1e-5)
    }
    let hardened = try cost(.discreteGaussian)
    let plain = try cost(.gaussian)
    #expect(hardened.privacyLossEpsilon == .infinity && hardened.accountant == "RDP")
    #expect(hardened.epsilon >= plain.renyi.epsilon)
    #expect(hardened.epsilon < plain.renyi.epsilon * 1.01)
    let budget = try PrivacyBudget(epsilon: 3, delta: 1e-5)
    let noise = try Calibration(budget: budget)
      .noiseMultiplier(samplingProbability: 0.01, times: 1500, distribution: .discreteGaussian)
    let event = try ElementaryEvent(
      samplingProbability: 0.01, noiseMultiplier: noise.noiseMultiplier, noise: .discreteGaussian)
    #expect(try PrivacyCost(of: event.event, times: 1500, delta: 1e-5).epsilon == noise.epsilon)
    #expect(noise.epsilon <= 3 && noise.epsilon > 2.99)
  }

  @Test func hopelessNoiseIsAnInfiniteLossNotANumber() throws {
    let accountant = try RenyiAccountant(.gaussian(noiseMultiplier: 1e-170))
    #expect(try accountant.epsilon(atDelta: 1e-5) == .infinity)
    let sampled = try ElementaryEvent(samplingProbability: 0.1, noiseMultiplier: 1e-200).event
    #expect(try RenyiAccountant(sampled).epsilon(atDelta: 1e-5) == .infinity)
    #expect(try PrivacyLossAccountant(sampled).epsilon(atDelta: 1e-5) == .infinity)
  }

  @Test func anOptimumAtTheLastOrderIsReported() throws {
    let event = try ElementaryEvent(samplingProbability: 1e-4, noiseMultiplier: 20).event
    #expect(try RenyiAccountant(event, times: 200_000).bound(atDelta: 1e-6).isAtEdge)
    #expect(try !RenyiAccountant(.gaussian(noiseMultiplier: 1)).bound(atDelta: 1e-6).isAtEdge)
  }

  @Test func ordersWithoutMeaningAreRefused() {
    for orders in [[], [1.0], [0.5, 2], [2, .nan], [.infinity]] {
      #expect(throws: PrivacyError.self) { _ = try RenyiAccountant(orders: orders) }
    }
  }
}
