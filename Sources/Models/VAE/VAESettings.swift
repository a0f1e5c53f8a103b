import Compute
import Learning

/// The settings of a variational autoencoder in a recipe.
public struct VAESettings: ModelSettings {
  /// How activations are normalised.
  public enum Normalization: String, RecipeChoice {
    /// Not at all.
    case none
    /// Groups of channels within each image.
    case group
  }

  /// The distribution from which the codes of drawn images come.
  public enum Codes: String, RecipeChoice {
    /// The standard normal one.
    case standard
    /// For each class a normal one without correlations.
    case diagonal
    /// For each class a normal one with all correlations.
    case full
    /// A Bayesian network over the class and the bins of the codes' numbers.
    case network
  }

  /// How an image is made from the distributions of its pixels.
  public enum Drawing: String, RecipeChoice {
    /// The mean of each pixel.
    case mean
    /// A sample of each pixel.
    case sample
  }

  /// Numbers of a code.
  public var latentSize: Int
  /// Channels of the first convolution; later ones double them.
  public var channels: Int
  /// How often the image is halved.
  public var depth: Int
  /// How activations are normalised; nil for not at all.
  public var normalization: Normalization?
  /// Bits per channel: images are rounded to 2^bits levels.
  public var bits: Int
  /// The kind of a pixel's distribution.
  public var output: PixelModelSettings.Output
  /// Logistics per pixel; needed for `logistics` only.
  public var components: Int?
  /// The weight of the divergence.
  public var divergenceWeight: Double
  /// Steps over which the weight of the divergence rises from zero.
  public var divergenceWarmUpSteps: Int
  /// The distribution from which the codes of drawn images come.
  public var codes: Codes
  /// The part of epsilon that pays for that distribution; needed unless it is the standard one.
  public var share: Double?
  /// The bins of each number of a code, with codes `network` only; nil for the default.
  public var codeBins: Int?
  /// How an image is made from the distributions of its pixels.
  public var drawing: Drawing
  /// The peak learning rate.
  public var learningRate: Double
  /// Steps over which the rate rises to its peak.
  public var warmUpSteps: Int
  /// The fraction of the peak at the last step, reached along half a cosine; one keeps the rate.
  public var finalRate: Double
  /// Decay of Adam's first and second moment.
  public var beta1: Float, beta2: Float
  /// Decay per step of the averaged weights, which draw the images.
  public var averageDecay: Double

  enum CodingKeys: String, CodingKey, CaseIterable {
    case latentSize = "latent_size"
    case channels, depth, normalization, bits, output, components
    case divergenceWeight = "kl_weight"
    case divergenceWarmUpSteps = "kl_warm_up_steps"
    case codes, share
    case codeBins = "code_bins"
    case drawing
    case learningRate = "learning_rate"
    case warmUpSteps = "warm_up_steps"
    case finalRate = "final_rate"
    case beta1, beta2
    case averageDecay = "average_decay"
  }

  /// Creates settings.
  public init(
    latentSize: Int = 16, channels: Int = 16, depth: Int = 2,
    normalization: Normalization? = nil, bits: Int = 3,
    output: PixelModelSettings.Output = .softmax, components: Int? = nil,
    divergenceWeight: Double = 1, divergenceWarmUpSteps: Int = 0, codes: Codes = .standard,
    share: Double? = nil, codeBins: Int? = nil, drawing: Drawing = .mean,
    learningRate: Double = 1e-3, warmUpSteps: Int = 0, finalRate: Double = 0.1,
    beta1: Float = 0.9, beta2: Float = 0.999, averageDecay: Double = 0.999
  ) {
    self.latentSize = latentSize
    self.channels = channels
    self.depth = depth
    self.normalization = normalization
    self.bits = bits
    self.output = output
    self.components = components
    self.divergenceWeight = divergenceWeight
    self.divergenceWarmUpSteps = divergenceWarmUpSteps
    self.codes = codes
    self.share = share
    self.codeBins = codeBins
    self.drawing = drawing
    self.learningRate = learningRate
    self.warmUpSteps = warmUpSteps
    self.finalRate = finalRate
    self.beta1 = beta1
    self.beta2 = beta2
    self.averageDecay = averageDecay
  }

