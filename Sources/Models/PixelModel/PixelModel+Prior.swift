import Compute
import Learning
import Privacy

extension TrainingCurve {
  /// Bits per dimension of the images that the network is pre-trained on.
  static let priorBitsPerDimension = TrainingCurve(
    "prior_bits_per_dimension", title: "Bits per dimension of the images of pre-training", .lower)
}

// Pre-training on images that are not private: a phase that reads no private image.
extension PixelModel {
  /// Pre-training, if the recipe asks for it, then noisy steps on private images.
  public static func phases(
    of settings: PixelModelSettings, training: TrainingSettings, for format: ImageSpecification
  ) -> [PhaseOutline] {
    (settings.prior.map { [$0.outline("training steps on")] } ?? []) + [.training(training)]
  }

  public func start(from weights: StartingWeights) throws {
    try averaged.start(from: weights, settings.prior, classes: format.classes)
  }

  /// Makes one step on images that a program draws, or on public ones; different ones in every step.
  public func work(_ step: FreeStep) throws -> StepReport {
    guard let prior = settings.prior, step.phase == PriorSettings.phase else {
      preconditionFailure("the recipe states no free phase \(step.phase)")
    }
    let rate = step.learningRate(upTo: prior.learningRate)
    averaged.optimizer.learningRate = rate
    var examples = QuantizedImages(
      images: prior.images(of: step, format: format, seed: seed), levels: levels)
    if let absentLabel = settings.absentLabel(for: format) {
      // Classes keep their initial weights.
      examples.absentLabel = absentLabel
      examples.isClassAbsent = [Bool](repeating: true, count: prior.batchSize)
    }
    let nats = averaged.update(overPublic: examples, loss: loss, in: pass)
    return StepReport(curves: [
      .learningRate: Releasable(Double(rate), .chosenBeforehand),
      .priorBitsPerDimension: Releasable(
        format.bitsPerDimension(nats: nats), .chosenBeforehand),
    ])
  }
}
