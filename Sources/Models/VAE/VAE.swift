public import Compute
public import Learning
import Privacy

/// A class-conditional variational autoencoder (Kingma and Welling 2013, arXiv 1312.6114).
///
/// One image is one term of the loss, its whole evidence bound, so clipping and noise bound the influence of an image
/// on encoder and decoder together. A second phase can replace the standard normal distribution of the codes by one
/// for each class: the codes of the private images rarely fill the standard one, least of all after noisy steps, and a
/// decoder draws poor images from codes that it never saw. It is one noisy sum of the codes' moments, as in the
/// two-phase models of Takagi and others 2021 (arXiv 2006.12101), and costs a small share of epsilon. Or a Bayesian
/// network learns the class and the bins of the codes' numbers as a table (`NetworkPrior`).
public final class VAE: LikelihoodModel {
  public static let family = "vae"
  public static let curves: [TrainingCurve] = [
    .learningRate, .weightedBound, .codeNorm, .rowCount, .tableDistance,
  ]
  /// The name of the phase that learns where codes lie.
  static let codePhase = "codes"

  /// The settings of the recipe.
  public let settings: VAESettings
  public let format: ImageSpecification
  let machine: Machine
  let layers: VAENetwork
  let averaged: AveragedNetwork
  let distribution: any MeanPixelDistribution
  let levels: PixelLevels
  let pass: Pass
  let seed: UInt64
  /// The distribution of codes, unless a network describes it.
  private(set) var prior: CodePrior
  /// The network of the codes' bins; nil with other codes.
  let networkPrior: NetworkPrior?
  /// Rows of bins under the current weights; nil once those change.
  var binned: BinnedCodes?

  public init(
    _ settings: VAESettings, for format: ImageSpecification, seed: UInt64, on machine: Machine
  ) throws {
    try settings.validate(for: format)
    self.settings = settings
    self.format = format
    self.machine = machine
    self.seed = seed
    levels = PixelLevels(bits: settings.bits)
    distribution = settings.distribution(for: format, kernels: machine.kernels)
    layers = VAENetwork(
      settings, for: format, outputCount: distribution.outputCount, seed: seed, on: machine)
    let constants = AdamConstants(
      learningRate: Float(settings.learningRate), beta1: settings.beta1, beta2: settings.beta2)
    averaged = AveragedNetwork(
      layers.network, optimizer: Adam(for: layers.network.parameters, constants, on: machine),
      averageDecay: settings.averageDecay,
      names: .init(network: "network", optimizer: "optimizer", average: "average"))
    prior = CodePrior(size: settings.latentSize, classCount: max(1, format.classes.count))
    networkPrior =
      settings.codes == .network
      ? try NetworkPrior(settings, for: format, seed: seed, on: machine) : nil
    pass = Pass(on: machine)
  }

  /// Noisy steps of the network, then, unless codes are standard, one noisy sum of their moments, or the phases of a
  /// Bayesian network.
  public static func phases(
    of settings: VAESettings, training: TrainingSettings, for format: ImageSpecification
  ) -> [PhaseOutline] {
    guard let share = settings.share else { return [.training(training)] }
    guard settings.codes != .network else {
      return [.training(training)] + settings.networkPhases(for: format, share: share)
    }
    return [
      .training(training),
      PhaseOutline(
        codePhase, "one noisy sum of the moments of the codes of all images, by class",
        .answer(clipNorm: 1), share: share),
    ]
  }

  public var privateParameterCount: Int { averaged.parameters.count }

  public var description: String {
    "variational autoencoder, \(averaged.parameters.count) parameters, codes of "
      + "\(settings.latentSize) numbers, \(settings.codes.rawValue)\n"
      + averaged.network.network.description
      + (networkPrior.map { "\n" + $0.network.description } ?? "")
  }

