import Compute

/// The model that reads the private images and draws those that a distilled generator learns from: a family,
/// and its settings.
public struct TeacherSettings: Sendable, Codable {
  /// The families that may teach: all that read private images themselves.
  static let families = Families.plain

  /// The teacher's family.
  public let familyType: any GenerativeModel.Type
  /// The settings that the family defines.
  public let model: any ModelSettings

  enum CodingKeys: String, CodingKey, CaseIterable {
    case family
  }

  /// A teacher of a family with these settings.
  public init<Model: GenerativeModel>(_ type: Model.Type, _ settings: Model.Settings) {
    precondition(type.family != Distilled.family, "a teacher reads private images itself")
    familyType = type
    model = settings
  }

  /// Reads the family and, beside it, the fields that the family defines.
  ///
  /// - Throws: `DecodingError`, also for a family that cannot teach.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let name = try container.decode(String.self, forKey: .family)
    guard let type = Self.families.first(where: { $0.family == name }) else {
      let expected = Self.field(.family).rangeWords
      let reason =
        name == Distilled.family ? "; a teacher reads the private images itself" : ""
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

  /// The fields of a teacher of any family.
  static var recipeFields: [RecipeField] { CodingKeys.allCases.map(field) }

  /// The statement of a field.
  static func field(_ key: CodingKeys) -> RecipeField {
    RecipeField(
      key, .choice(families.map { $0.family }),
      "The teacher's family. The other fields of `teacher` are those of this family under `model`.")
  }

  /// The phases in which the teacher learns.
  func phases(training: TrainingSettings, for format: ImageSpecification) -> [PhaseOutline] {
    familyType.phases(of: model, training: training, for: format)
  }

  /// Creates the untrained teacher.
  func makeModel(
    for format: ImageSpecification, seed: UInt64, on machine: Machine
  ) throws -> any GenerativeModel {
    try familyType.make(model, for: format, seed: seed, on: machine)
  }
}

extension TeacherSettings: Equatable {
  public static func == (left: TeacherSettings, right: TeacherSettings) -> Bool {
    left.familyType == right.familyType && left.model.equals(right.model)
  }
}

extension ModelSettings {
  /// Whether other settings are of the same family and have the same values.
  fileprivate func equals(_ other: any ModelSettings) -> Bool { other as? Self == self }
}
