public import Compute
public import Learning
import Privacy

/// A generator of one pass that learns from the images of a privately trained teacher.
///
/// Only the teacher reads private images, in its own phases. What it draws afterwards is post-processing, and so
/// is the adversarial training of the generator on those images. Released images and the released model come from
/// the generator alone.
public final class Distilled: GenerativeModel {
  public static let family = "distilled"
  /// The name of the phase in which the teacher draws.
  static let drawing = "teacher's images"
  /// The name of the phase in which the generator learns.
  static let distilling = "distilling"
  /// Images that the teacher draws in a step.
  static let imagesPerStep = 256

  /// The recipe's settings.
  public let settings: DistilledSettings
  private(set) var images: TeacherImages
  private let teacher: any GenerativeModel
  private let discriminator: PrivateNetwork
  private let generator: AveragedGenerator
  private let discriminatorOptimizer: Adam
  private let generatorOptimizer: Adam
  private let gradient: Tensor
  private let pass: Pass
  private let seed: UInt64

  public init(
    _ settings: DistilledSettings, for format: ImageSpecification, seed: UInt64,
    on machine: Machine
  ) throws {
    try settings.validate(for: format)
    self.settings = settings
    self.seed = seed
    images = TeacherImages(capacity: settings.images, format: format)
    teacher = try settings.teacher.makeModel(for: format, seed: seed, on: machine)
    discriminator = DCGANNetworks.discriminator(
      width: settings.width, for: format, seed: seed &+ 2, on: machine)
    generator = AveragedGenerator(
      width: settings.generatorWidth, latentSize: settings.latentSize,
      normalization: settings.generatorNormalization ?? .none, averageDecay: settings.averageDecay,
      for: format, seed: seed &+ 3, on: machine)
    let adam = { (store: ParameterStore, rate: Double) in
      Adam(
        for: store, AdamConstants(learningRate: Float(rate), beta1: 0.5, beta2: 0.999),
        on: machine)
    }
    discriminatorOptimizer = adam(
      discriminator.parameters, settings.discriminatorLearningRate)
    generatorOptimizer = adam(generator.parameters, settings.generatorLearningRate)
    gradient = discriminator.parameters.makeCompanion()
    pass = Pass(on: machine)
  }

  /// The teacher's phases, then its images, then the generator's training on them.
  public static func phases(
    of settings: DistilledSettings, training: TrainingSettings, for format: ImageSpecification
  ) -> [PhaseOutline] {
    let steps = (settings.images + imagesPerStep - 1) / imagesPerStep
    return settings.teacher.phases(training: training, for: format) + [
      PhaseOutline(
        drawing,
        "the trained teacher, a model of family \(settings.teacher.familyType.family), draws "
          + "\(settings.images) images",
        .free(.postProcessing, steps: steps)),
      PhaseOutline(
        distilling, "the released generator learns from the teacher's images alone",
        .free(.postProcessing, steps: settings.steps)),
    ]
  }

  public var privateParameterCount: Int { teacher.privateParameterCount }

  public var description: String {
    """
    distilled; teacher: \(teacher.description)
    discriminator, \(discriminator.parameters.count) parameters
    \(discriminator.network.description)
    generator, \(generator.parameters.count) parameters
    \(generator.network.description)
    """
  }

  public func start(from weights: StartingWeights) throws { try teacher.start(from: weights) }

  /// Makes a step of the teacher.
  public func step(_ step: TrainingStep, on images: PrivateExamples) throws -> StepReport {
    try teacher.step(step, on: images)
  }

  /// Makes a free step of the teacher, lets it draw, or distils.
  public func work(_ step: FreeStep) throws -> StepReport {
    switch step.phase {
    case Self.drawing: return try draw(step)
    case Self.distilling: return try distil(step)
    default: return try teacher.work(step)
    }
  }

  private func draw(_ step: FreeStep) throws -> StepReport {
    guard images.count == step.index * Self.imagesPerStep else {
      throw Checkpoint.Failure.badMetadata(
        key: TeacherImages.countKey, found: String(images.count))
    }
    try images.draw(Self.imagesPerStep, from: teacher, seed: streamSeed(1, step.index))
    return StepReport()
  }

