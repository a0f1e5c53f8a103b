public import Compute
public import Learning
import Privacy

/// A class-conditional GAN in which only the discriminator reads private images, with clipping and noise.
///
/// The generator learns from the discriminator's parameters, which noise protects, so its own steps
/// cost no privacy (Xie et al., arXiv 1802.06739). The plan's steps count discriminator updates.
public final class DPGAN: GenerativeModel {
  public static let family = "dp-gan"

  /// The settings of the recipe.
  public let settings: DPGANSettings
  private let format: ImageSpecification
  private let seed: UInt64
  private let machine: Machine
  private let discriminator: PrivateNetwork
  private let generator: Network
  /// Averaged weights of the generator, which draw the images.
  private let average: WeightAverage
  private let discriminatorOptimizer: Adam
  private let generatorOptimizer: Adam
  private var schedule: DiscriminatorSchedule
  /// The discriminator's gradient from fakes.
  private let fakeGradient: Tensor
  private let discriminatorPass: Pass
  private let generatorPass: Pass
  /// The curves of the last generator step, repeated until the next one.
  private var generatorReport: [TrainingCurve: Double] = [:]

  public init(
    _ settings: DPGANSettings, for format: ImageSpecification, seed: UInt64, on machine: Machine
  ) throws {
    try settings.validate(for: format)
    self.settings = settings
    self.format = format
    self.seed = seed
    self.machine = machine
    discriminator = DCGANNetworks.discriminator(settings, for: format, seed: seed, on: machine)
    generator = DCGANNetworks.generator(settings, for: format, seed: seed &+ 1, on: machine)
    average = WeightAverage(of: generator.parameters, decay: settings.averageDecay)
    let adam = { (store: ParameterStore, rate: Float) in
      Adam(
        for: store,
        AdamConstants(learningRate: rate, beta1: settings.beta1, beta2: settings.beta2),
        on: machine)
    }
    discriminatorOptimizer = adam(
      discriminator.parameters, settings.discriminatorLearningRate)
    generatorOptimizer = adam(generator.parameters, settings.generatorLearningRate)
    schedule = DiscriminatorSchedule(settings.schedule)
    fakeGradient = discriminator.parameters.makeCompanion()
    discriminatorPass = Pass(on: machine)
    generatorPass = Pass(on: machine)
  }

  public var privateParameterCount: Int { discriminator.parameters.count }

  public var description: String {
    """
    discriminator, \(discriminator.parameters.count) parameters
    \(discriminator.network.description)
    generator, \(generator.parameters.count) parameters
    \(generator.description)
    """
  }

  public func step(_ step: TrainingStep, on images: PrivateExamples) throws -> StepReport {
    let fakeLoss = updateDiscriminator(step, on: images)
    if schedule.discriminatorStepped() { updateGenerator(step) }
    var values = generatorReport
    values[.discriminatorLossOnFakes] = fakeLoss
    values[.discriminatorSteps] = Double(schedule.discriminatorSteps)
    return step.report(ofWeights: values)
  }

  /// One update of the discriminator; returns its mean loss on fakes.
  ///
  /// The number of fakes is the expected number of real images, never the number drawn, which is
  /// private.
  private func updateDiscriminator(_ step: TrainingStep, on images: PrivateExamples) -> Double {
    let fakes = GeneratedExamples(
      generator, latents: latents(step.batchSize, seed: [1, UInt64(step.index)]),
      in: generatorPass)
    fakeGradient.fill(0)
    let loss = discriminator.addPublicGradient(
      over: fakes, loss: BinaryCrossEntropy(target: 0),
      clipNorm: step.protection.mechanism?.clipNorm, scale: 1 / Float(step.batchSize),
      to: fakeGradient, in: discriminatorPass)
    let real = BinaryCrossEntropy(target: 1)
    switch step.protection {
    case .noise(let mechanism):
      let gradient = discriminator.privateGradient(
        over: images, loss: real, mechanism, noise: step.noise, in: discriminatorPass)
      machine.add(fakeGradient, to: gradient.values)
      discriminator.update(along: gradient, by: discriminatorOptimizer)
    case .none(let permission):
      let gradient = discriminator.unprotectedGradient(
        over: images, loss: real, in: discriminatorPass)
      gradient.add(fakeGradient, on: machine)
      discriminator.update(along: gradient, by: discriminatorOptimizer, permission)
    }
    return loss
  }

