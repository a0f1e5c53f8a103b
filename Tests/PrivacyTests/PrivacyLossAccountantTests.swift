import Privacy
import Testing

@Suite struct PrivacyLossAccountantTests {
  @Test func epsilonLiesBetweenTheRigorousLowerBoundAndTheReferenceLibrary() throws {
    let rows = Golden.rows("dp_epsilon")
    #expect(rows.count >= 52)
    for row in rows {
      let event = try ElementaryEvent(
        samplingProbability: #require(row["q"]), noiseMultiplier: #require(row["sigma"])
      ).event
      let delta = try #require(row["delta"])
      let accountant = try PrivacyLossAccountant(event, times: Int(#require(row["steps"])))
      let epsilon = try accountant.epsilon(atDelta: delta)
      #expect(try epsilon >= #require(row["eps_lower"]), "\(row)")
      #expect(try epsilon <= #require(row["eps_pld"]) * 1.001 + 1e-3, "\(row)")
    }
  }
}
