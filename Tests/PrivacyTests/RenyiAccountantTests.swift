import Privacy
import Testing

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
}