  /// One update of the discriminator and one of the generator, both on hinge losses.
  private func distil(_ step: FreeStep) throws -> StepReport {
    guard images.count > 0 else {
      throw Checkpoint.Failure.badMetadata(key: TeacherImages.countKey, found: "0")
    }
    discriminatorOptimizer.learningRate = step.learningRate(
      upTo: settings.discriminatorLearningRate)
    generatorOptimizer.learningRate = step.learningRate(upTo: settings.generatorLearningRate)
    var stream = SeededStream(seed: streamSeed(2, step.index))
    let batch = images.batch(of: settings.batchSize, from: &stream)
    let fakes = GeneratedExamples(
      generator, latents: generator.latents(for: batch.allLabels, from: &stream))
    gradient.fill(0)
    let scale = 1 / Float(settings.batchSize)
    _ = discriminator.addPublicGradient(
      over: batch, loss: HingeLoss(.real), clipNorm: nil, scale: scale, to: gradient, in: pass)
    _ = discriminator.addPublicGradient(
      over: fakes, loss: HingeLoss(.drawn), clipNorm: nil, scale: scale, to: gradient, in: pass)
    discriminator.update(alongPublic: gradient, by: discriminatorOptimizer)
    let verdict = generator.update(
      on: generator.latents(for: batch.allLabels, from: &stream), against: discriminator,
      loss: HingeLoss(.generator),
      modeSeeking: settings.modeSeeking.map { ModeSeeking(weight: $0) },
      in: pass, by: generatorOptimizer)
    return step.report(ofWeights: [
      .distilledGeneratorLoss: verdict.loss, .distilledFakeAccuracy: verdict.recognised,
    ])
  }

  /// The seed of a step's random numbers, so that a resumed run draws the same ones.
  private func streamSeed(_ use: UInt64, _ index: Int) -> UInt64 {
    ((seed ^ use) &* 0x9E37_79B9_7F4A_7C15 &+ UInt64(index)) &* 0xD6E8_FEB8_6659_FD93
  }

  /// Draws with the one-pass generator, also before it has learnt anything.
  public func sample(
    _ request: SampleRequest, _ receive: (_ first: Int, _ images: Tensor) throws -> Void
  ) throws {
    try request.requireNoOptions(of: Self.family)
    try generator.sample(request, receive)
  }

  public func save(into checkpoint: inout Checkpoint) {
    images.save(into: &checkpoint)
    // A teacher that draws is trained already; one that has drawn everything is no longer needed.
    var part = Checkpoint()
    if images.count == 0 {
      teacher.save(into: &part)
    } else if !images.isComplete {
      teacher.saveGenerator(into: &part)
    }
    checkpoint.add(part, as: Self.teacherName)
    checkpoint.save(discriminator.parameters, as: "discriminator")
    checkpoint.save(discriminatorOptimizer, as: "discriminator_optimizer")
    checkpoint.save(generatorOptimizer, as: "generator_optimizer")
    generator.save(into: &checkpoint)
  }

  public func restore(from checkpoint: Checkpoint) throws {
    try images.restore(from: checkpoint)
    let part = checkpoint.part(Self.teacherName)
    if images.count == 0 {
      try teacher.restore(from: part)
    } else if !images.isComplete {
      try teacher.restoreGenerator(from: part)
    }
    try checkpoint.restore(discriminator.parameters, from: "discriminator")
    try checkpoint.restore(discriminatorOptimizer, from: "discriminator_optimizer")
    try checkpoint.restore(generatorOptimizer, from: "generator_optimizer")
    try generator.restore(from: checkpoint)
    discriminator.network.parametersChanged()
  }

  private static let teacherName = "teacher"

  public func saveGenerator(into checkpoint: inout Checkpoint) {
    generator.saveAverage(into: &checkpoint)
  }

  public func restoreGenerator(from checkpoint: Checkpoint) throws {
    try generator.restoreAverage(from: checkpoint)
  }
}

extension TrainingCurve {
  static let distilledGeneratorLoss = TrainingCurve(
    "distilled_generator_loss", title: "Loss of the distilled generator")
  static let distilledFakeAccuracy = TrainingCurve(
    "distilled_fake_accuracy",
    title: "Share of the distilled generator's images that its discriminator recognises")
}

extension Distilled {
  /// The curves of distilling, and those of every family that may teach.
  public static let curves: [TrainingCurve] =
    [.distilledGeneratorLoss, .distilledFakeAccuracy]
    + NestedModel.curves
  public static let watchedCurve: TrainingCurve? = .distilledFakeAccuracy
}

extension Checkpoint {
  /// Adds all entries of another checkpoint, with names that begin with `name`.
  fileprivate mutating func add(_ part: Checkpoint, as name: String) {
    for (key, array) in part.tensors { tensors["\(name).\(key)"] = array }
    for (key, text) in part.metadata { metadata["\(name).\(key)"] = text }
  }

  /// The entries that `add` added under `name`.
  fileprivate func part(_ name: String) -> Checkpoint {
    func entries<Value>(_ all: [String: Value]) -> [String: Value] {
      let own = all.filter { $0.key.hasPrefix("\(name).") }
      return Dictionary(
        uniqueKeysWithValues: own.map { (String($0.key.dropFirst(name.count + 1)), $0.value) })
    }
    var part = Checkpoint()
    part.tensors = entries(tensors)
    part.metadata = entries(metadata)
    return part
  }
}
