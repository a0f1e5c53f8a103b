import Compute
import Learning
import Privacy
import TestSupport
import Testing

/// A noisy sum of vectors: clipped by unit, exact before noise, with the noise of its mechanism.
@Suite struct VectorSumTests {
  private static let dimension = 3

  private func mechanism(
    clipNorm: Double = 2, noise multiplier: Double = 1e-6, _ kind: NoiseDistribution = .gaussian
  ) throws -> SubsampledGaussian {
    try SubsampledGaussian(
      samplingProbability: 1, noiseMultiplier: multiplier, clipNorm: clipNorm,
      nominalBatchSize: 10, noise: kind)
  }

  /// The sum of vectors that are the examples themselves.
  private func sum(
    _ examples: ArrayExamples, _ mechanism: SubsampledGaussian, seed: UInt32 = 3
  ) -> [Double] {
    VectorSum(dimension: Self.dimension, of: Shape(Self.dimension), by: mechanism) {
      images, _, target in
      for index in 0..<target.count { target.pointer[index] = images.pointer[index] }
    }.noised(over: PrivateExamples(examples), noise: TestNoise.stream(seed))?.value ?? []
  }

  /// The noise alone, which an empty set shows.
  private func noise(_ mechanism: SubsampledGaussian, seed: UInt32 = 3) -> [Double] {
    sum(ArrayExamples([]), mechanism, seed: seed)
  }

  private func exact(_ examples: ArrayExamples, _ mechanism: SubsampledGaussian) -> [Double] {
    zip(sum(examples, mechanism), noise(mechanism)).map { $0 - $1 }
  }

  private func norm(_ vector: [Double]) -> Double {
    vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
  }

  private static func random(_ count: Int, scale: Float, seed: UInt64) -> [[Float]] {
    var stream = SeededStream(seed: seed)
    return (0..<count).map { _ in
      (0..<dimension).map { _ in Float(stream.gaussian()) * scale }
    }
  }

  @Test func shortVectorsAreAddedAsTheyAre() throws {
    let vectors = Self.random(300, scale: 0.3, seed: 1)
    let expected = (0..<Self.dimension).map { index in
      vectors.reduce(0.0) { $0 + Double($1[index]) }
    }
    let found = exact(ArrayExamples(vectors), try mechanism())
    // Each is truncated by less than a step of the grid.
    for (left, right) in zip(found, expected) { #expect(abs(left - right) < 300 * 2 * 0x1p-20) }
  }

  @Test(
    arguments: [
      [1e6, 0, 0], [1, 1, 1], [.infinity, 0, 0], [.nan, 1, 1], [3e38, 3e38, 3e38],
      [1.1547005, 1.1547005, 1.1547005], [1e-30, 2, 0],
    ] as [[Float]], [NoiseDistribution.gaussian, .discreteGaussian])
  func oneUnitMovesTheSumByAtMostTheClipNorm(
    _ vector: [Float], _ kind: NoiseDistribution
  ) throws {
    let mechanism = try mechanism(kind)
    let others = Self.random(200, scale: 5, seed: 2)
    let without = exact(ArrayExamples(others), mechanism)
    let with = exact(ArrayExamples(others + [vector]), mechanism)
    let moved = norm(zip(with, without).map { $0 - $1 })
    // What is subtracted here has the rounding of doubles.
    #expect(moved <= mechanism.clipNorm * (1 + 1e-8), "\(moved)")
    let length = norm(vector.map(Double.init))
    guard length.isFinite else { return #expect(moved == 0) }
    #expect(moved > 0.999 * min(2, length), "\(moved)")
  }

  @Test func allVectorsOfAUnitAreClippedTogether() throws {
    let mechanism = try mechanism()
    let three = ArrayExamples(
      [[1.5, 0, 0], [1.5, 0, 0], [0, 1.5, 0]], units: [7, 7, 7])
    let moved = exact(three, mechanism)
    #expect(norm(moved) <= 2 && norm(moved) > 1.999)
    // The direction is that of their sum.
    #expect(abs(moved[0] - 2 * moved[1]) < 1e-5)
  }

  @Test func theSumDoesNotDependOnTheOrderOfUnits() throws {
    let mechanism = try mechanism()
    let vectors = Self.random(400, scale: 2, seed: 4)
    #expect(
      sum(ArrayExamples(vectors), mechanism) == sum(ArrayExamples(vectors.reversed()), mechanism))
  }

  @Test(arguments: [NoiseDistribution.gaussian, .discreteGaussian])
  func noiseHasTheMechanismsDeviation(_ kind: NoiseDistribution) throws {
    let mechanism = try mechanism(clipNorm: 3, noise: 1.5, kind)
    var square = 0.0
    let rounds: UInt32 = 4000
    for seed in 0..<rounds {
      square += noise(mechanism, seed: seed + 10).reduce(0) { $0 + $1 * $1 }
    }
    let variance = square / Double(rounds) / Double(Self.dimension)
    #expect(isClose(variance, to: 4.5 * 4.5, relative: 0.05), "\(variance)")
  }

  /// Low bits of a sum are not released beside noise whose floats are coarser.
  @Test func resultsAreWholeStepsOfAThousandthOfTheNoise() throws {
    let mechanism = try mechanism(noise: 700)
    let values = sum(ArrayExamples(Self.random(200, scale: 1, seed: 9)), mechanism)
    let step = 1.0
    #expect(mechanism.noiseStandardDeviation / 1400 <= step)
    #expect(values.allSatisfy { $0 == ($0 / step).rounded() * step }, "\(values)")
  }

  /// What was reserved for it may be given back only because nothing of it is left.
  @Test func aSumThatIsGivenUpInTheMiddleDrawsNoNoise() throws {
    let examples = PrivateExamples(ArrayExamples(Self.random(400, scale: 1, seed: 5)))
    for kind in [NoiseDistribution.gaussian, .discreteGaussian] {
      let sum = VectorSum(
        dimension: Self.dimension, of: Shape(Self.dimension),
        by: try mechanism(noise: 1, kind)
      ) { images, _, target in
        for index in 0..<target.count { target.pointer[index] = images.pointer[index] }
      }
      let noise = TestNoise.stream(7)
      var asked = 0
      let result = sum.noised(over: examples, noise: noise) {
        asked += 1
        return asked == 3
      }
      #expect(result == nil && asked == 3, "\(kind)")
      // The stream stands where it stood: the same sum gets the noise that a fresh stream gives.
      let again = try #require(sum.noised(over: examples, noise: noise)).value
      let fresh = try #require(sum.noised(over: examples, noise: TestNoise.stream(7))).value
      #expect(again == fresh, "\(kind)")
    }
  }

  @Test func unitsLargerThanABlockStayWhole() throws {
    let vectors = [[Float]](repeating: [1, 0, 0], count: 500)
    let moved = exact(
      ArrayExamples(vectors, units: [Int](repeating: 1, count: 500)), try mechanism())
    #expect(norm(moved) <= 2 && norm(moved) > 1.999)
  }
}
