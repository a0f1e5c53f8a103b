import FoundationEssentials
import Glibc
import Testing

@testable import Privacy

/// Choices with the exponential mechanism: their cost, and what may be stored of them.
@Suite struct ChoiceTests {
  /// The hockey-stick profile of a choice, from its formula.
  private func profile(_ ratio: Double, _ epsilon: Double) -> Double {
    let least = exp(-epsilon)
    if ratio <= least { return 1 - ratio }
    if ratio >= 1 / least { return 0 }
    let root = 1 - (ratio * least).squareRoot()
    return root * root / (1 - least)
  }

  private func history(_ row: [String: Double]) throws -> EventTally {
    var tally = try EventTally(
      .exponentialMechanism(epsilon: #require(row["epsilon"])), times: Int(#require(row["times"])))
    let gaussians = Int(try #require(row["gaussians"]))
    if gaussians > 0 {
      try tally.add(.gaussian(noiseMultiplier: #require(row["sigma"])), times: gaussians)
    }
    return tally
  }

  @Test func choicesCostWhatBruteForceComputes() throws {
    let rows = Golden.rows("dp_choices")
    #expect(rows.count >= 21)
    for row in rows {
      let tally = try history(row)
      let delta = try #require(row["delta"])
      let (low, high) = (try #require(row["low"]), try #require(row["high"]))
      let found = try PrivacyLossAccountant(tally).epsilon(atDelta: delta)
      #expect(found >= low && found <= high * 1.001 + 1e-4, "\(row): \(found)")
      let cost = try PrivacyCost(of: tally, delta: delta)
      #expect(cost.epsilon == min(cost.privacyLossEpsilon, cost.renyi.epsilon))
      guard let single = row["single"], single > 0 else { continue }
      // One fixed pair is a mechanism of this kind; basic composition holds for all of them.
      #expect(cost.epsilon >= single && cost.renyi.epsilon >= single, "\(row)")
      let basic = try #require(row["epsilon"]) * #require(row["times"])
      #expect(cost.epsilon <= basic * (1 + 1e-4) + 1e-6, "\(row)")
    }
  }

  @Test func divergencesAgreeWithASearchOverAllPairs() throws {
    let rows = Golden.rows("dp_choice_rdp")
    #expect(rows.count >= 48)
    for row in rows {
      let (epsilon, order) = (try #require(row["epsilon"]), try #require(row["order"]))
      var accountant = try RenyiAccountant(orders: [order])
      try accountant.compose(.exponentialMechanism(epsilon: epsilon), times: 1)
      let (found, expected) = (accountant.curve[0], try #require(row["rdp"]))
      #expect(found >= expected * (1 - 1e-15) && found <= expected * (1 + 1e-5), "\(row): \(found)")
      #expect(found <= order * epsilon * epsilon / 8 * (1 + 1e-9), "\(row)")
    }
  }

  @Test(arguments: [(0.1, 0.01), (1, 0.3), (0.003, 0.1), (5, 0.01), (2, 2), (40, 0.05)])
  func theGridKeepsBothMassesAndNeverLowersTheProfile(_ epsilon: Double, _ spacing: Double) throws {
    let event = try ElementaryEvent(choiceOfEpsilon: epsilon)
    let both = DiscreteLoss.bothDirections(event, spacing: spacing, tail: 1e-18)
    for loss in [both.removing, both.adding] {
      #expect(loss.infiniteMass == 0 && loss.masses.allSatisfy { $0 >= 0 })
      #expect(abs(loss.masses.reduce(0, +) - 1) < 1e-12)
      let other = loss.masses.indices.reduce(0.0) {
        $0 + loss.masses[$1] * exp(-Double(loss.firstIndex + $1) * spacing)
      }
      #expect(abs(other - 1) < 1e-9)
      for point in stride(from: -1.3 * epsilon, through: 1.3 * epsilon, by: epsilon / 17) {
        let found = loss.masses.indices.reduce(0.0) {
          let value = Double(loss.firstIndex + $1) * spacing
          return value > point ? $0 + (1 - exp(point - value)) * loss.masses[$1] : $0
        }
        #expect(found >= profile(exp(point), epsilon) - 1e-13, "\(point)")
      }
    }
  }

  @Test(arguments: [0.1, 1, 6])
  func oneChoiceHasItsProfile(_ epsilon: Double) throws {
    let accountant = try PrivacyLossAccountant(.exponentialMechanism(epsilon: epsilon))
    for share in [0, 0.2, 0.5, 0.9] {
      let exact = profile(exp(share * epsilon), epsilon)
      let found = try accountant.delta(atEpsilon: share * epsilon)
      #expect(found >= exact * (1 - 1e-9) && found <= exact * 1.003 + 1e-12)
    }
    // Pure: no loss above epsilon.
    #expect(try accountant.delta(atEpsilon: epsilon * 1.01 + 1e-3) < 1e-12)
  }

  /// The profile is a bound for every exponential mechanism whose scores change by at most 1.
  @Test func noExponentialMechanismExceedsTheProfile() {
    var random = SystemRandomNumberGenerator()
    var closest = 0.0
    for _ in 0..<4000 {
      let epsilon = exp(Double.random(in: -3...2, using: &random))
      let scores = (0..<Int.random(in: 2...6, using: &random)).map { _ in
        Double.random(in: -9...9, using: &random)
      }
      let changed = scores.map { $0 + (Bool.random(using: &random) ? 1 : -1) }
      let laws = [scores, changed].map { scores -> [Double] in
        let weights = scores.map { exp(epsilon * ($0 - (scores.max() ?? 0)) / 2) }
        return weights.map { $0 / weights.reduce(0, +) }
      }
      for share in stride(from: -1.0, through: 1, by: 0.1) {
        let ratio = exp(share * epsilon)
        let found = zip(laws[0], laws[1]).reduce(0.0) { $0 + max(0, $1.0 - ratio * $1.1) }
        let bound = profile(ratio, epsilon)
        #expect(found <= bound + 1e-12, "\(scores) \(changed) \(epsilon)")
        if bound > 1e-3 { closest = max(closest, found / bound) }
      }
    }
    #expect(closest > 0.98)
  }

  @Test func aChoiceOnASampleIsRefused() throws {
    let choice = PrivacyEvent.exponentialMechanism(epsilon: 0.5)
    for event in [
      choice, .repeated(event: choice, times: 1), .composed([choice]),
      .poissonSampled(probability: 1, event: choice),
    ] {
      let sampled = PrivacyEvent.poissonSampled(probability: 0.5, event: event)
      let error = #expect(throws: PrivacyError.self) { try sampled.validate() }
      #expect(
        error?.description.contains("the exponential mechanism on a Poisson sample cannot") == true)
      #expect(throws: PrivacyError.self) { _ = try EventTally(sampled) }
      #expect(throws: PrivacyError.self) { _ = try RenyiAccountant(sampled) }
    }
    for epsilon in [0, -1, .nan, .infinity] {
      #expect(throws: PrivacyError.self) {
        try PrivacyEvent.exponentialMechanism(epsilon: epsilon).validate()
      }
    }
  }

  @Test func theStoredFormOfAChoiceNeverChanges() throws {
    let json = #"{"kind":"exponential_mechanism","epsilon":0.25}"#
    let choice = PrivacyEvent.exponentialMechanism(epsilon: 0.25)
    #expect(try JSONDecoder().decode(PrivacyEvent.self, from: Data(json.utf8)) == choice)
    #expect(
      try JSONDecoder().decode(PrivacyEvent.self, from: JSONEncoder().encode(choice)) == choice)
    for bad in [
      #"{"kind":"exponential_mechanism","epsilon":0}"#, #"{"kind":"exponential_mechanism"}"#,
    ] {
      #expect(throws: (any Error).self) {
        try JSONDecoder().decode(PrivacyEvent.self, from: Data(bad.utf8))
      }
    }
  }

  @Test func roundsReduceToChoicesAndNoise() throws {
    let mechanism = try SelectionMechanism(noiseMultiplier: 4)
    let tally = try EventTally(.repeated(event: mechanism.event, times: 12))
    #expect(
      try tally.counts == [
        ElementaryEvent(choiceOfEpsilon: mechanism.choiceEpsilon): 12,
        ElementaryEvent(samplingProbability: 1, noiseMultiplier: 4): 12,
      ])
    #expect(try EventTally(tally.event) == tally)
    #expect(
      PrivacyEvent.repeated(event: mechanism.event, times: 12).description
        == "12 rounds, each with a choice with the exponential mechanism of epsilon "
        + "\(Decimals.epsilon(mechanism.choiceEpsilon)) and Gaussian noise of multiplier 4")
  }

  @Test(arguments: [NoiseDistribution.gaussian, .discreteGaussian])
  func theChoiceOfARoundHasATenthOfItsLoss(_ noise: NoiseDistribution) throws {
    for multiplier in [0.5, 3, 40] {
      let mechanism = try SelectionMechanism(noiseMultiplier: multiplier, noise: noise)
      let choice = mechanism.choiceEpsilon * mechanism.choiceEpsilon / 8
      let table = 1 / (2 * multiplier * multiplier)
      #expect(abs(choice / (choice + table) - 0.1) < 1e-12)
      #expect(
        try SelectionMechanism.event(noiseMultiplier: multiplier, noise: noise) == mechanism.event)
      #expect(
        try JSONDecoder().decode(SelectionMechanism.self, from: JSONEncoder().encode(mechanism))
          == mechanism)
    }
    for multiplier in [0, -1, .nan, .infinity] {
      #expect(throws: PrivacyError.self) {
        _ = try SelectionMechanism(noiseMultiplier: multiplier, noise: noise)
      }
    }
  }

  @Test(arguments: [NoiseDistribution.gaussian, .discreteGaussian])
  func theNoiseOfRoundsIsCalibratedWithTheirChoices(_ noise: NoiseDistribution) throws {
    let budget = try PrivacyBudget(epsilon: 1, delta: 1e-6)
    let found = try Calibration(budget: budget).noiseMultiplier(times: 15) {
      multiplier throws(PrivacyError) in
      try SelectionMechanism.event(noiseMultiplier: multiplier, noise: noise)
    }
    let event = try SelectionMechanism.event(noiseMultiplier: found.noiseMultiplier, noise: noise)
    let cost = try PrivacyCost(of: event, times: 15, delta: 1e-6)
    #expect(cost.epsilon == found.epsilon && found.epsilon <= 1 && found.epsilon > 0.999)
    // Without the choices the same noise would cost less.
    let tables = try PrivacyCost(
      of: SampledNoise(
        samplingProbability: 1, noiseMultiplier: found.noiseMultiplier, noise: noise
      ).event, times: 15, delta: 1e-6)
    #expect(tables.epsilon < 0.99 * cost.epsilon)
  }

  @Test func anOdometerCountsChoices() throws {
    let round = try SelectionMechanism(noiseMultiplier: 5).event
    let planned = try PrivacyCost(of: round, times: 10, delta: 1e-5)
    let adaptive = try PrivacyCost(of: round, times: 10, delta: 1e-5, basis: .adaptive)
    #expect(adaptive.epsilon >= planned.renyi.epsilon && adaptive.epsilon < 2 * planned.epsilon)
  }

  @Test func aStatementNamesChoices() throws {
    let mechanism = try SelectionMechanism(noiseMultiplier: 8)
    let root = LedgerRoot(identity: "r", dataset: "d", unit: .file, adjacency: .addOrRemoveOne)
    let history = try LedgerHistory([
      .root(root),
      .plan(
        LedgerPlan(
          run: "r", attempt: 1, snapshot: "s",
          event: .repeated(event: mechanism.event, times: 12), mechanism: nil, delta: 1e-5,
          software: "1")),
      .reserve(
        LedgerReserve(
          number: 0, run: "r", attempt: 1, event: mechanism.event, times: 12, purpose: "rounds")),
    ])
    let statement = try PrivacyStatement(
      of: PrivacyStatement.Subject(
        root: root, run: "r", runs: ["r"], mechanism: nil, witness: nil, software: "1",
        declared: []),
      history: history, delta: 1e-5)
    #expect(
      statement.sentence.contains(
        "Accesses: 12 Gaussian releases, each with noise of 8 times the most that a unit adds, on a "
          + "sum over all units; 12 choices with the exponential mechanism, each of epsilon "
          + "\(Decimals.epsilon(mechanism.choiceEpsilon))."))
    #expect(statement.sampling == "none: every access reads all units")
    #expect(
      try JSONDecoder().decode(PrivacyStatement.self, from: JSONEncoder().encode(statement))
        == statement)
  }
}
