// The fields, stated once.
extension VAESettings {
  public var levelBits: Int { bits }

  public static let summary =
    "A variational autoencoder: an encoder describes each image by a short code with noise, and a "
    + "decoder draws images from codes, all pixels at once. The gradient of a whole image is clipped "
    + "once. A second phase may learn with noise where the codes of each class lie. The family "
    + "computes an upper bound of the likelihood of images."

  public static let imageSizes = ImageSizes(sides: 8...256)

  public static var recipeFields: [RecipeField] { CodingKeys.allCases.map(field) }

  /// The statement of a field.
  static func field(_ key: CodingKeys) -> RecipeField {
    switch key {
    case .latentSize, .channels, .depth, .normalization: networkField(key)
    case .bits: PixelModelSettings.field(.bits)
    case .output: PixelModelSettings.field(.output)
    case .components: PixelModelSettings.field(.components)
    case .divergenceWeight, .divergenceWarmUpSteps, .codes, .share, .codeBins, .drawing:
      codeField(key)
    case .learningRate: PixelModelSettings.field(.learningRate)
    case .warmUpSteps: PixelModelSettings.field(.warmUpSteps)
    case .finalRate: PixelModelSettings.field(.finalRate)
    case .beta1: PixelModelSettings.field(.beta1)
    case .beta2: PixelModelSettings.field(.beta2)
    case .averageDecay: PixelModelSettings.field(.averageDecay)
    }
  }

  /// Fields of the network's form.
  private static func networkField(_ key: CodingKeys) -> RecipeField {
    switch key {
    case .latentSize:
      RecipeField(key, .integer(RecipeRange(1...256)), "Numbers of a code.")
    case .channels:
      RecipeField(
        key, .integer(RecipeRange(1...256)),
        "Channels of the first convolution; each later one doubles them.")
    case .depth:
      RecipeField(
        key, .integer(RecipeRange(1...6)),
        condition: "at least 2 rows and columns are left",
        "How often the encoder halves the image.")
    default:
      RecipeField(
        key, .choice(Normalization.allCases.map(\.rawValue)),
        fallback: "`\(Normalization.none.rawValue)`",
        "How activations are normalised: `none`, or `group` of channels within each image.")
    }
  }

  /// Fields of the codes, and of drawing from them.
  private static func codeField(_ key: CodingKeys) -> RecipeField {
    switch key {
    case .divergenceWeight:
      RecipeField(
        key, .number(.above(0, below: 100)),
        "The weight of the divergence of codes from the standard normal distribution; 1 is the "
          + "evidence bound itself, and lower values make images sharper and codes less regular.")
    case .divergenceWarmUpSteps:
      RecipeField(
        key, .integer(.atLeast(0)),
        "Steps over which that weight rises from 0, so that codes are not given up early.")
    case .codes:
      RecipeField(
        key, .choice(Codes.allCases.map(\.rawValue)),
        "Where the codes of drawn images come from: the `standard` normal distribution, or, for each "
          + "class, a normal one of the clipped codes of the private images, from one noisy sum in a "
          + "phase of its own, `diagonal` or with `full` correlations; or a Bayesian `network` over the "
          + "class and the bins of the codes' numbers, from noisy tables.")
    case .share:
      RecipeField(
        key, .number(.above(0, below: 1)), condition: "not with codes `standard`",
        fallback: "no second phase; needed with other codes than `standard`",
        "The part of the run's epsilon that pays for the distribution of the codes; the training "
          + "gets the rest.")
    case .codeBins:
      RecipeField(
        key, .integer(RecipeRange(2...64)), condition: "with codes `network` only",
        fallback: "\(defaultBins)",
        "Into how many bins each number of a code is divided; the standard normal distribution fills "
          + "them equally.")
    default:
      RecipeField(
        key, .choice(Drawing.allCases.map(\.rawValue)),
        "How an image is made from the distributions of its pixels: the `mean` of each, which is "
          + "smooth, or a `sample` of each, which has the noise that the code does not explain.")
    }
  }
}
