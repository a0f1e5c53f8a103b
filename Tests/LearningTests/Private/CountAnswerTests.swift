import Compute
import Learning
@_spi(Ledger) import Privacy
import TestSupport
import Testing

/// Counts are released only with paid noise.
@Suite struct CountAnswerTests {
  private func query(
    _ noise: NoiseDistribution, sensitivity: Int = 3
  ) throws -> CountQuery {
    try CountQuery(
      budget: PrivacyBudget(epsilon: 1, delta: 1e-5), sensitivity: sensitivity, noise: noise)
  }

  @Test(arguments: [NoiseDistribution.gaussian, .discreteGaussian])
  func noiseHasThePlansDeviationAndIsTheSameForAllCounts(_ noise: NoiseDistribution) throws {
    let query = try query(noise)
    let source = TestNoise.stream(4)
    let truth = [0, 1000, 5_000_000]
    var sums = [0.0, 0, 0]
    var squares = [0.0, 0, 0]
    let rounds = 20_000
    for _ in 0..<rounds {
      let answer = query.answer(
        Sensitive(truth), paidBy: Reservation(number: 1, event: query.event, times: 1),
        noise: source)
      #expect(answer.reason == .paidFor)
      for (index, count) in answer.value.enumerated() {
        let error = Double(count - truth[index])
        sums[index] += error
        squares[index] += error * error
      }
    }
    let deviation = query.standardDeviation
    for index in truth.indices {
      #expect(abs(sums[index] / Double(rounds)) < 4 * deviation / Double(rounds).squareRoot())
      let variance = squares[index] / Double(rounds)
      #expect(isClose(variance, to: deviation * deviation, relative: 0.05))
    }
  }

  @Test func anAnswerThatWasNotPaidForIsNotComputed() async {
    await #expect(processExitsWith: .failure) {
      let query = try CountQuery(
        budget: PrivacyBudget(epsilon: 1, delta: 1e-5), sensitivity: 1, noise: .gaussian)
      _ = query.answer(
        Sensitive([5]),
        paidBy: Reservation(number: 1, event: .gaussian(noiseMultiplier: 100), times: 1),
        noise: NoiseStream())
    }
  }
}
