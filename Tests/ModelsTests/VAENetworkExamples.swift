import Compute
import Datasets
import Learning
import Privacy
import TestSupport

@testable import Models

/// Autoencoders whose codes a Bayesian network describes, with the steps that tests make of them.
enum NetworkVAE {
  static let format = ImageSpecification.tiny(height: 8, width: 8, classes: 2)

  static func model(
    _ change: (inout VAESettings) -> Void = { _ in }, seed: UInt64 = 3,
    format: ImageSpecification = Self.format
  ) throws -> VAE {
    var settings = VAESettings(
      latentSize: 2, channels: 4, depth: 1, bits: 2, codes: .network, share: 0.2, codeBins: 3,
      learningRate: 0.002, averageDecay: 0.9)
    change(&settings)
    return try VAE(settings, for: format, seed: seed, on: Machine(threadCount: 1))
  }

  /// Images of two classes, each of its own brightness with noise.
  static func images(_ count: Int, seed: UInt64 = 1) -> ImageArray {
    var images = ImageArray.random(count, format, seed: seed)
    for place in images.values.indices {
      images.values[place] = images.values[place] / 2 + (place / 64 % 2 == 0 ? 0.4 : -0.4)
    }
    return images
  }

  static func train(
    _ model: VAE, _ images: any ExampleSource, steps: Range<Int>,
    by mechanism: SubsampledGaussian? = nil
  ) throws {
    for index in steps {
      _ = try model.step(
        TrainingStep(
          index: index, stepCount: 20, batchSize: images.count, protection: .test(mechanism),
          noise: TestNoise.stream(UInt32(index))), on: PrivateExamples(images))
    }
  }

  @discardableResult
  static func measure(
    _ model: VAE, _ images: any ExampleSource, noise multiplier: Double? = nil,
    isStopped: Bool = false
  ) throws -> StepReport {
    let columns = Double(model.settings.latentSize + (model.format.classes.count > 1 ? 1 : 0))
    let mechanism = try multiplier.map {
      try SubsampledGaussian(
        samplingProbability: 1, noiseMultiplier: $0, clipNorm: columns.squareRoot(),
        nominalBatchSize: images.count, noise: .discreteGaussian)
    }
    return try model.step(
      TrainingStep(
        phase: BayesianNetwork.oneWay, index: 0, stepCount: 1, batchSize: images.count,
        protection: .test(mechanism), noise: TestNoise.stream(77), shouldStop: { isStopped }),
      on: PrivateExamples(images))
  }

  @discardableResult
  static func round(
    _ model: VAE, _ index: Int, _ images: any ExampleSource, noise multiplier: Double? = nil,
    isStopped: Bool = false
  ) throws -> StepReport {
    let protection: SelectionProtection =
      try multiplier.map {
        .noise(try SelectionMechanism(noiseMultiplier: $0, noise: .discreteGaussian))
      } ?? .none(.test)
    return try model.round(
      SelectionRound(
        phase: BayesianNetwork.rounds, index: index, count: 4, population: images.count,
        protection: protection, noise: TestNoise.stream(UInt32(40 + index)),
        shouldStop: { isStopped }), on: PrivateExamples(images))
  }

  /// A model whose network has learnt the codes of images, without noise.
  static func learnt(
    _ change: (inout VAESettings) -> Void = { _ in }, rounds: Int = 3
  ) throws -> VAE {
    let model = try model(change)
    let images = Self.images(40)
    try train(model, images, steps: 0..<15)
    try measure(model, images)
    for index in 0..<rounds { try round(model, index, images) }
    return model
  }

  static func drawn(_ model: VAE, _ labels: [Int] = [0, 1, 0, 1]) throws -> [Float] {
    var values: [Float] = []
    try model.sample(SampleRequest(labels: labels, seed: 5)) { values += $1.array }
    return values
  }
}
