import Compute
import Learning

/// The settings of an autoregressive pixel model in a recipe.
public struct PixelModelSettings: ModelSettings {
  /// The kind of a pixel's distribution.
  public enum Output: String, RecipeChoice {
    /// A softmax over the levels of each channel.
    case softmax
    /// A mixture of discretised logistics; better for many levels.
    case logistics

    /// Refuses a mixture without a number of logistics, and such a number without a mixture.
    func requireComponents(_ components: Int?, family: String) throws {
      guard (self == .logistics) == (components != nil) else {
        let expected =
          self == .softmax
          ? "absent with output softmax" : PixelModelSettings.field(.components).rangeWords
        throw RecipeFailure(
          "recipe, \(family): components is \(components.map(String.init) ?? "absent") "
            + "(\(expected) expected).")
      }
    }
  }

  /// The rule that updates the network's weights.
  public enum OptimizationRule: String, RecipeChoice {
    /// Adam for all of them.
    case adam
    /// Muon for the weights of hidden layers, Adam for the rest: fewer steps without noise.
    case muon
  }

  /// Channels of each stack.
  public var channels: Int
  /// Gated blocks after the first.
  public var depth: Int
  /// Side of the first block's kernel, an odd number.
  public var firstKernel: Int
  /// Bits per channel: images are rounded to 2^bits levels.
  public var bits: Int
  /// Octaves of the Fourier features from which the network reads levels exactly, 1 to `bits`; nil
  /// for none.
  public var fourierOctaves: Int?
  /// The kind of distribution.
  public var output: Output
  /// Logistics per pixel; needed for `logistics` only.
  public var components: Int?
  /// Rows and columns within which a pixel may copy the level of an earlier pixel
  /// (`CopyingLevels`), with `softmax` only; nil for no copies.
  public var copyReach: Int?
  /// Channels of the hidden layer before the outputs; nil for as many as `channels`.
  ///
  /// The logits of all levels are sums of this many patterns; few patterns cannot distinguish many levels.
  public var headChannels: Int?
  /// Regions per side in which a class has its own biases at the start of the network; one for the
  /// same biases everywhere.
  ///
  /// The class contributes little to an image's likelihood, so noisy steps learn it last; they
  /// learn a class's appearance per region early.
  public var classRegions: Int
  /// Layers of attention in the horizontal stack, 1 to `depth`; nil for none.
  public var attentionLayers: Int?
  /// Heads of each layer of attention; needed with attention only.
  public var attentionHeads: Int?
  /// The share of images that are trained without their class, so that classes can be sharpened
  /// when drawing (`SampleRequest.guidance`); zero for none.
  public var labelDropout: Double
  /// The guidance for drawing images unless a request specifies another.
  public var guidance: Double
  /// The rule that updates weights; nil for Adam.
  public var optimizer: OptimizationRule?
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
  /// What the network starts from; nil for random weights.
  public var prior: PriorSettings?

  enum CodingKeys: String, CodingKey, CaseIterable {
    case channels, depth
    case firstKernel = "first_kernel"
    case bits
    case fourierOctaves = "fourier_octaves"
    case output, components
    case copyReach = "copy_reach"
    case headChannels = "head_channels"
    case classRegions = "class_regions"
    case attentionLayers = "attention_layers"
    case attentionHeads = "attention_heads"
    case labelDropout = "label_dropout"
    case guidance, optimizer
    case learningRate = "learning_rate"
    case warmUpSteps = "warm_up_steps"
    case finalRate = "final_rate"
    case beta1, beta2
    case averageDecay = "average_decay"
    case prior
  }

