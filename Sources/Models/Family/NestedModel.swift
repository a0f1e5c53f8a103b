import Compute

/// A model inside the settings of another one: its family, and its settings.
///
/// Models nest once: the inner one reads the private images and draws by itself.
public struct NestedModel: Sendable, Codable {
  /// The families that may be nested.
  static let families = Families.plain

  /// The family of the inner model.
  public let familyType: any GenerativeModel.Type
  /// The settings that this family defines.
  public let model: any ModelSettings

  enum CodingKeys: String, CodingKey, CaseIterable {
    case family
  }

  /// A model of a family with these settings.
  public init<Model: GenerativeModel>(_ type: Model.Type, _ settings: Model.Settings) {
    precondition(Self.families.contains { $0.family == type.family }, "models nest once")
    familyType = type
    model = settings
  }

  /// Reads the family and, beside it, the fields that the family defines.
  ///
  /// - Throws: `DecodingError`, also for a family that has a model inside itself.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let name = try container.decode(String.self, forKey: .family)
    guard let type = Self.families.first(where: { $0.family == name }) else {
      let expected = Self.field(.family).rangeWords
      let reason =
        Families.named(name) == nil
        ? "" : "; '\(name)' has another model inside, and models nest once"
      throw DecodingError.dataCorruptedError(
        forKey: .family, in: container,
        debugDescription: "found '\(name)', expected \(expected)\(reason)")
    }
    familyType = type
    model = try type.settings(from: decoder)
  }

  /// Writes what `init(from:)` reads.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(familyType.family, forKey: .family)
    try model.encode(to: encoder)
  }

  /// The fields of a nested model of any family.
  static var recipeFields: [RecipeField] { CodingKeys.allCases.map(field) }

  /// All fields, those of this model's family among them.
  var applicableFields: [RecipeField] { Self.recipeFields + model.applicableFields }

  /// The statement of a field.
  static func field(_ key: CodingKeys) -> RecipeField {
    RecipeField(
      key, .choice(families.map { $0.family }),
      "The family of this model. The fields beside it are those of this family under `model`.")
  }

  /// The curves of every family that may be nested, sorted by name.
  static let curves: [TrainingCurve] =
    Set(families.flatMap { $0.curves }).sorted { $0.name < $1.name }

  /// Whether its images depend on columns of a table too.
  var conditionsOnColumns: Bool { type(of: model).conditionsOnColumns }

  /// The phases in which the model learns.
  func phases(training: TrainingSettings, for format: ImageSpecification) -> [PhaseOutline] {
    familyType.phases(of: model, training: training, for: format)
  }

  /// Creates the untrained model.
  func makeModel(
    for format: ImageSpecification, seed: UInt64, on machine: Machine
  ) throws -> any GenerativeModel {
    try familyType.make(model, for: format, seed: seed, on: machine)
  }
}

extension NestedModel: Equatable {
  public static func == (left: NestedModel, right: NestedModel) -> Bool {
    left.familyType == right.familyType && left.model.equals(right.model)
  }
}

extension ModelSettings {
  /// Whether other settings are of the same family and have the same values.
  fileprivate func equals(_ other: any ModelSettings) -> Bool { other as? Self == self }
}
