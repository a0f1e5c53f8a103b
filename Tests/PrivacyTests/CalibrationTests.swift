import Privacy
import Testing

@Suite struct CalibrationTests {
  @Test(arguments: [Calibration.Accountant.renyi, .privacyLoss, .claimed])
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
      let reference =
        switch accountant {
        case .renyi: try #require(row["sigma_rdp"])
        case .privacyLoss: try #require(row["sigma_pld"])
        case .claimed: try min(#require(row["sigma_rdp"]), #require(row["sigma_pld"]))
        }
      #expect(noise.epsilon <= budget.epsilon, "\(row)")
      #expect(noise.noiseMultiplier <= reference * 1.001 + 1e-4, "\(row)")
      // What the user sees, evaluated from scratch.
      let event = try ElementaryEvent(
        samplingProbability: q, noiseMultiplier: noise.noiseMultiplier
      ).event
      let cost = try PrivacyCost(of: event, times: steps, delta: budget.delta)
      #expect(cost.epsilon <= budget.epsilon, "\(row)")
    }
  }
}
