import Compute
import Glibc
import Learning
import Privacy
import TestSupport
import Testing

/// The noise of a released gradient: its scale, distribution and independence.
@Suite struct NoiseTests {
  /// Inputs and outputs of the network.
  private static let width = 1000

  @Test func emptyBatchIsNormalNoiseOfThePlansScale() throws {
    let network = makeNetwork()
    let mechanism = try SubsampledGaussian(
      samplingProbability: 0.01, noiseMultiplier: 1.7, clipNorm: 0.3, nominalBatchSize: 128)
    let values = try release(network, mechanism, ArrayExamples([]))
    let deviation = 1.7 * 0.3 / 128
    let normal = values.map { Double($0) / deviation }
    let count = Double(normal.count)
    #expect(count >= 1_000_000)
    let mean = normal.reduce(0, +) / count
    let variance = normal.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count
    #expect(abs(mean) < 4 / count.squareRoot())
    #expect(abs(variance - 1) < 0.005)
    #expect(kolmogorovDistance(normal) < 1.63 / count.squareRoot())
    // Expected beyond 3, 4, 4.5: 2700, 63.3, 6.8 in a million; beyond 7 none in ten billion.
    #expect((2490...2910).contains(normal.count { abs($0) > 3 }))
    #expect((32...95).contains(normal.count { abs($0) > 4 }))
    #expect((0...18).contains(normal.count { abs($0) > 4.5 }))
    #expect(normal.allSatisfy { abs($0) < 7 })
  }

  @Test(arguments: [(0.5, 1.0, 1), (2.0, 0.1, 64), (1.0, 8.0, 1000)])
  func noiseScalesWithMultiplierClipNormAndDivisor(
    _ multiplier: Double, _ clipNorm: Double, _ batchSize: Int
  ) throws {
    let network = makeNetwork()
    let mechanism = try SubsampledGaussian(
      samplingProbability: 0.5, noiseMultiplier: multiplier, clipNorm: clipNorm,
      nominalBatchSize: batchSize)
    // Examples without a gradient: the drawn batch must not change the noise.
    let examples = ArrayExamples(
      [[Float]](repeating: [Float](repeating: 1, count: Self.width), count: 5),
      labels: [0, 0, 0, 0, 0])
    let values = try release(network, mechanism, examples)
    let variance =
      values.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(values.count)
    let expected = multiplier * clipNorm / Double(batchSize)
    #expect(isClose(variance, to: expected * expected, relative: 0.005))
  }

  @Test func noiseDiffersBetweenTensorsAndSteps() throws {
    let network = makeNetwork()
    let mechanism = try SubsampledGaussian(
      samplingProbability: 0.5, noiseMultiplier: 1, clipNorm: 1, nominalBatchSize: 1)
    let noise = TestNoise.stream(2)
    let first = try release(network, mechanism, ArrayExamples([]), noise)
    let second = try release(network, mechanism, ArrayExamples([]), noise)
    #expect(abs(correlation(first, second)) < 4 / Double(first.count).squareRoot())
    let tensors = network.parameters.parameters.filter { $0.shape.count >= 400_000 }.map {
      Array(first[$0.offset..<($0.offset + $0.shape.count)])
    }
    #expect(tensors.count == 2)
    let shared = Double(min(tensors[0].count, tensors[1].count))
    #expect(abs(correlation(tensors[0], tensors[1])) < 4 / shared.squareRoot())
    for lag in [1, 2, 16, Self.width] {
      let shifted = Array(first.dropFirst(lag))
      #expect(abs(correlation(first, shifted)) < 4 / Double(first.count).squareRoot())
    }
    #expect(first.allSatisfy { $0 != 0 })
  }

  @Test func streamsOfTwoRunsShareNothing() throws {
    let network = makeNetwork()
    let mechanism = try SubsampledGaussian(
      samplingProbability: 0.5, noiseMultiplier: 1, clipNorm: 1, nominalBatchSize: 1)
    let first = try release(network, mechanism, ArrayExamples([]), NoiseStream())
    let second = try release(network, mechanism, ArrayExamples([]), NoiseStream())
    #expect(abs(correlation(first, second)) < 5 / Double(first.count).squareRoot())
  }

  private func makeNetwork() -> PrivateNetwork {
    var net = NetworkBuilder(input: Shape(Self.width), on: Machine(threadCount: 1))
    net.dense(500)
    net.dense(1000)
    // Two tensors of weights, half a million each.
    return net.privateNetwork(seed: 1)
  }

  private func release(
    _ network: PrivateNetwork, _ mechanism: SubsampledGaussian, _ examples: ArrayExamples,
    _ noise: NoiseStream = TestNoise.stream(1)
  ) throws -> [Float] {
    let zeros = GivenGradientLoss([[Float](repeating: 0, count: 1000)])
    let gradient = network.clippedSum(
      over: PrivateExamples(examples), loss: zeros, mechanism, in: Pass(on: Machine(threadCount: 1))
    ).noised(by: noise)
    return gradient.values.array
  }

  private func kolmogorovDistance(_ values: [Double]) -> Double {
    let count = Double(values.count)
    return values.sorted().enumerated().reduce(0) { largest, entry in
      let probability = 0.5 * erfc(-entry.element / 2.0.squareRoot())
      let below = Double(entry.offset) / count
      return max(largest, abs(probability - below), abs(probability - below - 1 / count))
    }
  }

  private func correlation(_ a: [Float], _ b: [Float]) -> Double {
    var products = 0.0
    var squaresA = 0.0
    var squaresB = 0.0
    for (x, y) in zip(a, b) {
      products += Double(x) * Double(y)
      squaresA += Double(x) * Double(x)
      squaresB += Double(y) * Double(y)
    }
    return products / (squaresA * squaresB).squareRoot()
  }
}
