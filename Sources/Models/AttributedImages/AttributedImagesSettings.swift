import Datasets

/// The settings of images with a row of a table beside each.
public struct AttributedImagesSettings: ModelSettings {
  /// The part of the run's epsilon that pays for the table.
  public var share: Double
  /// The network of class and columns.
  public var table: BayesianNetworkSettings
  /// The model that draws the images.
  public var images: NestedModel
  /// The most columns that images are conditioned on; nil for as many as fit.
  public var conditions: Int?

  enum CodingKeys: String, CodingKey, CaseIterable {
    case share, table, images, conditions
  }

  /// Creates settings.
  public init(
    share: Double, table: BayesianNetworkSettings, images: NestedModel, conditions: Int? = nil
  ) {
    self.share = share
    self.table = table
    self.images = images
    self.conditions = conditions
  }

  /// The most combinations of class and columns that images are conditioned on; more columns would be lost beside the
  /// noise in any case.
  private static let mostCombinations = 1 << 40

  public static let readsColumns = true

  public var levelBits: Int { images.model.levelBits }

  public var priors: [String: PriorSettings] { images.model.priors }

  /// The format of the image model: only the first columns that it is conditioned on.
  func imageFormat(of format: ImageSpecification) -> ImageSpecification {
    ImageSpecification(
      height: format.height, width: format.width, channels: format.channels,
      classes: format.classes, columns: conditioning(of: format))
  }

  /// The columns that images are conditioned on: the first ones, in the order of declaration, as long as the
  /// combinations are few enough.
  private func conditioning(of format: ImageSpecification) -> [ColumnDomain] {
    guard images.conditionsOnColumns else { return [] }
    var combinations = max(1, format.classes.count)
    var columns: [ColumnDomain] = []
    for column in format.columns.prefix(conditions ?? format.columns.count) {
      combinations *= column.codeCount
      guard combinations <= Self.mostCombinations else { break }
      columns.append(column)
    }
    return columns
  }

  /// The phases of the network, each with its part of the run's epsilon.
  func tablePhases(for format: ImageSpecification) -> [PhaseOutline] {
    BayesianNetwork.phases(of: table, for: format, share: share)
  }

  /// Checks what types cannot express, also in the settings of network and image model.
  public func validate(for format: ImageSpecification) throws {
    let place = "recipe, \(AttributedImages.family): "
    try Self.imageSizes.check(format, family: AttributedImages.family)
    try Self.field(.share).check(share, in: place)
    try Self.field(.conditions).check(conditions, in: place)
    try table.validate(for: format)
    try images.model.validate(for: imageFormat(of: format))
  }

  /// Checks a request as the image model's family does.
  public func validate(_ request: SampleRequest, for format: ImageSpecification) throws {
    let classes = ImageSpecification(
      height: format.height, width: format.width, channels: format.channels,
      classes: format.classes)
    try images.model.validate(request, for: classes)
  }

  /// How images and rows belong together.
  public var releaseRemark: String? {
    let own =
      "Class and columns of each image were drawn from a Bayesian network, which was learnt with noise for "
      + "\(Self.percent(share)) % of the run's epsilon; a model of family `\(images.familyType.family)` drew the image "
      + (images.conditionsOnColumns ? "for its class and columns." : "for its class.")
      + " In `metadata.jsonl`, each line has the columns beside the class."
    return [images.model.releaseRemark, own].compactMap { $0 }.joined(separator: "\n\n")
  }

  private static func percent(_ share: Double) -> String {
    let tenths = (share * 1000).rounded() / 10
    return Int(exactly: tenths).map(String.init) ?? "\(tenths)"
  }
}

// The fields, stated once.
extension AttributedImagesSettings {
  public static let summary =
    "Images with a row of a table beside each: a Bayesian network of class and columns, learnt on a share of the "
    + "run's epsilon, and an image model that draws each image for its row. The columns are those that the "
    + "configuration of the dataset declares. The settings under `training` are the image model's."

  public static let imageSizes = ImageSizes(sides: 8...256)

  public static var recipeFields: [RecipeField] {
    CodingKeys.allCases.map { field($0) }
  }

  /// All fields, those of the image model's family among them.
  public var applicableFields: [RecipeField] {
    CodingKeys.allCases.map { Self.field($0, images: images.applicableFields) }
  }

  /// The statement of a field.
  static func field(
    _ key: CodingKeys, images: [RecipeField] = NestedModel.recipeFields
  ) -> RecipeField {
    switch key {
    case .share:
      RecipeField(
        key, .number(.above(0, below: 1)),
        "The part of the run's epsilon that pays for the network of class and columns.")
    case .table:
      RecipeField(
        key, .part(BayesianNetworkSettings.recipeFields),
        "The network: the fields of family `\(BayesianNetwork.family)` under `model`.")
    case .images:
      RecipeField(
        key, .part(images), condition: "with all fields of the family",
        "The model that draws the images.")
    case .conditions:
      RecipeField(
        key, .integer(RecipeRange(0...256)), fallback: "all",
        "The most columns that images are conditioned on, the first ones in the order of their declaration. Only "
          + "family `\(PixelModel.family)` is conditioned on columns; others know the class alone.")
    }
  }
}