  public func step(_ step: TrainingStep, on images: PrivateExamples) throws -> StepReport {
    if let networkPrior, step.phase == BayesianNetwork.oneWay {
      return try measureColumns(step, of: images, networkPrior)
    }
    let examples = quantized(images)
    if step.phase == Self.codePhase { return try sumCodes(step, of: examples) }
    binned = nil
    let rate = settings.schedule(stepCount: step.stepCount).rate(at: step.index)
    averaged.optimizer.learningRate = rate
    layers.codes.round = UInt64(step.index)
    layers.codes.divergenceWeight = settings.divergenceWeight(at: step.index)
    var report = StepReport(
      curves: [.learningRate: Releasable(Double(rate), .chosenBeforehand)])
    let nats = averaged.update(by: step, over: examples, loss: loss, in: pass)
    report.privateCurves[.weightedBound] = nats?.map { [format] in
      format.bitsPerDimension(nats: $0)
    }
    return report
  }

  /// Private images with values rounded to levels.
  func quantized(_ images: PrivateExamples) -> PrivateExamples {
    images.map(drawing: NoiseStream()) { [levels] images, _ in
      QuantizedImages(images: images, levels: levels)
    }
  }

  /// The loss of the images of the last forward pass.
  var loss: EvidenceLoss {
    EvidenceLoss(
      pixels: PixelLoss(images: layers.images, distribution: distribution), codes: layers.codes)
  }

  /// The moments of the codes of images.
  func makeMoments() -> CodeMoments {
    CodeMoments(
      of: layers.encoder, products: settings.codes == .full ? .all : .squares,
      largestNorm: CodePrior.largestNorm(ofSize: settings.latentSize), on: machine)
  }

  /// Learns where the codes of the averaged encoder lie, from one noisy sum over all images.
  private func sumCodes(_ step: TrainingStep, of images: PrivateExamples) throws -> StepReport {
    // Noise that no step of the training has.
    layers.codes.round = .max
    let moments = makeMoments()
    let sum = try averaged.withAverage { _ in
      try step.sum(over: images) { mechanism in
        VectorSum(
          momentsOf: moments, classCount: max(1, format.classes.count),
          countShare: NoisySum.countShare, by: mechanism)
      }
    }
    prior = CodePrior(of: sum.values, moments, deviation: sum.deviation)
    return step.report(ofWeights: [.codeNorm: sum.norm / Double(step.batchSize)])
  }

  public func save(into checkpoint: inout Checkpoint) {
    averaged.save(into: &checkpoint)
    if let networkPrior {
      networkPrior.network.save(into: &checkpoint)
    } else {
      saveMoments(into: &checkpoint)
    }
  }

  public func restore(from checkpoint: Checkpoint) throws {
    binned = nil
    try averaged.restore(from: checkpoint)
    if let networkPrior {
      try networkPrior.network.restore(from: checkpoint)
    } else {
      try restoreMoments(from: checkpoint)
    }
  }

  public func saveGenerator(into checkpoint: inout Checkpoint) {
    averaged.saveAverage(into: &checkpoint)
    if let networkPrior {
      networkPrior.network.saveGenerator(into: &checkpoint)
    } else {
      saveMoments(into: &checkpoint)
    }
  }

  public func restoreGenerator(from checkpoint: Checkpoint) throws {
    binned = nil
    try averaged.restoreAverage(from: checkpoint)
    if let networkPrior {
      try networkPrior.network.restoreGenerator(from: checkpoint)
    } else {
      try restoreMoments(from: checkpoint)
    }
  }

  private func saveMoments(into checkpoint: inout Checkpoint) {
    if settings.codes != .standard { prior.save(into: &checkpoint) }
  }

  private func restoreMoments(from checkpoint: Checkpoint) throws {
    if settings.codes != .standard { try prior.restore(from: checkpoint) }
  }
}

extension TrainingCurve {
  /// The evidence bound of the images of a step with the weight that its divergence has in that step.
  static let weightedBound = TrainingCurve(
    "weighted_bound", title: "Weighted evidence bound of training images, in bits per dimension",
    .lower)
  /// The norm of the noisy sum of moments, divided by the number of units.
  static let codeNorm = TrainingCurve("code_norm")
}
