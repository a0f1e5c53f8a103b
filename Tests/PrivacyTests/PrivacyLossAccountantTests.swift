import Glibc
import Testing

@testable import Privacy

@Suite struct PrivacyLossAccountantTests {
  @Test func epsilonLiesBetweenTheRigorousLowerBoundAndTheReferenceLibrary() throws {
    let rows = Golden.rows("dp_epsilon")
    #expect(rows.count >= 52)
    for row in rows {
      let event = try ElementaryEvent(
        samplingProbability: #require(row["q"]), noiseMultiplier: #require(row["sigma"])
      ).event
      let delta = try #require(row["delta"])
      let steps = Int(try #require(row["steps"]))
      let epsilon = try PrivacyLossAccountant(event, times: steps).epsilon(atDelta: delta)
      #expect(try epsilon >= #require(row["eps_lower"]), "\(row)")
      #expect(try epsilon <= #require(row["eps_pld"]) * 1.001 + 1e-3, "\(row)")
      let cost = try PrivacyCost(of: event, times: steps, delta: delta)
      #expect(cost.epsilon == min(cost.renyi.epsilon, cost.privacyLossEpsilon))
      #expect(cost.epsilon >= row["eps_lower"] ?? .infinity, "\(row)")
    }
  }

  /// δ(ε) of the Gaussian mechanism, exactly (Balle and Wang, arXiv 1805.06530, Theorem 8).
  static func gaussianDelta(_ epsilon: Double, noiseMultiplier: Double) -> Double {
    let (half, slope) = (0.5 / noiseMultiplier, epsilon * noiseMultiplier)
    return normal(half - slope) - exp(epsilon) * normal(-half - slope)
  }

  private static func normal(_ x: Double) -> Double { 0.5 * erfc(-x * 0.5.squareRoot()) }

  /// δ(ε) of one sampled step, exactly: the worse of both directions.
  static func sampledDelta(_ epsilon: Double, q: Double, sigma: Double) -> Double {
    // Removal: (1−q)N(0) + qN(1) exceeds e^ε·N(0) to the right of one point.
    let removing = q * gaussianDelta(log1p(expm1(epsilon) / q), noiseMultiplier: sigma)
    // Addition: N(0) exceeds e^ε times the mixture to the left of one point, if at all.
    let ratio = (exp(-epsilon) - (1 - q)) / q
    guard ratio > 0 else { return removing }
    let point = sigma * sigma * log(ratio) + 0.5
    let adding =
      (1 - exp(epsilon) * (1 - q)) * normal(point / sigma)
      - exp(epsilon) * q * normal((point - 1) / sigma)
    return max(removing, adding)
  }

  @Test(arguments: [(20.0, 1), (1, 1), (5, 7), (0.4, 2), (50, 5000)])
  func composedGaussiansAreOneGaussian(_ sigma: Double, _ times: Int) throws {
    let accountant = try PrivacyLossAccountant(.gaussian(noiseMultiplier: sigma), times: times)
    let merged = sigma / Double(times).squareRoot()
    for delta in [1e-3, 1e-5, 1e-8, 1e-12] {
      let epsilon = try accountant.epsilon(atDelta: delta)
      // The exact curve falls: at our epsilon it must be at most delta, and slightly below our epsilon
      // it must exceed delta.
      #expect(Self.gaussianDelta(epsilon, noiseMultiplier: merged) <= delta * (1 + 1e-6))
      #expect(Self.gaussianDelta(epsilon * 0.9985, noiseMultiplier: merged) > delta)
    }
    for epsilon in [0, 0.25, 1, 3] {
      let found = try accountant.delta(atEpsilon: epsilon)
      let exact = Self.gaussianDelta(epsilon, noiseMultiplier: merged)
      #expect(found >= exact * (1 - 1e-9) && found <= exact * 1.003 + 1e-12, "\(epsilon)")
    }
  }

  @Test(arguments: [(0.1, 1.0), (0.01, 0.8), (0.5, 2), (0.001, 0.4), (0.9, 0.7)])
  func oneSampledStepFollowsTheClosedForm(_ q: Double, _ sigma: Double) throws {
    let event = try ElementaryEvent(samplingProbability: q, noiseMultiplier: sigma).event
    let accountant = try PrivacyLossAccountant(event)
    for delta in [1e-4, 1e-6, 1e-9, 1e-12] {
      let epsilon = try accountant.epsilon(atDelta: delta)
      #expect(Self.sampledDelta(epsilon, q: q, sigma: sigma) <= delta * (1 + 1e-6))
      if epsilon > 0 {
        #expect(Self.sampledDelta(epsilon * 0.9985 - 2e-6, q: q, sigma: sigma) > delta)
      }
    }
    for epsilon in [0, 0.25, 0.5, 1, 2] {
      let found = try accountant.delta(atEpsilon: epsilon)
      let exact = Self.sampledDelta(epsilon, q: q, sigma: sigma)
      #expect(found >= exact * (1 - 1e-9) && found <= exact * 1.003 + 1e-12, "\(epsilon)")
    }
  }

  @Test func differentMechanismsComposeToMoreThanEachAndNoMoreThanTheRenyiBound() throws {
    let first = try ElementaryEvent(samplingProbability: 0.01, noiseMultiplier: 0.9).event
    let second = try ElementaryEvent(samplingProbability: 0.03, noiseMultiplier: 2).event
    let third = PrivacyEvent.gaussian(noiseMultiplier: 8)
    let history = PrivacyEvent.composed([
      .repeated(event: first, times: 800), .repeated(event: second, times: 2000), third,
    ])
    let epsilon = try PrivacyLossAccountant(history).epsilon(atDelta: 1e-5)
    for part in [(first, 800), (second, 2000), (third, 1)] {
      #expect(try PrivacyLossAccountant(part.0, times: part.1).epsilon(atDelta: 1e-5) < epsilon)
    }
    let renyi = try RenyiAccountant(history).epsilon(atDelta: 1e-5)
    #expect(epsilon < renyi && epsilon > 0.8 * renyi)
  }

  @Test func anEventThatDiffersByNothingComposesAsRepetition() throws {
    // Two noise multipliers that agree to 12 digits use two spectra instead of one.
    let event = try ElementaryEvent(samplingProbability: 0.02, noiseMultiplier: 1.2).event
    let twin = try ElementaryEvent(samplingProbability: 0.02, noiseMultiplier: 1.2 + 1e-12).event
    let together = try PrivacyLossAccountant(event, times: 1000).epsilon(atDelta: 1e-6)
    let apart = try PrivacyLossAccountant(
      .composed([.repeated(event: event, times: 400), .repeated(event: twin, times: 600)])
    ).epsilon(atDelta: 1e-6)
    #expect(abs(apart / together - 1) < 1e-6)
  }

  @Test func lossIsMonotoneInEveryArgument() throws {
    let epsilon = { (q: Double, sigma: Double, steps: Int, delta: Double) throws -> [Double] in
      let event = try ElementaryEvent(samplingProbability: q, noiseMultiplier: sigma).event
      let cost = try PrivacyCost(of: event, times: steps, delta: delta)
      return [cost.epsilon, cost.renyi.epsilon, cost.privacyLossEpsilon]
    }
    for (q, sigma, steps, delta) in [
      (0.01, 0.7, 300, 1e-6), (0.2, 3, 2000, 1e-5), (0.001, 0.5, 20_000, 1e-7), (0.5, 1, 3, 1e-4),
    ] {
      let base = try epsilon(q, sigma, steps, delta)
      for factor in [1.01, 1.1, 1.7] {
        let larger = [
          try epsilon(q * factor, sigma, steps, delta),
          try epsilon(q, sigma / factor, steps, delta),
          try epsilon(q, sigma, Int((Double(steps) * factor).rounded(.up)), delta),
          try epsilon(q, sigma, steps, delta / factor),
        ]
        for (argument, changed) in larger.enumerated() {
          for (accountant, (before, after)) in zip(base, changed).enumerated() {
            #expect(after >= before * (1 - 1e-4), "\(q) \(argument) \(accountant) \(factor)")
          }
        }
      }
    }
  }

  @Test func extremesStayBoundsAndAreAnswered() throws {
    for (q, sigma, steps, delta) in [
      (1e-6, 0.3, 1_000_000, 1e-12), (0.999, 30, 100_000, 1e-3), (0.5, 0.05, 1000, 1e-5),
      (1e-9, 1, 1, 1e-12), (0.01, 100, 1, 0.5), (0.3, 1, 1 << 40, 1e-6),
    ] {
      let event = try ElementaryEvent(samplingProbability: q, noiseMultiplier: sigma).event
      let cost = try PrivacyCost(of: event, times: steps, delta: delta)
      #expect(cost.epsilon >= 0 && cost.epsilon <= cost.renyi.epsilon, "\(q) \(sigma)")
      #expect(!cost.privacyLossEpsilon.isNaN && cost.privacyLossEpsilon >= 0)
    }
  }

  @Test func deltasWithoutMeaningAreRefused() throws {
    let accountant = try PrivacyLossAccountant(.gaussian(noiseMultiplier: 1))
    for delta in [0, -1e-5, 1, 2, 1e-13, .nan, .infinity] {
      #expect(throws: PrivacyError.self) { _ = try accountant.epsilon(atDelta: delta) }
    }
    for epsilon in [-1, .nan, .infinity] {
      #expect(throws: PrivacyError.self) { _ = try accountant.delta(atEpsilon: epsilon) }
    }
  }

  @Test func nothingDoneCostsNothing() throws {
    let accountant = PrivacyLossAccountant()
    #expect(try accountant.epsilon(atDelta: 1e-9) == 0)
    #expect(try accountant.delta(atEpsilon: 0) == 0)
    #expect(try RenyiAccountant().epsilon(atDelta: 1e-9) == 0)
  }
}

@Suite struct DiscreteLossTests {
  @Test(arguments: [(0.01, 0.7), (0.3, 2.0), (1, 1), (0.0001, 5)])
  func theGridKeepsBothMassesAndNeverLowersTheCurve(_ q: Double, _ sigma: Double) throws {
    let event = try ElementaryEvent(samplingProbability: q, noiseMultiplier: sigma)
    let spacing = 0.01
    let both = DiscreteLoss.bothDirections(event, spacing: spacing, tail: 1e-18)
    for loss in [both.removing, both.adding] {
      let total = loss.masses.reduce(loss.infiniteMass, +)
      #expect(abs(total - 1) < 1e-12)
      #expect(loss.masses.allSatisfy { $0 >= 0 })
      // E[e^{−L}] is the mass of Q; at most 1, and all of it here.
      let other = loss.masses.indices.reduce(0.0) {
        $0 + loss.masses[$1] * exp(-Double(loss.firstIndex + $1) * spacing)
      }
      #expect(abs(other - 1) < 1e-9)
    }
    for epsilon in [0.0, 0.013, 0.1, 0.777] {
      let curve = [both.removing, both.adding].map { loss in
        loss.masses.indices.reduce(loss.infiniteMass) {
          let value = Double(loss.firstIndex + $1) * spacing
          return value > epsilon ? $0 + (1 - exp(epsilon - value)) * loss.masses[$1] : $0
        }
      }
      let exact =
        q == 1
        ? PrivacyLossAccountantTests.gaussianDelta(epsilon, noiseMultiplier: sigma)
        : PrivacyLossAccountantTests.sampledDelta(epsilon, q: q, sigma: sigma)
      #expect((curve.max() ?? 0) >= exact - 1e-14, "\(epsilon)")
    }
  }
}

@Suite struct FourierTransformTests {
  @Test func inverseUndoesForward() {
    let size = 256
    let original = (0..<size).map { sin(Double($0 * $0)) }
    var re = original
    var im = original.map { $0 * 0.5 }
    let transform = FourierTransform(size: size)
    transform.forward(&re, &im)
    transform.inverse(&re, &im)
    for k in 0..<size {
      #expect(abs(re[k] - original[k]) < 1e-13 && abs(im[k] - original[k] * 0.5) < 1e-13)
    }
  }

  @Test func productsOfSpectraAreConvolutions() {
    let size = 64
    let first = (0..<size).map { 1 / Double($0 + 1) }
    let second = (0..<size).map { cos(Double($0)) }
    let transform = FourierTransform(size: size)
    var (aRe, aIm) = (first, [Double](repeating: 0, count: size))
    var (bRe, bIm) = (second, [Double](repeating: 0, count: size))
    transform.forward(&aRe, &aIm)
    transform.forward(&bRe, &bIm)
    for k in 0..<size {
      (aRe[k], aIm[k]) = (aRe[k] * bRe[k] - aIm[k] * bIm[k], aRe[k] * bIm[k] + aIm[k] * bRe[k])
    }
    transform.inverse(&aRe, &aIm)
    for k in 0..<size {
      let direct = (0..<size).reduce(0.0) { $0 + first[$1] * second[(k - $1 + size) % size] }
      #expect(abs(aRe[k] - direct) < 1e-12)
    }
  }
}