  /// Creates settings; the defaults yield about 145,000 parameters for ten classes.
  public init(
    channels: Int = 32, depth: Int = 6, firstKernel: Int = 7, bits: Int = 4,
    fourierOctaves: Int? = nil, output: Output = .softmax, components: Int? = nil,
    copyReach: Int? = nil, headChannels: Int? = nil, classRegions: Int = 1,
    attentionLayers: Int? = nil, attentionHeads: Int? = nil, labelDropout: Double = 0,
    guidance: Double = 1, optimizer: OptimizationRule? = nil, learningRate: Double = 1e-3,
    warmUpSteps: Int = 0, finalRate: Double = 0.1, beta1: Float = 0.9, beta2: Float = 0.999,
    averageDecay: Double = 0.999, prior: PriorSettings? = nil
  ) {
    self.channels = channels
    self.depth = depth
    self.firstKernel = firstKernel
    self.bits = bits
    self.fourierOctaves = fourierOctaves
    self.output = output
    self.components = components
    self.copyReach = copyReach
    self.headChannels = headChannels
    self.classRegions = classRegions
    self.attentionLayers = attentionLayers
    self.attentionHeads = attentionHeads
    self.labelDropout = labelDropout
    self.guidance = guidance
    self.optimizer = optimizer
    self.learningRate = learningRate
    self.warmUpSteps = warmUpSteps
    self.finalRate = finalRate
    self.beta1 = beta1
    self.beta2 = beta2
    self.averageDecay = averageDecay
    self.prior = prior
  }

  public var priors: [String: PriorSettings] { prior.map { ["": $0] } ?? [:] }

  public var learningItsPriors: PixelModelSettings {
    var settings = self
    settings.prior = prior?.learning
    return settings
  }

  /// Checks the conditions that types cannot express.
  public func validate(for format: ImageSpecification) throws {
    // Checked first, because other ranges depend on the image's sides.
    try Self.imageSizes.check(format, family: PixelModel.family)
    try validateRanges()
    try require(
      fourierOctaves.map { $0 <= bits } ?? true, "fourier_octaves", fourierOctaves ?? 0,
      "1 to the \(bits) of bits, or absent")
    try require(
      output == .logistics || channels.isMultiple(of: format.channels), "channels", channels,
      "a multiple of the image's \(format.channels) channels")
    try require(!firstKernel.isMultiple(of: 2), "first_kernel", firstKernel, "an odd number")
    try output.requireComponents(components, family: PixelModel.family)
    try require(
      copyReach == nil || output == .softmax, "copy_reach", copyReach ?? 0,
      "absent without output softmax")
    let groups = distribution(for: format).groupCount
    try require(
      headChannels.map { $0.isMultiple(of: groups) } ?? true, "head_channels", headChannels ?? 0,
      "a multiple of \(groups), or absent")
    try require(
      classRegions <= min(format.height, format.width), "class_regions", classRegions,
      "1 to the pixels a side")
    try validateAttention(for: format)
    try require(
      guidance == 1 || canGuide(for: format), "guidance", guidance,
      "1 without label_dropout, several classes and output softmax")
    try prior?.validate(family: PixelModel.family)
    try ModelSize.require(roughParameterCount(for: format), family: PixelModel.family)
  }

  /// Checks the range of each field by itself.
  private func validateRanges() throws {
    let place = "recipe, \(PixelModel.family): "
    try Self.field(.bits).check(bits, in: place)
    try Self.field(.fourierOctaves).check(fourierOctaves, in: place)
    try Self.field(.channels).check(channels, in: place)
    try Self.field(.depth).check(depth, in: place)
    try Self.field(.firstKernel).check(firstKernel, in: place)
    try Self.field(.components).check(components, in: place)
    try Self.field(.copyReach).check(copyReach, in: place)
    try Self.field(.headChannels).check(headChannels, in: place)
    try Self.field(.classRegions).check(classRegions, in: place)
    try Self.field(.attentionLayers).check(attentionLayers, in: place)
    try Self.field(.attentionHeads).check(attentionHeads, in: place)
    try Self.field(.labelDropout).check(labelDropout, in: place)
    try Self.field(.guidance).check(guidance, in: place)
    try Self.field(.learningRate).check(learningRate, in: place)
    try Self.field(.warmUpSteps).check(warmUpSteps, in: place)
    try Self.field(.finalRate).check(finalRate, in: place)
    try Self.field(.beta1).check(beta1, in: place)
    try Self.field(.beta2).check(beta2, in: place)
    try Self.field(.averageDecay).check(averageDecay, in: place)
  }

