import Compute
import Glibc
import TestSupport
import Testing

@testable import Learning

/// Compares the exact sampler with the probabilities that define it.
@Suite struct DiscreteGaussianTests {
  @Test(arguments: [UInt64(1), 2, 5])
  func smallScalesHaveTheExactProbabilities(_ scale: UInt64) {
    let noise = TestNoise.stream(UInt32(scale))
    let sampler = DiscreteGaussian(scale: scale)
    let sampleCount = 100_000
    let reach = Int(scale) * 10
    var counts = [Int: Int]()
    for _ in 0..<sampleCount { counts[sampler.sample(from: noise), default: 0] += 1 }
    let weight = { (x: Int) in exp(-Double(x * x) / (2 * Double(scale * scale))) }
    let total = (-reach...reach).reduce(0.0) { $0 + weight($1) }
    var statistic = 0.0
    var cells = 0
    for x in -reach...reach {
      let expected = weight(x) / total * Double(sampleCount)
      guard expected >= 10 else { continue }
      let difference = Double(counts[x] ?? 0) - expected
      statistic += difference * difference / expected
      cells += 1
    }
    // Chi-squared with `cells` degrees of freedom: mean `cells`, deviation √(2·cells); five deviations.
    #expect(cells >= 7)
    #expect(statistic < Double(cells) + 5 * (2 * Double(cells)).squareRoot())
    #expect(counts.keys.allSatisfy { abs($0) <= reach })
  }

  @Test(arguments: [UInt64(1 << 20), 1 << 30])
  func largeScalesHaveTheMomentsOfTheNormal(_ scale: UInt64) {
    let noise = TestNoise.stream(77)
    let sampler = DiscreteGaussian(scale: scale)
    let count = 60_000.0
    var sums = [0.0, 0.0, 0.0, 0.0]
    var odd = 0
    for _ in 0..<Int(count) {
      let sample = sampler.sample(from: noise)
      let x = Double(sample) / Double(scale)
      sums[0] += x
      sums[1] += x * x
      sums[2] += x * x * x
      sums[3] += x * x * x * x
      odd += abs(sample) % 2
    }
    // Variances of x, x², x³, x⁴ under the normal distribution: 1, 2, 15, 96.
    #expect(abs(sums[0] / count) < 4 * (1 / count).squareRoot())
    #expect(abs(sums[1] / count - 1) < 4 * (2 / count).squareRoot())
    #expect(abs(sums[2] / count) < 4 * (15 / count).squareRoot())
    #expect(abs(sums[3] / count - 3) < 4 * (96 / count).squareRoot())
    #expect(abs(Double(odd) / count - 0.5) < 4 * (0.25 / count).squareRoot())
  }
}
