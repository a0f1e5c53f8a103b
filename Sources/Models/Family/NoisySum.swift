import Glibc
import Learning
import Privacy

/// The sum of one vector for each unit over all images, in blocks of classes, as the protection of a step allows.
///
/// A block holds the features of a class and, last, a count of its units. Everything that is computed from the sum
/// and from public numbers is post-processing.
struct NoisySum {
  /// The share of a vector's norm by which units are counted.
  static let countShare: Float = 0.3
  /// The factor of features in a vector, which the count leaves of its norm.
  static let featureScale = Double((1 - countShare * countShare).squareRoot())

  /// The numbers of all blocks.
  let values: [Double]
  /// The standard deviation of the noise on every number; 0 without noise.
  let deviation: Double

  /// The Euclidean norm.
  var norm: Double { values.reduce(0) { $0 + $1 * $1 }.squareRoot() }

  /// The number of units that a noisy count stands for; a count below its own noise is meaningless.
  static func unitCount(of count: Double, deviation: Double) -> Double {
    max(count, deviation, 1e-9) / Double(countShare)
  }

  /// A vector without the length that noise adds to it (the positive part of James and Stein's estimator).
  static func shrunk(_ vector: [Double], deviation: Double) -> [Double] {
    let square = vector.reduce(0) { $0 + $1 * $1 }
    let noise = Double(vector.count) * deviation * deviation
    guard square > noise else { return vector.map { _ in 0 } }
    return vector.map { $0 * (1 - noise / square) }
  }
}

extension TrainingStep {
  /// The sum over the images of this step.
  ///
  /// - Parameter sum: describes the sum for a mechanism.
  /// - Throws: `AbandonedStep` if the step was told to stop.
  func sum(
    over images: PrivateExamples, by sum: (SubsampledGaussian) -> VectorSum
  ) throws -> NoisySum {
    switch protection {
    case .noise(let mechanism):
      guard let noised = sum(mechanism).noised(over: images, noise: noise, unless: shouldStop)
      else { throw AbandonedStep() }
      return NoisySum(values: noised.value, deviation: mechanism.noiseStandardDeviation)
    case .none(let permission):
      // Clipped at one, so that a folder of many images counts as one as it does with privacy.
      let mechanism = try SubsampledGaussian(
        samplingProbability: 1, noiseMultiplier: 1, clipNorm: 1, nominalBatchSize: batchSize)
      guard let plain = sum(mechanism).unprotected(over: images, permission, unless: shouldStop)
      else { throw AbandonedStep() }
      return NoisySum(values: plain, deviation: 0)
    }
  }
}