  /// The approximate number of parameters of the network.
  private func roughParameterCount(for format: ImageSpecification) -> Double {
    let width = Double(channels)
    let blocks = Double(depth + 1) * 24 * width * width
    let classes = Double(format.classes.count) * Double(classRegions * classRegions) * 4 * width
    let codes = Double(format.conditions.columnRowCount) * Double(depth + 1) * 4 * width
    let outputs = Double(headChannels ?? channels) * Double(format.channels << bits)
    return blocks + classes + codes + outputs + Double(firstKernel * firstKernel) * 2 * width
  }

  private func validateAttention(for format: ImageSpecification) throws {
    let groups = distribution(for: format).groupCount
    try require(
      attentionLayers.map { $0 <= depth } ?? true, "attention_layers",
      attentionLayers ?? 0, "1 to the \(depth) of depth, or absent")
    try require(
      (attentionHeads == nil) == (attentionLayers == nil)
        && attentionHeads.map { channels.isMultiple(of: $0) && $0.isMultiple(of: groups) } ?? true,
      "attention_heads", attentionHeads.map(String.init) ?? "absent",
      attentionLayers == nil
        ? "absent without attention_layers"
        : "a divisor of the \(channels) channels and a multiple of \(groups)")
  }

  private func require(_ holds: Bool, _ field: String, _ found: Any, _ expected: String) throws {
    guard holds else {
      throw RecipeFailure("recipe, pixel: \(field) is \(found) (\(expected) expected).")
    }
  }

  /// The distribution of a pixel, computed by `kernels`.
  func distribution(
    for format: ImageSpecification, kernels: Kernels = .preferred
  ) -> any PixelDistribution {
    let levels = PixelLevels(bits: bits)
    switch output {
    case .softmax:
      let categories = CategoricalLevels(
        levels: levels, channelCount: format.channels, kernels: kernels)
      guard let copyReach else { return categories }
      return CopyingLevels(
        categories, height: format.height, width: format.width, reach: copyReach)
    case .logistics:
      return LogisticMixture(
        levels: levels, channelCount: format.channels, componentCount: components ?? 1)
    }
  }

  /// Whether images can be drawn with a guidance other than one.
  func canGuide(for format: ImageSpecification) -> Bool {
    absentLabel(for: format) != nil && output == .softmax
  }

  /// The label of images without a class and without columns, if there are any: the number after the last one.
  func absentLabel(for format: ImageSpecification) -> Int? {
    labelDropout > 0 && format.classes.count > 1 ? format.conditions.labelCount : nil
  }

  /// The network of these settings.
  func layout(for format: ImageSpecification) -> GatedStackLayout {
    let distribution = distribution(for: format)
    return GatedStackLayout(
      height: format.height, width: format.width, imageChannels: format.channels,
      channels: channels, depth: depth, reach: (firstKernel - 1) / 2,
      classCount: max(1, format.classes.count) + (absentLabel(for: format) == nil ? 0 : 1),
      conditions: format.conditions, classRegions: classRegions,
      outputCount: distribution.outputCount, headChannels: headChannels,
      groupCount: distribution.groupCount,
      fourierFeatures: fourierOctaves.map { FourierFeatures(bits: bits, octaves: $0) },
      attention: attentionLayers.map {
        GatedAttentionSizes(layers: $0, heads: attentionHeads ?? 1)
      })
  }

  /// Multiply-adds of a forward pass over one image, for speed measurements.
  public func multiplyAdds(for format: ImageSpecification) -> Int {
    layout(for: format).multiplyAdds
  }

  /// Creates the optimiser for a network of these settings with parameters in `store`.
  func makeOptimizer(
    for store: ParameterStore, of layout: GatedStackLayout, on machine: Machine
  ) -> any Optimizer {
    let constants = AdamConstants(
      learningRate: Float(learningRate), beta1: beta1, beta2: beta2)
    switch optimizer ?? .adam {
    case .adam:
      return Adam(for: store, constants, on: machine)
    case .muon:
      return Muon(for: store, constants, on: machine, matrices: layout.isHiddenWeights)
    }
  }

  /// The learning rate of each step in a run of `stepCount` steps.
  func schedule(stepCount: Int) -> LearningRateSchedule {
    LearningRateSchedule(
      learningRate, warmUpSteps: warmUpSteps,
      finalRate == 1 ? .constant : .cosine(over: stepCount, floor: finalRate))
  }
}