  /// Checks the conditions that types cannot express.
  public func validate(for format: ImageSpecification) throws {
    try Self.imageSizes.check(format, family: VAE.family)
    try validateRanges()
    try require(
      min(format.height, format.width) >> depth >= 2, "depth", depth,
      "a smaller one: the image's \(format.height)×\(format.width) pixels, halved so often, leave "
        + "at least 2 rows and columns")
    try output.requireComponents(components, family: VAE.family)
    try require(
      (codes == .standard) == (share == nil), "share", share.map { "\($0)" } ?? "absent",
      codes == .standard
        ? "absent with codes standard, which cost nothing" : Self.field(.share).rangeWords)
    try validateNetwork(for: format)
    try ModelSize.require(roughParameterCount(for: format), family: VAE.family)
  }

  /// Checks what a network over the codes' bins needs.
  private func validateNetwork(for format: ImageSpecification) throws {
    guard codes == .network else {
      return try require(
        codeBins == nil, "code_bins", codeBins ?? 0, "absent with codes \(codes.rawValue)")
    }
    let most = (Self.mostNumbersInNetwork, Self.mostClassesInNetwork)
    try require(
      latentSize <= most.0, "latent_size", latentSize, "up to \(most.0) with codes network")
    try require(
      format.classes.count <= most.1, "the number of classes", format.classes.count,
      "up to \(most.1) with codes network")
  }

  /// Checks the range of each field by itself.
  private func validateRanges() throws {
    let place = "recipe, \(VAE.family): "
    try Self.field(.latentSize).check(latentSize, in: place)
    try Self.field(.channels).check(channels, in: place)
    try Self.field(.depth).check(depth, in: place)
    try Self.field(.bits).check(bits, in: place)
    try Self.field(.components).check(components, in: place)
    try Self.field(.divergenceWeight).check(divergenceWeight, in: place)
    try Self.field(.divergenceWarmUpSteps).check(divergenceWarmUpSteps, in: place)
    try Self.field(.share).check(share, in: place)
    try Self.field(.codeBins).check(codeBins, in: place)
    try Self.field(.learningRate).check(learningRate, in: place)
    try Self.field(.warmUpSteps).check(warmUpSteps, in: place)
    try Self.field(.finalRate).check(finalRate, in: place)
    try Self.field(.beta1).check(beta1, in: place)
    try Self.field(.beta2).check(beta2, in: place)
    try Self.field(.averageDecay).check(averageDecay, in: place)
  }

  /// Checks that a model with these settings supports `request`: a temperature, unless a network draws codes, but no
  /// guidance.
  public func validate(_ request: SampleRequest, for format: ImageSpecification) throws {
    try request.requireTemperatureAndLabels(for: format)
    if codes == .network, request.temperature != 1 {
      throw RecipeFailure(
        "sampling: temperature is \(request.temperature) (1 expected: the codes of a network have "
          + "none).")
    }
    if let guidance = request.guidance, guidance != 1 {
      throw RecipeFailure(
        "sampling: guidance is \(guidance) (1 expected: family \(VAE.family) has no guidance).")
    }
  }

  private func require(_ holds: Bool, _ field: String, _ found: Any, _ expected: String) throws {
    guard holds else {
      throw RecipeFailure("recipe, \(VAE.family): \(field) is \(found) (\(expected) expected).")
    }
  }

  /// The approximate number of parameters of the network.
  private func roughParameterCount(for format: ImageSpecification) -> Double {
    let widest = Double(channels << (depth - 1))
    let seed = Double((format.height >> depth) * (format.width >> depth)) * widest
    let outputs = Double(distribution(for: format).outputCount)
    return 3 * Double(latentSize) * seed + 32 * widest * widest + 16 * Double(channels) * outputs
      + Double(format.classes.count) * seed
  }

  /// The distribution of a pixel, computed by `kernels`.
  func distribution(
    for format: ImageSpecification, kernels: Kernels = .preferred
  ) -> any MeanPixelDistribution {
    let levels = PixelLevels(bits: bits)
    switch output {
    case .softmax:
      return CategoricalLevels(levels: levels, channelCount: format.channels, kernels: kernels)
    case .logistics:
      return LogisticMixture(
        levels: levels, channelCount: format.channels, componentCount: components ?? 1)
    }
  }

  /// The learning rate of each step in a run of `stepCount` steps.
  func schedule(stepCount: Int) -> LearningRateSchedule {
    LearningRateSchedule(
      learningRate, warmUpSteps: warmUpSteps,
      finalRate == 1 ? .constant : .cosine(over: stepCount, floor: finalRate))
  }

  /// The weight of the divergence in a step, counted from zero.
  func divergenceWeight(at step: Int) -> Double {
    guard step < divergenceWarmUpSteps else { return divergenceWeight }
    return divergenceWeight * Double(step + 1) / Double(divergenceWarmUpSteps)
  }
}
