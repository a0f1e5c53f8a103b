public import Compute
public import Learning
import Privacy

/// A generator that matches the mean features of each class, which one noisy sum over all images gave.
///
/// The private images are read once: each adds a vector of norm 1, its features in the block of its class.
/// Noise on that sum is all that the run pays for; the generator then learns from the noisy means alone, in
/// steps that cost nothing. This is the kernel mean embedding of DP-MERF (Harder and others 2021, arXiv
/// 2002.11603) with features of random convolutions. It is cheap and robust for few images, and coarse.
public final class Embedding: GenerativeModel {
  public static let family = "embedding"
  /// The name of the phase in which the private images are read.
  static let answer = "mean embeddings"
  /// The name of the phase in which the generator learns.
  static let matching = "generator"

  /// The recipe's settings.
  public let settings: EmbeddingSettings
  let format: ImageSpecification
  let map: FeatureMap
  let generator: AveragedGenerator
  /// The noisy sum, divided by the number of units in the plan.
  let sum: Tensor
  private let optimizer: Adam
  private let seed: UInt64
  private let memory = Arena()
  /// The number of units in the plan and the noise on the sum, which the means are computed with.
  private var population = 0
  private var deviation = 0.0
  private var means: MeanEmbeddings?

  public init(
    _ settings: EmbeddingSettings, for format: ImageSpecification, seed: UInt64,
    on machine: Machine
  ) throws {
    try settings.validate(for: format)
    self.settings = settings
    self.format = format
    self.seed = seed
    map = EmbeddingFeatures.map(settings, for: format, on: machine)
    generator = AveragedGenerator(
      width: settings.generatorWidth, latentSize: settings.latentSize,
      averageDecay: settings.averageDecay, for: format, seed: seed, on: machine)
    optimizer = Adam(
      for: generator.parameters,
      AdamConstants(learningRate: Float(settings.learningRate), beta1: 0.5, beta2: 0.999),
      on: machine)
    sum = memory.makeZeros(Shape((map.dimension + 1) * max(1, format.classes.count)))
  }

  /// One noisy sum over all images, then steps of the generator.
  public static func phases(
    of settings: EmbeddingSettings, training: TrainingSettings, for format: ImageSpecification
  ) -> [PhaseOutline] {
    [
      PhaseOutline(
        answer, "one noisy sum of the features of all images, by class", .answer(clipNorm: 1)),
      PhaseOutline(
        matching, "a generator learns to match the noisy means",
        .free(.postProcessing, steps: settings.steps)),
    ]
  }

  public var privateParameterCount: Int { sum.count }

  public var description: String {
    "embedding, \(map.dimension) features of each class; generator, "
      + "\(generator.parameters.count) parameters\n\(generator.network.description)"
  }

  public func step(_ step: TrainingStep, on images: PrivateExamples) throws -> StepReport {
    let noisy = try step.sum(over: images) { mechanism in
      VectorSum(
        embeddingBy: map, classCount: max(1, format.classes.count),
        countShare: NoisySum.countShare, by: mechanism)
    }
    deviation = noisy.deviation
    population = step.batchSize
    sum.assign(noisy.values.map { Float($0 / Double(step.batchSize)) })
    means = nil
    return step.report(ofWeights: [.embeddingNorm: noisy.norm / Double(step.batchSize)])
  }

  public func work(_ step: FreeStep) throws -> StepReport {
    let rate = step.learningRate(upTo: settings.learningRate)
    optimizer.learningRate = rate
    let known = means ?? estimatedMeans()
    means = known
    generator.parameters.gradient.fill(0)
    var distance = 0.0
    for label in known.means.indices {
      distance += addGradient(ofClass: label, towards: known.means[label], at: step.index)
    }
    generator.update(dividingBy: known.means.count, by: optimizer)
    var report = step.report(ofWeights: [
      .embeddingDistance: distance / Double(known.means.count)
    ])
    report.curves[.learningRate] = Releasable(Double(rate), .chosenBeforehand)
    return report
  }

