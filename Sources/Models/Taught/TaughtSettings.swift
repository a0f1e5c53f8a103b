/// The settings of a generator whose images a private teacher labels.
public struct TaughtSettings: ModelSettings {
  /// The model that draws the images.
  public var generator: NestedModel
  /// The classifier that labels them.
  public var teacher: PrivateTeacherSettings

  enum CodingKeys: String, CodingKey, CaseIterable {
    case generator, teacher
  }

  /// Creates settings.
  public init(
    generator: NestedModel, teacher: PrivateTeacherSettings = PrivateTeacherSettings()
  ) {
    self.generator = generator
    self.teacher = teacher
  }

  /// Checks a request as the generator's family does.
  public func validate(_ request: SampleRequest, for format: ImageSpecification) throws {
    try generator.model.validate(request, for: format)
  }

  /// Checks what types cannot express, also in the generator's settings.
  public func validate(for format: ImageSpecification) throws {
    try teacher.validate(in: "recipe, \(Taught.family): teacher.")
    try Self.imageSizes.check(format, family: Taught.family)
    try generator.model.validate(for: format)
  }

  /// The family of the generator.
  public var drawingFamily: (any GenerativeModel.Type)? { generator.familyType }

  public var levelBits: Int { generator.model.levelBits }

  public var priors: [String: PriorSettings] { generator.model.priors }

  /// Whose labels the images carry.
  public var releaseRemark: String? {
    let own =
      "Each image also carries the opinion of a teacher: a linear classifier of scattering features, which "
      + "was trained on the private images with noise, for \(Self.percent(teacher.share)) % of the run's "
      + "epsilon. In `metadata.jsonl`, `teacher_label` is its most probable class and "
      + "`teacher_probabilities` are its probabilities, in the order of the class folders sorted by name. "
      + "The images themselves do not depend on it: a model of family `\(generator.familyType.family)` drew "
      + "each one for the class of its folder."
    return [generator.model.releaseRemark, own].compactMap { $0 }.joined(separator: "\n\n")
  }

  private static func percent(_ share: Double) -> String {
    let tenths = (share * 1000).rounded() / 10
    return Int(exactly: tenths).map(String.init) ?? "\(tenths)"
  }
}

// The fields, stated once.
extension TaughtSettings {
  public static let summary =
    "A generator of any other family, and a private teacher that labels its images: a linear "
    + "classifier of scattering features, trained with noise on a share of the run's epsilon. "
    + "Released images carry the probabilities of the teacher beside their class. The settings "
    + "under `training` are the generator's."

  public static let imageSizes = ImageSizes(sides: 8...256)

  public static var recipeFields: [RecipeField] {
    fields(generator: NestedModel.recipeFields)
  }

  /// All fields, those of the generator's family among them.
  public var applicableFields: [RecipeField] {
    Self.fields(generator: generator.applicableFields)
  }

  private static func fields(generator: [RecipeField]) -> [RecipeField] {
    CodingKeys.allCases.map { key in
      switch key {
      case .generator:
        RecipeField(
          key, .part(generator), condition: "with all fields of the family",
          "The model that learns from the private images and draws.")
      case .teacher:
        RecipeField(
          key, .part(PrivateTeacherSettings.recipeFields),
          "The classifier that learns from the private images and labels drawn ones.")
      }
    }
  }
}
