import Compute

/// The model that draws the images which a private teacher labels: a family, and its settings.
public struct TaughtGenerator: Sendable, Codable {
  /// The families that may draw: all without another model inside.
  static let families = Families.plain

  /// The generator's family.
  public let familyType: any GenerativeModel.Type
  /// The settings that the family defines.
  public let model: any ModelSettings

  enum CodingKeys: String, CodingKey, CaseIterable {
    case family
  }

  /// A generator of a family with these settings.
  public init<Model: GenerativeModel>(_ type: Model.Type, _ settings: Model.Settings) {
    precondition(type.family != Taught.family, "one teacher labels the images")
    familyType = type
    model = settings
  }

  /// Reads the family and, beside it, the fields that the family defines.
  ///
  /// - Throws: `DecodingError`, also for a family that cannot be a generator.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let name = try container.decode(String.self, forKey: .family)
    guard let type = Self.families.first(where: { $0.family == name }) else {
      let expected = Self.field(.family).rangeWords
      let reason = name == Taught.family ? "; one teacher labels the images" : ""
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

  /// The fields of a generator of any family.
  static var recipeFields: [RecipeField] { CodingKeys.allCases.map(field) }

  /// The statement of a field.
  static func field(_ key: CodingKeys) -> RecipeField {
    RecipeField(
      key, .choice(families.map { $0.family }),
      "The generator's family. The other fields of `generator` are those of this family under "
        + "`model`.")
  }

  /// The phases in which the generator learns.
  func phases(training: TrainingSettings, for format: ImageSpecification) -> [PhaseOutline] {
    familyType.phases(of: model, training: training, for: format)
  }

  /// Creates the untrained generator.
  func makeModel(
    for format: ImageSpecification, seed: UInt64, on machine: Machine
  ) throws -> any GenerativeModel {
    try familyType.make(model, for: format, seed: seed, on: machine)
  }
}

extension TaughtGenerator: Equatable {
  public static func == (left: TaughtGenerator, right: TaughtGenerator) -> Bool {
    left.familyType == right.familyType && left.model.equals(right.model)
  }
}

extension ModelSettings {
  /// Whether other settings are of the same family and have the same values.
  fileprivate func equals(_ other: any ModelSettings) -> Bool { other as? Self == self }
}
