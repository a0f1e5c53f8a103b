import Compute
import Learning
import Privacy
import TestSupport
import Testing

@testable import Models

/// Mean images of each class from one noisy sum.
@Suite struct ClassMeansTests {
  private static let format = ImageSpecification.tiny(height: 40, width: 24, classes: 2)

  private func means(
    of images: ImageArray, noise multiplier: Double = 1e-6, seed: UInt32 = 4,
    format: ImageSpecification = Self.format
  ) throws -> [ClassMeans.Mean] {
    let (means, mechanism) = (ClassMeans(of: format), try mechanism(multiplier))
    let sum = try #require(
      means.sum(by: mechanism).noised(
        over: PrivateExamples(images), noise: TestNoise.stream(seed)))
    return means.means(of: sum.value, noise: mechanism.noiseStandardDeviation)
  }

  private func mechanism(_ multiplier: Double) throws -> SubsampledGaussian {
    try SubsampledGaussian(
      samplingProbability: 1, noiseMultiplier: multiplier, clipNorm: 1, nominalBatchSize: 40)
  }

  /// The level of a value in [−1, 1].
  private func level(_ value: Float) -> Double { 255 * 0.5 * (1 + Double(value)) }

  @Test func meansAreThoseOfSmallCopiesOfTheImages() throws {
    let images = ImageArray.random(30, Self.format)
    let found = try means(of: images)
    let size = Self.format.shape.count
    #expect(ClassMeans(of: Self.format).height == 14 && ClassMeans(of: Self.format).width == 8)
    for label in 0..<2 {
      let own = images.classes.indices.filter { images.classes[$0] == label }
      for row in 0..<14 {
        for column in 0..<8 {
          // Three rows and columns become one; the last row has one only.
          let rows = (3 * row)..<min(40, 3 * row + 3)
          var (total, count) = (0.0, 0.0)
          for image in own {
            for y in rows {
              for x in (3 * column)..<(3 * column + 3) {
                total += level(images.values[image * size + y * 24 + x])
                count += 1
              }
            }
          }
          let difference = Double(found[label].levels[row * 8 + column]) - total / count
          #expect(abs(difference) <= 1.01, "\(label) \(row) \(column): \(difference)")
        }
      }
    }
  }

  @Test func noImageAddsAVectorAboveNormOne() throws {
    let size = Self.format.shape.count
    let white = ImageArray(
      shape: Self.format.shape, values: [Float](repeating: 1, count: size), classes: [1])
    for images in [white, ImageArray.random(1, Self.format)] {
      // Unclipped: the clip norm is far above the vector.
      let mechanism = try SubsampledGaussian(
        samplingProbability: 1, noiseMultiplier: 1e-7, clipNorm: 100, nominalBatchSize: 1)
      let sum = try #require(
        ClassMeans(of: Self.format).sum(by: mechanism).noised(
          over: PrivateExamples(images), noise: TestNoise.stream(1)))
      let norm = sum.value.reduce(0) { $0 + $1 * $1 }.squareRoot()
      #expect(norm <= 1 + 1e-3 && norm > 0.5, "\(norm)")
    }
  }

  @Test func theStatedNoiseIsThatOfTheLevels() throws {
    let size = Self.format.shape.count
    let grey = ImageArray(
      shape: Self.format.shape, values: [Float](repeating: 0, count: 400 * size),
      classes: (0..<400).map { $0 % 2 })
    var squares: [Double] = []
    var stated: [Double] = []
    for seed in 1...6 {
      for mean in try means(of: grey, noise: 1, seed: UInt32(seed)) {
        stated.append(try #require(mean.standardDeviation))
        let centre = mean.levels.reduce(0.0) { $0 + Double($1) } / Double(mean.levels.count)
        squares += mean.levels.map { (Double($0) - centre) * (Double($0) - centre) }
      }
    }
    let measured = (squares.reduce(0, +) / Double(squares.count)).squareRoot()
    let expected = stated.reduce(0, +) / Double(stated.count)
    #expect(abs(measured / expected - 1) < 0.1, "\(measured) against \(expected)")
  }

  @Test func noDeviationIsStatedWhereNoiseHidesTheNumberOfImages() throws {
    let found = try means(of: .random(2, Self.format), noise: 1e4)
    #expect(found.contains { $0.standardDeviation == nil })
    #expect(found.allSatisfy { $0.levels.allSatisfy((0...255).contains) })
  }
}