  private func estimatedMeans() -> MeanEmbeddings {
    let scale = Double(max(1, population))
    return MeanEmbeddings(
      of: sum.buffer.map { Double($0) * scale }, featureCount: map.dimension,
      deviation: deviation)
  }

  /// Adds the gradient of the squared distance between the mean features of drawn images and the noisy means.
  ///
  /// The two factors of the square come from two halves of the images: with one set, the estimate would
  /// reward images that are all alike.
  private func addGradient(ofClass label: Int, towards mean: [Float], at step: Int) -> Double {
    let half = settings.batchSize / 2
    var stream = SeededStream(
      seed: seed &+ UInt64(step * max(1, format.classes.count) + label) &* 0x9E37_79B9_7F4A_7C15)
    let latents = generator.latents(
      for: [Int](repeating: label, count: 2 * half), from: &stream)
    let images = generator.images(0..<latents.count, of: latents)
    let count = map.dimension
    let features = generator.pass.arena.make(Shape(2 * half, count))
    map.write(of: images, to: features)
    let gaps = [0, half].map { first in
      (0..<count).map { index -> Float in
        var total: Float = 0
        for example in first..<(first + half) { total += features.pointer[example * count + index] }
        return total / Float(half) - mean[index]
      }
    }
    let gradient = generator.pass.arena.make(Shape(2 * half, count))
    for example in 0..<(2 * half) {
      let other = gaps[example < half ? 1 : 0]
      for index in 0..<count {
        gradient.pointer[example * count + index] = other[index] / Float(half)
      }
    }
    generator.addGradient(ofImages: map.imageGradient(of: gradient))
    return zip(gaps[0], gaps[1]).reduce(0) { $0 + Double($1.0 * $1.1) }
  }

  public func sample(
    _ request: SampleRequest, _ receive: (_ first: Int, _ images: Tensor) throws -> Void
  ) throws {
    try settings.validate(request, for: format)
    try generator.sample(request, receive)
  }

  public func save(into checkpoint: inout Checkpoint) {
    checkpoint.tensors["embedding.sum"] = Checkpoint.Array(
      shape: sum.shape.extents, values: sum.array)
    checkpoint.metadata["embedding.population"] = String(population)
    checkpoint.metadata["embedding.deviation"] = String(deviation)
    checkpoint.save(optimizer, as: "generator_optimizer")
    generator.save(into: &checkpoint)
  }

  public func restore(from checkpoint: Checkpoint) throws {
    sum.assign(try checkpoint.array("embedding.sum", shape: sum.shape.extents).values)
    population = try checkpoint.count("embedding.population")
    deviation = try checkpoint.value("embedding.deviation")
    guard deviation.isFinite, deviation >= 0 else {
      throw Checkpoint.Failure.badMetadata(
        key: "embedding.deviation", found: checkpoint.metadata["embedding.deviation"])
    }
    means = nil
    try checkpoint.restore(optimizer, from: "generator_optimizer")
    try generator.restore(from: checkpoint)
  }

  public func saveGenerator(into checkpoint: inout Checkpoint) {
    generator.saveAverage(into: &checkpoint)
  }

  public func restoreGenerator(from checkpoint: Checkpoint) throws {
    try generator.restoreAverage(from: checkpoint)
  }
}

extension TrainingCurve {
  /// The norm of the noisy sum, divided by the number of units.
  static let embeddingNorm = TrainingCurve("embedding_norm")
  /// The mean squared distance of drawn images from the noisy means of their classes.
  static let embeddingDistance = TrainingCurve(
    "embedding_distance", title: "Distance of drawn images from the noisy mean embeddings", .lower)
}

extension Embedding {
  public static let curves: [TrainingCurve] = [.learningRate, .embeddingNorm, .embeddingDistance]
  public static let watchedCurve: TrainingCurve? = .embeddingDistance
}
