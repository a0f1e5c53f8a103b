public import Datasets
public import Privacy

/// Which model to train and how: everything besides the images that determines the result.
///
/// Recipes are data (`Models/*.yaml`). Options that affect only speed or memory do not belong here.
public struct Recipe: Sendable, Codable {
  /// The name in requests, for example "dp-gan-28".
  public let name: String
  /// One sentence on its purpose.
  public let summary: String
  /// With which trainings it may be used; nil if the recipe does not say, and means any.
  public let privacy: PrivacyUse?
  /// The images it produces.
  public let image: ImageSettings
  /// The training settings common to all families.
  public let training: TrainingSettings
  /// The family's own part.
  public private(set) var model: any ModelSettings
  /// The columns of the table that the model learns, of the order's dataset; a recipe in a file has none.
  public private(set) var columns: [ColumnDomain]
  /// The family that trains it.
  public let familyType: any GenerativeModel.Type

  /// The family's name.
  public var family: String { familyType.family }

  enum CodingKeys: String, CodingKey, CaseIterable {
    case name, summary, family, privacy, image, training, model
  }

  /// Keys of recipes in plans and releases, which files do not have.
  private enum OrderKeys: String, CodingKey { case columns }

  /// The trainings that a recipe is made for.
  public enum PrivacyUse: String, RecipeChoice, Hashable {
    /// With and without privacy.
    case any
    /// Without privacy alone: its batches, steps and size leave nothing but noise of a private training.
    case none
  }

  /// The paths of all fields of a recipe of this family, including optional ones and former
  /// spellings, for example "training.steps".
  public var fields: [String] {
    Self.fields(model: model.applicableFields, hasImage: model.readsImages).flatMap(\.paths)
  }

  /// Reads a recipe; an unknown family is an error that lists the known ones.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    name = try container.decode(String.self, forKey: .name)
    summary = try container.decode(String.self, forKey: .summary)
    privacy = try container.decodeIfPresent(PrivacyUse.self, forKey: .privacy)
    columns =
      try decoder.container(keyedBy: OrderKeys.self)
      .decodeIfPresent([ColumnDomain].self, forKey: .columns) ?? []
    // Models of releases come from strangers.
    try ColumnDomain.check(columns)
    training = try container.decode(TrainingSettings.self, forKey: .training)
    let family = try container.decode(String.self, forKey: .family)
    guard let type = Families.named(family) else {
      let known = Families.all.map { $0.family }.joined(separator: ", ")
      throw RecipeFailure("recipe \(name): family '\(family)' (one of \(known) expected).")
    }
    familyType = type
    image =
      type.settingsType.readsImages
      ? try container.decode(ImageSettings.self, forKey: .image) : .none
    model = try type.settings(from: container.superDecoder(forKey: .model))
  }

  /// The same recipe for a model that makes the steps of its priors instead of starting from their result.
  public var learningItsPriors: Recipe {
    var recipe = self
    recipe.model = model.learningItsPriors
    return recipe
  }

  /// The same recipe for a dataset with these columns; those that its models do not read are left out.
  public func reading(_ columns: [ColumnDomain]) -> Recipe {
    var recipe = self
    recipe.columns = model.readsColumns ? columns : []
    return recipe
  }

  /// Writes the recipe with every value that determines the result.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(name, forKey: .name)
    try container.encode(summary, forKey: .summary)
    try container.encode(family, forKey: .family)
    try container.encodeIfPresent(privacy, forKey: .privacy)
    if model.readsImages { try container.encode(image, forKey: .image) }
    try container.encode(training, forKey: .training)
    try model.encode(to: container.superEncoder(forKey: .model))
    guard !columns.isEmpty else { return }
    var order = encoder.container(keyedBy: OrderKeys.self)
    try order.encode(columns, forKey: .columns)
  }

  /// The format of the images with these classes.
  public func format(classes: [String]) -> ImageSpecification {
    ImageSpecification(
      height: image.height, width: image.width, channels: image.channels, classes: classes,
      columns: columns)
  }

  /// Checks the conditions that types cannot express; throws `RecipeFailure`.
  public func validate(classes: [String]) throws {
    try training.validate()
    if model.readsImages {
      try ImageSettings.field(.channels).check(image.channels, in: "recipe \(name): image.")
    }
    try model.validate(for: format(classes: classes))
  }

  /// Checks that models of this recipe support `request`; throws `RecipeFailure`.
  public func validate(_ request: SampleRequest, classes: [String]) throws {
    try model.validate(request, for: format(classes: classes))
  }
}

/// The images that a recipe produces, and how other images are converted to that form.
public struct ImageSettings: Hashable, Sendable, Codable {
  /// Rows, columns and channels (1 grey, 3 colour).
  public let height: Int, width: Int, channels: Int
  /// How other aspect ratios are fitted; crop by default.
  public let fit: ImageTransform.Fit?

  /// No image: the model learns a table alone.
  public static let none = ImageSettings(height: 0, width: 0, channels: 0, fit: nil)

  enum CodingKeys: String, CodingKey, CaseIterable {
    case height, width, channels, fit
  }
}

/// The training settings common to all families.
public struct TrainingSettings: Hashable, Sendable, Codable {
  /// The largest expected number of units in a batch.
  public static let largestBatch = 10_000_000
  /// The largest number of steps of a training.
  public static let mostSteps = 100_000_000

  /// The expected number of units in a batch, and the divisor of sums.
  public var batchSize: Int
  /// Steps on training images.
  public var steps: Int
  /// The largest norm of one unit's gradient.
  public var clipNorm: Double
  /// The kind of noise; Gaussian by default.
  ///
  /// The discrete noise is the hardened mode: sums and noise are exact, so the low bits of floats
  /// reveal nothing, and a step takes several times as long.
  public var noise: NoiseDistribution?

  enum CodingKeys: String, CodingKey, CaseIterable {
    case batchSize = "batch_size"
    case steps
    case clipNorm = "clip_norm"
    case noise
  }

  /// Creates settings.
  public init(batchSize: Int, steps: Int, clipNorm: Double, noise: NoiseDistribution? = nil) {
    self.batchSize = batchSize
    self.steps = steps
    self.clipNorm = clipNorm
    self.noise = noise
  }

  /// Checks the ranges.
  public func validate() throws {
    let place = "recipe: training."
    try Self.field(.batchSize).check(batchSize, in: place)
    try Self.field(.steps).check(steps, in: place)
    try Self.field(.clipNorm).check(clipNorm, in: place)
  }
}
