public import Compute
public import Learning
import Privacy

/// A model that draws a small image pixel by pixel, and then doubles its size.
///
/// A pixel model learns the small copies, which hold most of what there is to learn, with most of the budget.
/// Upsamplers (`Upsampler`) predict pixels from a coarse image; much of that is the same for all images and can be
/// learnt from images that a program draws, so that a small share of the budget suffices for the rest.
public final class Multiscale: LikelihoodModel {
  public static let family = "multiscale"
  public static let curves = PixelModel.curves

  /// The recipe's settings.
  public let settings: MultiscaleSettings
  public let format: ImageSpecification
  private let base: PixelModel
  private let upsamplers: [Upsampler]

  public init(
    _ settings: MultiscaleSettings, for format: ImageSpecification, seed: UInt64,
    on machine: Machine
  ) throws {
    try settings.validate(for: format)
    self.settings = settings
    self.format = format
    let formats = settings.formats(of: format)
    base = try PixelModel(settings.base, for: formats[0], seed: seed, on: machine)
    upsamplers = (0..<settings.stages).map { stage in
      Upsampler(
        settings.upsampler, of: formats[stage], levels: settings.levels(ofStage: stage),
        name: Self.network(ofStage: stage), seed: seed &+ 1 &+ UInt64(stage), on: machine)
    }
  }

  /// The phases of the small image, then pre-training and noisy steps of each upsampler.
  public static func phases(
    of settings: MultiscaleSettings, training: TrainingSettings, for format: ImageSpecification
  ) -> [PhaseOutline] {
    let formats = settings.formats(of: format)
    let upsampler = settings.upsampler
    let own = TrainingSettings(
      batchSize: upsampler.batchSize, steps: upsampler.steps, clipNorm: upsampler.clipNorm,
      noise: training.noise)
    return PixelModel.phases(of: settings.base, training: training, for: formats[0])
      + formats.dropFirst().flatMap { format in
        (upsampler.prior.map {
          [$0.outline("an upsampler learns from", at: place(of: format))]
        } ?? []) + [
          PhaseOutline(
            upsampling(to: format), "noisy steps of the network that doubles the size",
            .training(own), share: upsampler.share)
        ]
      }
  }

  /// What the names of an upsampler's phases end with.
  private static func place(of format: ImageSpecification) -> String {
    " to \(format.height)x\(format.width)"
  }

  /// The names of an upsampler's phases.
  private static func pretraining(to format: ImageSpecification) -> String {
    PriorSettings.phase + place(of: format)
  }

  private static func upsampling(to format: ImageSpecification) -> String {
    "upsampling" + place(of: format)
  }

  public var privateParameterCount: Int {
    base.privateParameterCount
      + upsamplers.reduce(0) { $0 + $1.network.parameters.count }
  }

  public var description: String {
    upsamplers.reduce(base.description) { text, upsampler in
      text + "\nupsampler to \(upsampler.fine.height)×\(upsampler.fine.width), "
        + "\(upsampler.network.parameters.count) parameters\n"
        + upsampler.network.network.description
    }
  }

  /// The images of stage number `stage`, of which 0 is the smallest.
  private func images(
    _ images: PrivateExamples, ofStage stage: Int, noise: NoiseStream
  ) -> PrivateExamples {
    images.map(drawing: noise) { [format, factor = 1 << (settings.stages - stage)] images, _ in
      ReducedImages(images: images, format: format, factor: factor)
    }
  }

  public func step(_ step: TrainingStep, on images: PrivateExamples) throws -> StepReport {
    guard let stage = upsamplers.firstIndex(where: { step.phase == Self.upsampling(to: $0.fine) })
    else { return try base.step(step, on: self.images(images, ofStage: 0, noise: step.noise)) }
    return upsamplers[stage].step(
      step, on: self.images(images, ofStage: stage + 1, noise: step.noise))
  }

  /// The name of the parameters of an upsampler.
  private static func network(ofStage stage: Int) -> String { "upsampler\(stage + 1)" }

  /// Takes over weights; an upsampler that they lack starts from that of the stage before.
  ///
  /// Upsamplers have the same form, and edges and textures look much alike at every size, so weights for smaller
  /// images serve larger ones.
  public func start(from weights: StartingWeights) throws {
    try base.start(from: weights.part(MultiscaleSettings.basePart))
    let part = weights.part(MultiscaleSettings.upsamplerPart)
    for (stage, upsampler) in upsamplers.enumerated() {
      let found = (0...stage).reversed().first { part.holds(Self.network(ofStage: $0)) } ?? stage
      try upsampler.start(
        from: part.renaming(
          Self.network(ofStage: found), to: Self.network(ofStage: stage)))
    }
  }

  public func work(_ step: FreeStep) throws -> StepReport {
    guard let prior = settings.upsampler.prior,
      let stage = upsamplers.firstIndex(where: { step.phase == Self.pretraining(to: $0.fine) })
    else { return try base.work(images(of: step, ofStage: 0)) }
    return upsamplers[stage].pretrain(images(of: step, ofStage: stage + 1), prior)
  }

  /// A free step whose public images are those of a stage.
  private func images(of step: FreeStep, ofStage stage: Int) -> FreeStep {
    var step = step
    step.publicImages = step.publicImages?.reduced(
      from: format, by: 1 << (settings.stages - stage))
    return step
  }

  public var bits: Int { settings.upsampler.bits }

  /// Minus the log-likelihood of each image's small copy, and of each doubling given the copy before it, in nats.
  ///
  /// The copies follow from the image, so the sum is an upper bound for the image alone.
  public func negativeLogLikelihoods(of images: any ExampleSource) -> [Double] {
    let copy = { [format, stages = settings.stages] (stage: Int) in
      ReducedImages(images: images, format: format, factor: 1 << (stages - stage))
    }
    return upsamplers.enumerated().reduce(base.negativeLogLikelihoods(of: copy(0))) {
      zip($0, $1.element.negativeLogLikelihoods(of: copy($1.offset + 1))).map { $0 + $1 }
    }
  }

  public func sample(
    _ request: SampleRequest, _ receive: (_ first: Int, _ images: Tensor) throws -> Void
  ) throws {
    try settings.validate(request, for: format)
    let arena = Arena()
    try base.sample(request) { first, coarse in
      arena.reset()
      let count = coarse.shape[0]
      let classes = Array(request.labels[first..<(first + count)])
      var streams = (0..<count).map {
        SeededStream(
          seed: (request.seed &+ 0x5CA1_E000) ^ UInt64(first + $0) &* 0x9E37_79B9_7F4A_7C15)
      }
      let images = upsamplers.reduce(coarse) {
        $1.draw(
          from: $0, classes: classes, streams: &streams, temperature: request.temperature,
          in: arena)
      }
      try receive(first, images)
    }
  }

  public func save(into checkpoint: inout Checkpoint) {
    base.save(into: &checkpoint)
    for upsampler in upsamplers { upsampler.save(into: &checkpoint) }
  }

  public func restore(from checkpoint: Checkpoint) throws {
    try base.restore(from: checkpoint)
    for upsampler in upsamplers { try upsampler.restore(from: checkpoint) }
  }

  public func saveGenerator(into checkpoint: inout Checkpoint) {
    base.saveGenerator(into: &checkpoint)
    for upsampler in upsamplers { upsampler.saveGenerator(into: &checkpoint) }
  }

  public func restoreGenerator(from checkpoint: Checkpoint) throws {
    try base.restoreGenerator(from: checkpoint)
    for upsampler in upsamplers { try upsampler.restoreGenerator(from: checkpoint) }
  }
}
