import Privacy
import Testing

@Suite struct CalibrationTests {
  /// `claimed` is the harder case: it must not need more than the better of both references.
  @Test(arguments: [Calibration.Accountant.renyi, .claimed])
  func noiseReachesTheTargetWithNoMoreThanTheReferenceNeeds(
    _ accountant: Calibration.Accountant
  ) throws {
    let rows = Golden.rows("dp_sigma")
    #expect(rows.count >= 72)
    for row in rows {
      let budget = try PrivacyBudget(
        epsilon: #require(row["target_eps"]), delta: #require(row["delta"]))
      let q = try #require(row["q"])
      let steps = Int(try #require(row["steps"]))
      let noise = try Calibration(budget: budget, accountant: accountant)
        .noiseMultiplier(samplingProbability: q, times: steps)
      let (renyi, privacyLoss) = (try #require(row["sigma_rdp"]), try #require(row["sigma_pld"]))
      let reference = accountant == .renyi ? renyi : min(renyi, privacyLoss)
      #expect(noise.epsilon <= budget.epsilon, "\(row)")
      #expect(noise.noiseMultiplier <= reference * 1.001 + 1e-4, "\(row)")
      // The figure that the user sees, computed from scratch.
      let event = try ElementaryEvent(
        samplingProbability: q, noiseMultiplier: noise.noiseMultiplier
      ).event
      let epsilon =
        accountant == .renyi
        ? try RenyiAccountant(event, times: steps).epsilon(atDelta: budget.delta)
        : try PrivacyCost(of: event, times: steps, delta: budget.delta).epsilon
      #expect(epsilon <= budget.epsilon, "\(row)")
    }
  }

  @Test func stepsThatFitAreTheInverseOfWhatStepsCost() throws {
    let event = try ElementaryEvent(samplingProbability: 0.01, noiseMultiplier: 1.1).event
    let delta = 1e-5
    for steps in [1, 7, 1500, 20_000] {
      let cost = try PrivacyCost(of: event, times: steps, delta: delta).epsilon
      let calibration = Calibration(
        budget: try PrivacyBudget(epsilon: cost * (1 + 1e-9), delta: delta))
      let found = try calibration.affordableTimes(of: event)
      #expect(found >= steps - max(1, steps / 2000), "\(steps): \(found)")
      #expect(found <= steps + max(1, steps / 2000), "\(steps): \(found)")
    }
  }

  @Test func stepsThatFitCostAtMostTheBudgetAndATenthMoreDoNotFit() throws {
    let event = try ElementaryEvent(samplingProbability: 0.02, noiseMultiplier: 0.9).event
    let budget = try PrivacyBudget(epsilon: 3, delta: 1e-6)
    let spent = try EventTally(
      ElementaryEvent(samplingProbability: 0.01, noiseMultiplier: 1.3).event, times: 900)
    for basis in [PrivacyCost.Basis.planned, .adaptive] {
      let times = try Calibration(budget: budget, spent: spent, basis: basis)
        .affordableTimes(of: event)
      #expect(times > 0)
      for (count, fits) in [(times, true), (times + times / 10 + 1, false)] {
        var sum = spent
        try sum.add(event, times: count)
        let cost = try PrivacyCost(of: sum, delta: budget.delta, basis: basis)
        #expect((cost.epsilon <= budget.epsilon) == fits, "\(basis), \(count)")
      }
    }
  }

  @Test func historyAlreadySpentRaisesTheNoise() throws {
    let budget = try PrivacyBudget(epsilon: 2, delta: 1e-5)
    let fresh = try Calibration(budget: budget)
      .noiseMultiplier(samplingProbability: 0.01, times: 1000)
    let spent = try EventTally(
      ElementaryEvent(samplingProbability: 0.01, noiseMultiplier: 1.5).event, times: 1000)
    let later = try Calibration(budget: budget, spent: spent)
      .noiseMultiplier(samplingProbability: 0.01, times: 1000)
    #expect(later.noiseMultiplier > fresh.noiseMultiplier * 1.01)
    #expect(later.epsilon <= budget.epsilon)
  }

  @Test func anExhaustedBudgetIsRefusedByName() throws {
    let spent = try EventTally(.gaussian(noiseMultiplier: 0.5))
    let calibration = Calibration(
      budget: try PrivacyBudget(epsilon: 1, delta: 1e-5), spent: spent)
    #expect(throws: PrivacyError.self) {
      _ = try calibration.noiseMultiplier(samplingProbability: 0.01, times: 1)
    }
    #expect(try calibration.affordableTimes(of: .gaussian(noiseMultiplier: 50)) == 0)
  }

  @Test func invalidQuestionsAreRefusedByName() throws {
    let calibration = Calibration(budget: try PrivacyBudget(epsilon: 1, delta: 1e-5))
    for q in [0, -0.1, 1.1, .nan, .infinity] {
      #expect(throws: PrivacyError.self) {
        _ = try calibration.noiseMultiplier(samplingProbability: q, times: 10)
      }
    }
    for times in [0, -1, Int.max] {
      #expect(throws: PrivacyError.self) {
        _ = try calibration.noiseMultiplier(samplingProbability: 0.1, times: times)
      }
    }
  }
}
