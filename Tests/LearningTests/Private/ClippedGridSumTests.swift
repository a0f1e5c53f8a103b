import Compute
import Privacy
import TestSupport
import Testing

@testable import Learning

/// The hardened mode: whole steps, exact sums, the same bound.
@Suite struct ClippedGridSumTests {
  private let loss = GivenGradientLoss([
    [3, 1, -2], [400, -10, 20], [0.001, 0, 0.002], [.nan, 0, 0],
  ])

  @Test func orderThreadsAndMicroBatchesChangeNoBit() throws {
    var stream = SeededStream(seed: 51)
    var examples = PrivateBench.examples(24, labelCount: 3, from: &stream)
    let expected = try release(examples)
    for _ in 0..<3 {
      let order = Array(0..<24).shuffled(using: &stream)
      examples.values = order.map { examples.values[$0] }
      examples.labels = order.map { examples.labels[$0] }
      #expect(try release(examples) == expected)
    }
    for size in [1, 5, 64] { #expect(try release(examples, microBatchSize: size) == expected) }
    for threads in [2, 3] { #expect(try release(examples, threads: threads) == expected) }
  }

  @Test func oneUnitMovesTheSumByAtMostTheBoundInWholeSteps() throws {
    let mechanism = try mechanism(multiplier: 1, clipNorm: 0.75)
    let grid = try #require(mechanism.grid)
    var stream = SeededStream(seed: 52)
    var longest = 0.0
    for _ in 0..<40 {
      var examples = PrivateBench.examples(3, labelCount: 3, from: &stream)
      let without = try release(examples, mechanism)
      let added = PrivateBench.examples(1, labelCount: 4, from: &stream)
      examples.values.append(added.values[0])
      examples.labels.append(added.labels[0])
      let with = try release(examples, mechanism)
      // The noise is the same, so differences are differences of the sums.
      let moved = zip(with, without).reduce(0.0) { total, pair in
        let steps = (Double(pair.0) - Double(pair.1)) / grid.step
        return total + steps * steps
      }
      longest = max(longest, moved.squareRoot())
      // Results are floats: differences of numbers of a few million steps have errors of half a step.
      let rounding = Double(with.count).squareRoot()
      #expect(moved.squareRoot() <= Double(grid.sensitivity) + rounding)
    }
    #expect(longest > 0.999 * Double(grid.sensitivity))
  }

  @Test func contributionIsShortenedUntilItsWholeNormFits() throws {
    let grid = try #require(try mechanism(multiplier: 1, clipNorm: 1).grid)
    #expect(grid.sensitivity == 1 << 20)
    let arena = Arena()
    let contribution = arena.make(Shape(3))
    for values: [Float] in [
      [1, 0, 0], [1.0001, 0, 0], [0.8, 0.6, 0.001], [9, 9, -9], [1e30, 0, 1],
    ] {
      contribution.assign(values)
      var sum = [0, 0, 0]
      grid.add(contribution, to: &sum)
      let square = sum.reduce(0) { $0 + $1 * $1 }
      #expect(square <= 1 << 40)
      #expect(Double(square) > 0.99999 * Double(1 << 40))
    }
    for values: [Float] in [[.nan, 0, 0], [0, .infinity, 1]] {
      contribution.assign(values)
      var sum = [5, 6, 7]
      grid.add(contribution, to: &sum)
      #expect(sum == [5, 6, 7])
    }
    contribution.assign([0.3, -0.7, 0x1p-21])
    var sum = [0, 0, 1]
    grid.add(contribution, to: &sum)
    #expect(sum == [314_572, -734_003, 1])
  }

  @Test func sumAgreesWithTheFloatingPointSum() throws {
    let bench = PrivateBench()
    var stream = SeededStream(seed: 53)
    let examples = PrivateBench.examples(9, labelCount: 4, from: &stream)
    let mechanism = try mechanism(multiplier: 1e-9, clipNorm: 1)
    let hardened = try release(examples, mechanism)
    let plain = try bench.sum(examples, loss, clipNorm: 1)
    #expect(distance(hardened, plain) < 1e-4 * norm(plain))
  }

  @Test func theMechanismDecidesBetweenTheTwoSums() throws {
    var stream = SeededStream(seed: 54)
    let examples = PrivateExamples(PrivateBench.examples(5, labelCount: 3, from: &stream))
    let bench = PrivateBench()
    let pass = Pass(on: bench.machine)
    let hardened = try mechanism(multiplier: 1, clipNorm: 1)
    let plain = try SubsampledGaussian(
      samplingProbability: 0.1, noiseMultiplier: 1, clipNorm: 1, nominalBatchSize: 1)
    let gradient = { (mechanism: SubsampledGaussian) in
      bench.network.noisedGradient(
        over: examples, loss: loss, mechanism, noise: TestNoise.stream(5), in: pass
      ).values.array
    }
    let exact = bench.network.clippedGridSum(over: examples, loss: loss, hardened, in: pass)
      .noised(by: TestNoise.stream(5))
    let floating = bench.network.clippedSum(over: examples, loss: loss, plain, in: pass)
      .noised(by: TestNoise.stream(5))
    #expect(gradient(hardened) == exact.values.array)
    #expect(gradient(plain) == floating.values.array)
    #expect(exact.values.array != floating.values.array)
  }

  @Test func emptyBatchIsNoiseOfThePlansScale() throws {
    let mechanism = try SubsampledGaussian(
      samplingProbability: 0.1, noiseMultiplier: 1.3, clipNorm: 0.4, nominalBatchSize: 16,
      noise: .discreteGaussian)
    var values: [Float] = []
    let bench = PrivateBench()
    let noise = TestNoise.stream(3)
    while values.count < 60_000 {
      let sum = bench.network.clippedGridSum(
        over: PrivateExamples(ArrayExamples([])), loss: loss, mechanism, in: Pass(on: bench.machine)
      )
      let gradient = sum.noised(by: noise)
      values += gradient.values.array
    }
    let variance = values.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(values.count)
    let expected = 1.3 * 0.4 / 16
    #expect(isClose(variance, to: expected * expected, relative: 0.025))
  }

  private func mechanism(multiplier: Double, clipNorm: Double) throws -> SubsampledGaussian {
    try SubsampledGaussian(
      samplingProbability: 0.1, noiseMultiplier: multiplier, clipNorm: clipNorm,
      nominalBatchSize: 1, noise: .discreteGaussian)
  }

  private func release(
    _ examples: ArrayExamples, _ given: SubsampledGaussian? = nil, microBatchSize: Int = 32,
    threads: Int = 1
  ) throws -> [Float] {
    let bench = PrivateBench(microBatchSize: microBatchSize, threads: threads)
    let mechanism = try given ?? mechanism(multiplier: 1, clipNorm: 1)
    let sum = bench.network.clippedGridSum(
      over: PrivateExamples(examples), loss: loss, mechanism, in: Pass(on: bench.machine))
    let gradient = sum.noised(by: TestNoise.stream(5))
    return gradient.values.array
  }
}
