/// One of a few names that are valid for a recipe's field; any other value is refused with a list
/// of the names.
public protocol RecipeChoice: RawRepresentable, CaseIterable, Codable, Sendable
where RawValue == String {}

extension RecipeChoice {
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let name = try container.decode(String.self)
    guard let choice = Self(rawValue: name) else {
      let expected = Self.allCases.map(\.rawValue).joined(separator: " or ")
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "found '\(name)', expected \(expected)")
    }
    self = choice
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(rawValue)
  }
}
