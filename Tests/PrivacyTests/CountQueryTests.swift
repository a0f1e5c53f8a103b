import Testing

@testable import Privacy

/// The price of one answer with the number of images of each kind.
@Suite struct CountQueryTests {
  private func query(
    _ epsilon: Double, sensitivity: Int = 1, _ noise: NoiseDistribution = .gaussian
  ) throws -> CountQuery {
    try CountQuery(
      budget: PrivacyBudget(epsilon: epsilon, delta: 1e-5), sensitivity: sensitivity, noise: noise)
  }

  @Test(arguments: [NoiseDistribution.gaussian, .discreteGaussian], [0.1, 1, 5])
  func anAnswerCostsWhatItMayAndNoMore(_ noise: NoiseDistribution, _ epsilon: Double) throws {
    let query = try query(epsilon, noise)
    let cost = try PrivacyCost(of: query.event, times: 1, delta: 1e-5)
    #expect(cost.epsilon <= epsilon && cost.epsilon > 0.98 * epsilon)
    #expect(query.epsilon == cost.epsilon)
  }

  /// The exact noise of the Gaussian mechanism (Balle and Wang, arXiv 1805.06083, algorithm 1) for
  /// epsilon 1, delta 1e-5 and sensitivity 1.
  @Test func theNoiseIsThatOfTheAnalyticGaussianMechanism() throws {
    let deviation = try query(1).standardDeviation
    #expect(deviation >= 3.7306 && deviation < 3.7306 * 1.002, "\(deviation)")
  }

  @Test func noiseHidesAllImagesOfAUnit() throws {
    let one = try query(1)
    let seven = try query(1, sensitivity: 7)
    #expect(seven.event == one.event)
    #expect(seven.standardDeviation == 7 * one.standardDeviation)
    let hardened = try query(1, sensitivity: 7, .discreteGaussian)
    #expect(hardened.standardDeviation >= 7 * hardened.noiseMultiplier)
    #expect(hardened.standardDeviation == hardened.standardDeviation.rounded())
  }

  @Test func unitsWithoutImagesAndNoiseBeyondWholeNumbersAreRefused() {
    for sensitivity in [0, -1] {
      #expect(throws: PrivacyError.self) { try query(1, sensitivity: sensitivity) }
    }
    let error = #expect(throws: PrivacyError.self) { try query(1, sensitivity: 1 << 20) }
    #expect(error?.description.contains("noise on the counts") == true)
  }
}