  /// One update of the generator along the non-saturating loss of arXiv 1406.2661.
  private func updateGenerator(_ step: TrainingStep) {
    let count = settings.generatorBatchSize ?? step.batchSize
    let latents = latents(count, seed: [2, UInt64(step.index)])
    let loss = BinaryCrossEntropy(target: 1)
    generator.parameters.gradient.fill(0)
    var total = 0.0
    var recognised = 0
    for range in latents.microBatches(of: discriminator.microBatchSize) {
      let fakes = latents.generate(range, with: generator, in: generatorPass)
      discriminatorPass.begin(exampleCount: range.count, labels: latents.labels(in: range))
      let logits = discriminator.network.forward(fakes, in: discriminatorPass)
      let gradient = discriminatorPass.arena.make(logits.shape)
      var values = [Double](repeating: 0, count: range.count)
      values.withUnsafeMutableBufferPointer { buffer in
        loss.evaluate(logits, gradient: gradient, values: buffer, in: discriminatorPass)
      }
      total += values.reduce(0, +)
      recognised += logits.buffer.count { $0 < 0 }
      let imageGradient = discriminator.network.backward(
        gradient, needsInputGradient: true, in: discriminatorPass)
      if let imageGradient {
        generator.backward(imageGradient, needsInputGradient: false, in: generatorPass)
        generator.addGradient(in: generatorPass)
      }
    }
    machine.scale(generator.parameters.gradient, by: 1 / Float(count))
    generatorOptimizer.update(generator.parameters, along: generator.parameters.gradient)
    generator.parametersChanged()
    average.update(from: generator.parameters)
    let accuracy = Double(recognised) / Double(count)
    schedule.generatorStepped(fakeAccuracy: accuracy)
    generatorReport = [
      .generatorLoss: total / Double(count), .fakeAccuracy: schedule.accuracy,
      .generatorSteps: Double(generatorOptimizer.stepCount),
    ]
  }

  public func sample(
    _ request: SampleRequest, _ receive: (_ first: Int, _ images: Tensor) throws -> Void
  ) throws {
    try settings.validate(request, for: format)
    // One micro-batch at a time, so that memory does not grow with the number of images.
    var stream = SeededStream(seed: request.seed)
    let size = discriminator.microBatchSize
    try average.withAverage(in: generator) {
      for first in stride(from: 0, to: request.labels.count, by: size) {
        let latents = LatentVectors(
          size: settings.latentSize, labels: Array(request.labels[first...].prefix(size)),
          classCount: format.classes.count, stream: &stream)
        try receive(
          first, latents.generate(0..<latents.count, with: generator, in: generatorPass))
      }
    }
  }

  public func save(into checkpoint: inout Checkpoint) {
    checkpoint.save(discriminator.parameters, as: "discriminator")
    checkpoint.save(generator.parameters, as: "generator")
    checkpoint.save(discriminatorOptimizer, as: "discriminator_optimizer")
    checkpoint.save(generatorOptimizer, as: "generator_optimizer")
    checkpoint.save(average, as: "generator_average")
    schedule.save(into: &checkpoint)
  }

  public func restore(from checkpoint: Checkpoint) throws {
    try checkpoint.restore(discriminator.parameters, from: "discriminator")
    try checkpoint.restore(generator.parameters, from: "generator")
    try checkpoint.restore(discriminatorOptimizer, from: "discriminator_optimizer")
    try checkpoint.restore(generatorOptimizer, from: "generator_optimizer")
    try checkpoint.restore(average, from: "generator_average")
    try schedule.restore(from: checkpoint)
    discriminator.network.parametersChanged()
    generator.parametersChanged()
  }

  public func saveGenerator(into checkpoint: inout Checkpoint) {
    average.withAverage(in: generator) { checkpoint.save(generator.parameters, as: "generator") }
  }

  public func restoreGenerator(from checkpoint: Checkpoint) throws {
    try checkpoint.restore(generator.parameters, from: "generator")
    average.restart()
    generator.parametersChanged()
  }

  /// Latent vectors that depend only on the run's seed and `salt`, so that a resumed run draws the
  /// same vectors.
  private func latents(_ count: Int, seed salt: [UInt64]) -> LatentVectors {
    let mixed = salt.reduce(seed) { ($0 ^ $1) &* 0x9E37_79B9_7F4A_7C15 &+ 1 }
    return LatentVectors(
      size: settings.latentSize, count: count, classCount: format.classes.count, seed: mixed)
  }
}
