public import Compute
public import Learning
import Privacy

/// A class-conditional gated autoregressive model of images: pixel by pixel, it predicts the
/// probability of each level.
///
/// The network is a gated PixelCNN (van den Oord and others 2016, arXiv 1606.05328). One image is
/// one term of the loss, so clipping and noise bound the influence of a whole image, while each
/// step learns from all of its pixels.
public final class PixelModel: LikelihoodModel, CompletingModel {
  public static let family = "pixel"
  public static let curves: [TrainingCurve] = [
    .learningRate, .bitsPerDimension, .priorBitsPerDimension,
  ]

  /// The number of examples per pass: few, because one example's activations fill the L2 cache.
  static let microBatchSize = 8

  /// The settings of the recipe.
  public let settings: PixelModelSettings
  public let format: ImageSpecification
  let layout: GatedStackLayout
  let levels: PixelLevels
  let distribution: any PixelDistribution
  let averaged: AveragedNetwork
  let machine: Machine
  private let stack: GatedStack
  let pass: Pass
  let seed: UInt64

  public init(
    _ settings: PixelModelSettings, for format: ImageSpecification, seed: UInt64,
    on machine: Machine
  ) throws {
    try settings.validate(for: format)
    self.settings = settings
    self.format = format
    self.machine = machine
    self.seed = seed
    layout = settings.layout(for: format)
    levels = PixelLevels(bits: settings.bits)
    distribution = settings.distribution(for: format, kernels: machine.kernels)
    let store = ParameterStore()
    stack = GatedStack(layout, parameters: store, on: machine)
    averaged = AveragedNetwork(
      PrivateNetwork(
        [stack], parameters: store, seed: seed, microBatchSize: Self.microBatchSize),
      optimizer: settings.makeOptimizer(for: store, of: layout, on: machine),
      averageDecay: settings.averageDecay,
      names: .init(network: "network", optimizer: "optimizer", average: "average"))
    pass = Pass(on: machine)
  }

  var network: PrivateNetwork { averaged.network }

  public var privateParameterCount: Int { network.parameters.count }

  public var description: String {
    """
    pixel model, \(network.parameters.count) parameters, \(levels.count) levels, \
    \(settings.output.rawValue)
    \(network.network.description)
    """
  }

  public func step(_ step: TrainingStep, on images: PrivateExamples) throws -> StepReport {
    if step.index == 0, settings.prior != nil { averaged.restartAfterPreTraining() }
    let rate = settings.schedule(stepCount: step.stepCount).rate(at: step.index)
    averaged.optimizer.learningRate = rate
    let examples = examples(of: images, for: step)
    var report = StepReport(
      curves: [.learningRate: Releasable(Double(rate), .chosenBeforehand)])
    let nats = averaged.update(by: step, over: examples, loss: loss, in: pass)
    report.privateCurves[.bitsPerDimension] = nats?.map { [format] in
      format.bitsPerDimension(nats: $0)
    }
    return report
  }

  /// The quantised images of a step, some of them without their class.
  ///
  /// A secret coin per image decides whether it loses its class. If an outsider knew the coins, one
  /// image could, by its position, decide which other images lose theirs.
  private func examples(of images: PrivateExamples, for step: TrainingStep) -> PrivateExamples {
    let share = settings.labelDropout
    let absentLabel = settings.absentLabel(for: format)
    return images.map(drawing: step.noise) { [levels] images, noise in
      var examples = QuantizedImages(images: images, levels: levels)
      guard let absentLabel else { return examples }
      var coins = noise
      examples.absentLabel = absentLabel
      examples.isClassAbsent = (0..<images.count).map { _ in
        Double.random(in: 0..<1, using: &coins) < share
      }
      return examples
    }
  }

  /// The loss of the images of the last forward pass.
  var loss: PixelLoss { PixelLoss(images: stack, distribution: distribution) }

  public var bits: Int { settings.bits }

  /// Minus the log-likelihood of each image in nats under the averaged weights; use it only for
  /// held-out or public images.
  public func negativeLogLikelihoods(of images: any ExampleSource) -> [Double] {
    averaged.withAverage { losses(of: images, by: $0) }
  }

  private func losses(of images: any ExampleSource, by network: Network) -> [Double] {
    let examples = QuantizedImages(images: images, levels: levels)
    var losses: [Double] = []
    for first in stride(from: 0, to: images.count, by: Self.microBatchSize) {
      let range = first..<min(images.count, first + Self.microBatchSize)
      pass.begin(exampleCount: range.count, labels: examples.labels(in: range))
      let input = pass.make(format.shape)
      examples.fill(input, from: range)
      losses += loss.values(network.forward(input, in: pass), in: pass)
    }
    return losses
  }

  public func sample(
    _ request: SampleRequest, _ receive: (_ first: Int, _ images: Tensor) throws -> Void
  ) throws {
    try draw(request) { try receive($0.first, $0.images) }
  }

  public func complete(
    _ completion: Completion, as request: SampleRequest,
    _ receive: (_ first: Int, _ images: Tensor) throws -> Void
  ) throws {
    try draw(request, completing: completion) { try receive($0.first, $0.images) }
  }

  public func save(into checkpoint: inout Checkpoint) {
    averaged.save(into: &checkpoint)
  }

  public func restore(from checkpoint: Checkpoint) throws {
    try averaged.restore(from: checkpoint)
  }

  public func saveGenerator(into checkpoint: inout Checkpoint) {
    averaged.saveAverage(into: &checkpoint)
  }

  public func restoreGenerator(from checkpoint: Checkpoint) throws {
    try averaged.restoreAverage(from: checkpoint)
  }
}
