import Compute
import Datasets
import Testing

@testable import Datasets

@Suite struct PoissonSamplerTests {
  @Test func thresholdIsExactWhereTheProductIsWhole() {
    #expect(PoissonSampler.threshold(for: 0.5) == 1 << 63)
    #expect(PoissonSampler.threshold(for: 0) == 0)
    #expect(PoissonSampler.threshold(for: 0x1p-64) == 1)
    #expect(PoissonSampler.threshold(for: 0x1p-65) == 0)
    #expect(PoissonSampler.threshold(for: 1 - 0x1p-53) == UInt64.max - 2047)
    // 128 / 60000 as a Double is a whole number of 2^-61.
    let probability = 128.0 / 60_000
    #expect(Double(PoissonSampler.threshold(for: probability)) == probability * 0x1p64)
  }

  @Test func aCandidateIsTakenExactlyBelowTheThreshold() {
    struct Fixed: RandomNumberGenerator {
      var numbers: [UInt64]
      mutating func next() -> UInt64 { numbers.removeFirst() }
    }
    var source = Fixed(numbers: [(1 << 62) - 1, 1 << 62, 0, .max])
    let sampler = PoissonSampler(probability: 0.25, candidateCount: 4)
    #expect(sampler.draw(using: &source) == [0, 2])
  }

  @Test func certainAndImpossibleDrawsAreExact() {
    var random = SeededStream(seed: 1)
    #expect(
      PoissonSampler(probability: 1, candidateCount: 5).draw(using: &random) == [0, 1, 2, 3, 4])
    #expect(PoissonSampler(probability: 0, candidateCount: 5).draw(using: &random).isEmpty)
    #expect(PoissonSampler(probability: 0.5, candidateCount: 0).draw(using: &random).isEmpty)
  }

  /// Batch sizes must follow Binomial(n, q).
  ///
  /// Chi-squared over sizes with an expectation of 10 or more; the bound is 6 standard deviations
  /// above the mean of the chi-squared distribution.
  @Test(arguments: [(20, 0.1), (50, 0.03), (7, 0.5)])
  func batchSizesAreBinomial(count: Int, probability: Double) {
    let steps = 100_000
    var random = SeededStream(seed: UInt64(count))
    let sampler = PoissonSampler(probability: probability, candidateCount: count)
    var histogram = [Int](repeating: 0, count: count + 1)
    for _ in 0..<steps { histogram[sampler.draw(using: &random).count] += 1 }
    var chance = (0..<count).reduce(1.0) { product, _ in product * (1 - probability) }
    let empty = chance * Double(steps)
    #expect(abs(Double(histogram[0]) - empty) < 6 * empty.squareRoot())
    var statistic = 0.0
    var cells = 0
    for size in 0...count {
      let expectation = chance * Double(steps)
      if expectation >= 10 {
        statistic +=
          (Double(histogram[size]) - expectation) * (Double(histogram[size]) - expectation)
          / expectation
        cells += 1
      }
      chance *= Double(count - size) / Double(size + 1) * probability / (1 - probability)
    }
    let freedom = Double(cells - 1)
    #expect(cells > 4)
    #expect(statistic < freedom + 6 * (2 * freedom).squareRoot())
  }

  @Test func everyCandidateIsTakenEquallyOftenAndIndependently() {
    let (count, probability, steps) = (12, 0.2, 60_000)
    var random = SeededStream(seed: 99)
    let sampler = PoissonSampler(probability: probability, candidateCount: count)
    var taken = [Int](repeating: 0, count: count)
    var pairs = [[Int]](repeating: [Int](repeating: 0, count: count), count: count)
    var repeats = [Int](repeating: 0, count: count)
    var previous: Set<Int32> = []
    for _ in 0..<steps {
      let draw = sampler.draw(using: &random)
      #expect(draw == draw.sorted())
      for one in draw {
        taken[Int(one)] += 1
        for other in draw where other > one { pairs[Int(one)][Int(other)] += 1 }
        if previous.contains(one) { repeats[Int(one)] += 1 }
      }
      previous = Set(draw)
    }
    func isClose(_ observed: Int, _ chance: Double) -> Bool {
      let expectation = Double(steps) * chance
      return abs(Double(observed) - expectation) < 5.5 * (expectation * (1 - chance)).squareRoot()
    }
    for one in 0..<count {
      #expect(isClose(taken[one], probability))
      // Shuffled or cycled batches would fail here: membership in a step must not lower that in the next.
      #expect(isClose(repeats[one], probability * probability))
      for other in (one + 1)..<count {
        #expect(isClose(pairs[one][other], probability * probability))
      }
    }
  }
}
