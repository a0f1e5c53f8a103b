// The fields, stated once.
extension PixelModelSettings {
  public static let summary =
    "An autoregressive network that draws an image pixel by pixel, each from the pixels above it and "
    + "to its left. The gradient of a whole image is clipped once. The family computes the "
    + "likelihood of images, which shows when a model is trained enough."

  /// Each code of a column has biases of its own, like a class.
  public static let conditionsOnColumns = true

  public var levelBits: Int { bits }

  public static let imageSizes = ImageSizes(sides: 2...256)

  public static var recipeFields: [RecipeField] { CodingKeys.allCases.map(field) }

  /// The statement of a field.
  static func field(_ key: CodingKeys) -> RecipeField {
    switch key {
    case .bits, .output, .components, .copyReach, .headChannels: outputField(key)
    case .channels, .depth, .firstKernel, .fourierOctaves, .classRegions, .attentionLayers,
      .attentionHeads:
      networkField(key)
    case .labelDropout, .guidance, .optimizer, .learningRate, .warmUpSteps, .finalRate, .beta1,
      .beta2, .averageDecay, .prior:
      learningField(key)
    }
  }

  /// Fields of what a pixel is and how its level is distributed.
  private static func outputField(_ key: CodingKeys) -> RecipeField {
    switch key {
    case .bits:
      RecipeField(
        key, .integer(RecipeRange(1...8)),
        "Bits per channel of a pixel: images are rounded to 2^bits levels.")
    case .output:
      RecipeField(
        key, .choice(Output.allCases.map(\.rawValue)),
        "The kind of a pixel's distribution: `softmax` over all levels of a channel, or a mixture "
          + "of discretised `logistics`, which suits many levels.")
    case .components:
      RecipeField(
        key, .integer(RecipeRange(1...64)), condition: "with output `logistics` only",
        fallback: "no mixture; needed with output `logistics`", "Logistics per pixel.")
    case .copyReach:
      RecipeField(
        key, .integer(RecipeRange(1...15)), condition: "with output `softmax` only",
        fallback: "no copies",
        "Rows and columns within which a pixel may copy the level of an earlier pixel. It helps "
          + "where images repeat some levels exactly.")
    default:
      RecipeField(
        key, .integer(RecipeRange(1...1024)),
        condition: "with output `softmax` a multiple of `image.channels`",
        fallback: "as many as `channels`",
        "Channels of the hidden layer before the outputs. Few channels cannot distinguish many "
          + "levels.")
    }
  }

  /// Fields of the network's form.
  private static func networkField(_ key: CodingKeys) -> RecipeField {
    switch key {
    case .channels:
      RecipeField(
        key, .integer(RecipeRange(1...512)),
        condition: "with output `softmax` a multiple of `image.channels`",
        "Channels of each of the two stacks.")
    case .depth:
      RecipeField(key, .integer(RecipeRange(0...64)), "Gated blocks after the first one.")
    case .firstKernel:
      RecipeField(
        key, .integer(RecipeRange(3...31)), condition: "odd",
        "Side of the first block's kernel, in pixels.")
    case .fourierOctaves:
      RecipeField(
        key, .integer(RecipeRange(1...8)), condition: "at most `bits`", fallback: "none",
        formerNames: FormerKeys.allCases.filter { $0 == .fourierOctaves }.map(\.stringValue),
        "Octaves of the Fourier features, from which the network reads levels exactly.")
    case .classRegions:
      RecipeField(
        key, .integer(RecipeRange(1...256)), condition: "at most the smaller side of the image",
        "Regions per side in which a class has biases of its own at the start of the network; 1 "
          + "gives it the same biases everywhere. With noise, a network learns classes much earlier if "
          + "regions are about 4 pixels wide.")
    case .attentionLayers:
      RecipeField(
        key, .integer(RecipeRange(1...64)), condition: "at most `depth`", fallback: "none",
        "Layers of attention in the horizontal stack.")
    default:
      RecipeField(
        key, .integer(RecipeRange(1...512)),
        condition: "a divisor of `channels`; with output `softmax` a multiple of `image.channels`",
        fallback: "none; needed with `attention_layers`", "Heads of each layer of attention.")
    }
  }

  /// Fields of how the network learns and draws.
  private static func learningField(_ key: CodingKeys) -> RecipeField {
    switch key {
    case .labelDropout:
      RecipeField(
        key, .number(.atLeast(0, below: 1)),
        "The share of images that are trained without their class, so that `guidance` can sharpen "
          + "classes when images are drawn; 0 for none.")
    case .guidance:
      RecipeField(
        key, .number(RecipeRange(SampleRequest.guidances)),
        condition: "1 without `label_dropout`, with one class, or with output `logistics`",
        "How strongly drawn images are moved towards their class, unless a request states its own "
          + "`--guidance`; 1 draws from the model itself, and higher values make classes clearer and "
          + "images less varied.")
    case .optimizer:
      RecipeField(
        key, .choice(OptimizationRule.allCases.map(\.rawValue)),
        fallback: "`\(OptimizationRule.adam.rawValue)`",
        "The rule that updates weights: `adam` for all of them, or `muon` for those of hidden layers "
          + "and Adam for the rest, which takes fewer steps without noise.")
    case .learningRate:
      RecipeField(key, .number(.above(0, below: 1)), "The largest step size of the optimiser.")
    case .warmUpSteps:
      RecipeField(
        key, .integer(.atLeast(0)), "Steps over which the step size rises to its largest value.")
    case .finalRate:
      RecipeField(
        key, .number(RecipeRange(0.0...1.0)),
        "The step size at the last step as a share of the largest, reached along half a cosine; 1 "
          + "keeps the largest.")
    case .beta1:
      RecipeField(
        key, .number(.atLeast(0, below: 1)), "Adam's decay per step of the mean gradient.")
    case .beta2:
      RecipeField(
        key, .number(.above(0, below: 1)), "Adam's decay per step of the mean squared gradient.")
    case .averageDecay:
      RecipeField(
        key, .number(.atLeast(0, below: 1)),
        "Decay per step of the running average of the weights; the average draws the images.")
    default:
      RecipeField(
        key, .part(PriorSettings.recipeFields), fallback: "random weights",
        "Pre-training on images that a program draws, before the first private image is read. It "
          + "costs no privacy.")
    }
  }
}
