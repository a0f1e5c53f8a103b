import Privacy
import Testing

@Suite struct GuaranteeStrengthTests {
  /// The boundaries of the field and of this project: 1, 3, 10 and 20 belong to the stronger side.
  @Test(arguments: [
    (0.0, GuaranteeStrength.strong), (1, .strong), (1.0.nextUp, .good), (3, .good),
    (3.0.nextUp, .moderate), (10, .moderate), (10.0.nextUp, .weak), (20, .weak),
    (20.0.nextUp, .negligible), (1761, .negligible), (.infinity, .negligible), (.nan, .negligible),
  ]) func anEpsilonHasOneMeaningEverywhere(_ epsilon: Double, _ expected: GuaranteeStrength) {
    #expect(GuaranteeStrength(epsilon: epsilon) == expected)
    #expect(GuaranteeStrength(epsilon: epsilon).needsWarning == !(epsilon <= 10))
  }

  @Test func strongerComesFirst() {
    #expect(GuaranteeStrength.allCases == GuaranteeStrength.allCases.sorted())
    #expect(Set(GuaranteeStrength.allCases.map(\.words)).count == GuaranteeStrength.allCases.count)
  }

  @Test(arguments: [
    (1e-5, 2009, DeltaSize.Class.small), (1e-5, 60_000, .noticeable), (1e-5, 100_000, .large),
    (1e-5, 99_999, .noticeable), (0.01, 2009, .large), (0.1, 9, .noticeable), (0.1, 10, .large),
    (1e-12, 1_000_000, .small), (0.5, 1, .noticeable), (.nan, 10, .large),
  ]) func aDeltaIsComparedWithTheNumberOfUnits(
    _ delta: Double, _ units: Int, _ expected: DeltaSize.Class
  ) {
    let size = DeltaSize(delta, units: units)
    #expect(size.size == expected)
    #expect((size.remark == nil) == (expected == .small))
    #expect((size.refusal(dataset: "faces") == nil) == (expected != .large))
  }

  @Test func aRefusalStatesWhatIsExpectedAndWhoMayAllowIt() throws {
    let text = try #require(DeltaSize(0.01, units: 2009).refusal(dataset: "faces"))
    #expect(text.contains("dataset faces: Delta 0.01 is not below 1/2009"))
    #expect(text.contains("allow_large_delta: true") && text.contains("--allow-large-delta"))
  }
}
