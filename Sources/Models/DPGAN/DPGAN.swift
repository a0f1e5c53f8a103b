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
  private let generator: AveragedGenerator
  private let discriminatorOptimizer: Adam
  private let generatorOptimizer: Adam
  private var schedule: DiscriminatorSchedule
  /// The average that the generator learns from, if the recipe asks for one.
  private let discriminatorAverage: WeightAverage?
  /// The discriminator's gradient from fakes.
  private let fakeGradient: Tensor
  private let discriminatorPass: Pass
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
    discriminator = DCGANNetworks.discriminator(
      width: settings.width, form: settings.discriminatorForm, for: format, seed: seed, on: machine)
    generator = AveragedGenerator(
      width: settings.generatorWidth, latentSize: settings.latentSize,
      normalization: settings.generatorNormalization ?? .none,
      averageDecay: settings.averageDecay, for: format, seed: seed &+ 1, on: machine)
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
    discriminatorAverage = settings.discriminatorAverageDecay.map { [discriminator] in
      WeightAverage(of: discriminator.parameters, decay: $0)
    }
    fakeGradient = discriminator.parameters.makeCompanion()
    discriminatorPass = Pass(on: machine)
  }

  public var privateParameterCount: Int { discriminator.parameters.count }

  public var description: String {
    """
    discriminator, \(discriminator.parameters.count) parameters
    \(discriminator.network.description)
    generator, \(generator.parameters.count) parameters
    \(generator.network.description)
    """
  }

  public func step(_ step: TrainingStep, on images: PrivateExamples) throws -> StepReport {
    setRates(of: step)
    let fakeLoss = updateDiscriminator(step, on: images)
    discriminatorAverage?.update(from: discriminator.parameters)
    if schedule.discriminatorStepped() { updateGenerator(step) }
    var values = generatorReport
    values[.discriminatorLossOnFakes] = fakeLoss
    values[.discriminatorSteps] = Double(schedule.discriminatorSteps)
    return step.report(ofWeights: values)
  }

  /// Sets the step sizes, which depend on the number of the step alone.
  private func setRates(of step: TrainingStep) {
    guard let finalRate = settings.finalRate else { return }
    let course = LearningRateSchedule(
      1, .cosine(over: step.stepCount, floor: finalRate))
    let share = course.rate(at: step.index)
    discriminatorOptimizer.learningRate = share * settings.discriminatorLearningRate
    generatorOptimizer.learningRate = share * settings.generatorLearningRate
  }

  /// One update of the discriminator; returns its mean loss on fakes.
  ///
  /// The number of fakes is the recipe's or the expected number of real images, never the number drawn,
  /// which is private.
  private func updateDiscriminator(_ step: TrainingStep, on images: PrivateExamples) -> Double {
    let count = settings.discriminatorFakes ?? step.batchSize
    let fakes = GeneratedExamples(
      generator, latents: latents(count, seed: [1, UInt64(step.index)]))
    fakeGradient.fill(0)
    let lossOnFakes = discriminator.addPublicGradient(
      over: fakes, loss: loss(.drawn), clipNorm: step.protection.mechanism?.clipNorm,
      scale: 1 / Float(count), to: fakeGradient, in: discriminatorPass)
    let real = loss(.real)
    switch step.protection {
    case .noise(let mechanism):
      let gradient = discriminator.noisedGradient(
        over: images, loss: real, mechanism, noise: step.noise, in: discriminatorPass)
      machine.add(fakeGradient, to: gradient.values)
      discriminator.update(along: gradient, by: discriminatorOptimizer)
    case .none(let permission):
      let gradient = discriminator.unprotectedGradient(
        over: images, loss: real, in: discriminatorPass)
      gradient.add(fakeGradient, on: machine)
      discriminator.update(along: gradient, by: discriminatorOptimizer, permission)
    }
    return lossOnFakes
  }

  private func loss(_ role: HingeLoss.Role) -> AdversarialLoss {
    AdversarialLoss(kind: settings.loss ?? .logistic, role: role)
  }

  /// One update of the generator along its loss.
  private func updateGenerator(_ step: TrainingStep) {
    let count = settings.generatorBatchSize ?? step.batchSize
    let update: () -> AveragedGenerator.Verdict = { [self] in
      generator.update(
        on: latents(count, seed: [2, UInt64(step.index)]), against: discriminator,
        loss: loss(.generator), modeSeeking: settings.modeSeeking.map { ModeSeeking(weight: $0) },
        in: discriminatorPass, by: generatorOptimizer)
    }
    let verdict =
      discriminatorAverage?.withAverage(in: discriminator.network, update) ?? update()
    schedule.generatorStepped(fakeAccuracy: verdict.recognised)
    generatorReport = [
      .generatorLoss: verdict.loss, .fakeAccuracy: schedule.accuracy,
      .generatorSteps: Double(generatorOptimizer.stepCount),
    ]
  }

  public func sample(
    _ request: SampleRequest, _ receive: (_ first: Int, _ images: Tensor) throws -> Void
  ) throws {
    try settings.validate(request, for: format)
    try generator.sample(request, receive)
  }

  public func save(into checkpoint: inout Checkpoint) {
    checkpoint.save(discriminator.parameters, as: "discriminator")
    checkpoint.save(discriminatorOptimizer, as: "discriminator_optimizer")
    checkpoint.save(generatorOptimizer, as: "generator_optimizer")
    if let discriminatorAverage {
      checkpoint.save(discriminatorAverage, as: "discriminator_average")
    }
    generator.save(into: &checkpoint)
    schedule.save(into: &checkpoint)
  }

  public func restore(from checkpoint: Checkpoint) throws {
    try checkpoint.restore(discriminator.parameters, from: "discriminator")
    try checkpoint.restore(discriminatorOptimizer, from: "discriminator_optimizer")
    try checkpoint.restore(generatorOptimizer, from: "generator_optimizer")
    if let discriminatorAverage {
      try checkpoint.restore(discriminatorAverage, from: "discriminator_average")
    }
    try generator.restore(from: checkpoint)
    try schedule.restore(from: checkpoint)
    discriminator.network.parametersChanged()
  }

  public func saveGenerator(into checkpoint: inout Checkpoint) {
    generator.saveAverage(into: &checkpoint)
  }

  public func restoreGenerator(from checkpoint: Checkpoint) throws {
    try generator.restoreAverage(from: checkpoint)
  }

  /// Latent vectors that depend only on the run's seed and `salt`, so that a resumed run draws the
  /// same vectors.
  private func latents(_ count: Int, seed salt: [UInt64]) -> LatentVectors {
    let mixed = salt.reduce(seed) { ($0 ^ $1) &* 0x9E37_79B9_7F4A_7C15 &+ 1 }
    return LatentVectors(
      size: settings.latentSize, count: count, classCount: format.classes.count, seed: mixed)
  }
}
