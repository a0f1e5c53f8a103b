/// The settings of a model that draws a small image first and then doubles its size.
public struct MultiscaleSettings: ModelSettings {
  /// How often the size is doubled.
  public var stages: Int
  /// The pixel model of the small image.
  public var base: PixelModelSettings
  /// The networks that double the size, all of the same form.
  public var upsampler: UpsamplerSettings

  enum CodingKeys: String, CodingKey, CaseIterable {
    case stages, base, upsampler
  }

  /// Creates settings.
  public init(stages: Int, base: PixelModelSettings, upsampler: UpsamplerSettings) {
    self.stages = stages
    self.base = base
    self.upsampler = upsampler
  }

  public var priors: [String: PriorSettings] {
    [Self.basePart: base.prior, Self.upsamplerPart: upsampler.prior].compactMapValues { $0 }
  }

  /// The names of the parts of a recipe that describe networks.
  static let basePart = CodingKeys.base.rawValue
  static let upsamplerPart = CodingKeys.upsampler.rawValue

  public var learningItsPriors: MultiscaleSettings {
    var settings = self
    settings.base = base.learningItsPriors
    settings.upsampler.prior = upsampler.prior?.learning
    return settings
  }

  public static let summary =
    "A pixel model of a small copy of the image, and networks that double its size, each of them with a "
    + "share of epsilon. An upsampler predicts the four pixels that a coarse pixel becomes, one after "
    + "the other and for all coarse pixels at once, so that large images are drawn fast."

  public static let imageSizes = ImageSizes(sides: 8...512)

  public static var recipeFields: [RecipeField] { CodingKeys.allCases.map(field) }

  /// The statement of a field.
  static func field(_ key: CodingKeys) -> RecipeField {
    switch key {
    case .stages:
      RecipeField(
        key, .integer(RecipeRange(1...4)),
        condition: "rows and columns a multiple of 2^stages, and at least 4 afterwards",
        "How often the size is doubled: with 2, images of 64×64 pixels begin at 16×16.")
    case .base:
      RecipeField(
        key, .part(PixelModelSettings.recipeFields),
        "The pixel model of the small image; `training` states its steps.")
    case .upsampler:
      RecipeField(
        key, .part(UpsamplerSettings.recipeFields), "The networks that double the size.")
    }
  }

  /// The forms of the image from the smallest to the whole one.
  func formats(of format: ImageSpecification) -> [ImageSpecification] {
    (0...stages).map { stage in
      let factor = 1 << (stages - stage)
      return ImageSpecification(
        height: format.height / factor, width: format.width / factor, channels: format.channels,
        classes: format.classes)
    }
  }

  public var levelBits: Int { stages == 0 ? base.bits : upsampler.bits }

  /// The levels of the image of a stage.
  func levels(ofStage stage: Int) -> PixelLevels {
    PixelLevels(bits: stage == 0 ? base.bits : upsampler.bits)
  }

  /// Checks what types cannot express, also in the parts.
  public func validate(for format: ImageSpecification) throws {
    let place = "recipe, \(Multiscale.family): "
    try Self.field(.stages).check(stages, in: place)
    try Self.imageSizes.check(format, family: Multiscale.family)
    let factor = 1 << stages
    for side in [format.height, format.width]
    where !side.isMultiple(of: factor) || side / factor < 4 {
      throw RecipeFailure(
        "\(place)stages is \(stages) and the image \(format.height)×\(format.width) (rows and columns a multiple "
          + "of \(factor), at least \(4 * factor), expected). Take fewer stages or another size.")
    }
    try upsampler.validate(family: Multiscale.family)
    guard Double(stages) * upsampler.share < 1 else {
      throw RecipeFailure(
        "\(place)upsampler.share is \(upsampler.share) for each of \(stages) stages (together below 1 expected)."
      )
    }
    try ModelSize.require(
      Double(stages)
        * upsampler.roughParameterCount(channels: format.channels, classes: format.classes.count),
      family: Multiscale.family)
    try base.validate(for: formats(of: format)[0])
  }

  /// Checks that the model of the small image supports `request`.
  public func validate(_ request: SampleRequest, for format: ImageSpecification) throws {
    try base.validate(request, for: formats(of: format)[0])
  }
}
