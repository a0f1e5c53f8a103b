/// One field of a recipe: the values that it takes, and what it means.
///
/// A settings type states each of its fields once. The names that recipes may use, the checks of ranges
/// and the recipe reference (`RecipeReference`) all derive from that statement.
public struct RecipeField: Sendable {
  /// The values that a field takes.
  public enum Value: Sendable {
    /// Any text.
    case text
    /// One of these names.
    case choice([String])
    /// One of these whole numbers.
    case oneOf([Int])
    /// A whole number of this range.
    case integer(RecipeRange)
    /// A number of this range.
    case number(RecipeRange)
    /// A group of fields.
    case part([RecipeField])
  }

  /// The name as recipes write it.
  public let name: String
  /// Former spellings, which are read and never written.
  public let formerNames: [String]
  /// The values that it takes.
  public let value: Value
  /// What a value must also satisfy, in a few words; nil for nothing.
  public let condition: String?
  /// What holds if a recipe leaves the field out; nil for a field that must be present.
  public let fallback: String?
  /// What the field means, in one or two sentences, with the unit.
  public let meaning: String

  /// States a field.
  public init(
    _ key: some CodingKey, _ value: Value, condition: String? = nil, fallback: String? = nil,
    formerNames: [String] = [], _ meaning: String
  ) {
    self.name = key.stringValue
    self.value = value
    self.condition = condition
    self.fallback = fallback
    self.formerNames = formerNames
    self.meaning = meaning
  }

  /// The fields of a part; empty for a single value.
  public var parts: [RecipeField] {
    if case .part(let fields) = value { fields } else { [] }
  }

  /// The paths of all values of the field, former spellings included, for example "schedule.start".
  public var paths: [String] {
    let names = [name] + formerNames
    guard case .part(let fields) = value else { return names }
    return names.flatMap { name in fields.flatMap(\.paths).map { "\(name).\($0)" } }
  }

  /// The values in words, without the condition, for example "1 to 64".
  public var rangeWords: String {
    switch value {
    case .text: "text"
    case .choice(let names): names.joined(separator: " or ")
    case .oneOf(let numbers): numbers.map(String.init).joined(separator: " or ")
    case .integer(let range), .number(let range): range.words
    case .part: "a group of fields"
    }
  }

  /// Refuses a whole number that the field does not take; nil stands for a field left out.
  ///
  /// - Parameter place: what precedes the name in the message, for example "recipe: training.".
  /// - Throws: `RecipeFailure`.
  func check(_ found: Int?, in place: String) throws {
    guard let found else { return }
    switch value {
    case .integer(let range):
      try require(range.contains(Double(found)), "\(found)", in: place)
    case .oneOf(let numbers):
      try require(numbers.contains(found), "\(found)", in: place)
    case .text, .choice, .number, .part:
      preconditionFailure("field \(name) takes no whole number")
    }
  }

  /// Refuses a number that the field does not take; nil stands for a field left out.
  ///
  /// - Parameter place: what precedes the name in the message.
  /// - Throws: `RecipeFailure`.
  func check<Number: BinaryFloatingPoint & Sendable>(_ found: Number?, in place: String) throws {
    guard let found else { return }
    guard case .number(let range) = value else {
      preconditionFailure("field \(name) takes no number with a fraction")
    }
    guard found.isFinite else {
      throw RecipeFailure(
        "\(place)\(name) is \(found) (a finite number \(range.words) expected).")
    }
    try require(range.contains(Double(found)), "\(found)", in: place)
  }

  private func require(_ holds: Bool, _ found: String, in place: String) throws {
    guard holds else {
      let expected = rangeWords + (fallback == nil ? "" : ", or absent")
      throw RecipeFailure("\(place)\(name) is \(found) (\(expected) expected).")
    }
  }
}

extension ModelSettings {
  /// The names of all fields as recipes write them, including optional ones and former spellings;
  /// "schedule.start" is the field of a part.
  public static var fields: [String] { recipeFields.flatMap(\.paths) }
}
