import Datasets

extension ImageTransform.Fit {
  /// What a recipe calls it; packed files have the type's own word.
  fileprivate var recipeWord: String {
    switch self {
    case .centreCrop: "crop"
    case .stretch: "stretch"
    }
  }
}

extension ImageSettings {
  /// Reads the settings; a fit that recipes do not know is refused with those that they do.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    height = try container.decode(Int.self, forKey: .height)
    width = try container.decode(Int.self, forKey: .width)
    channels = try container.decode(Int.self, forKey: .channels)
    fit = try container.decodeIfPresent(String.self, forKey: .fit).map { word in
      let all = ImageTransform.Fit.allCases
      guard let fit = all.first(where: { $0.recipeWord == word }) else {
        let expected = all.map(\.recipeWord).joined(separator: " or ")
        throw DecodingError.dataCorruptedError(
          forKey: .fit, in: container, debugDescription: "found '\(word)', expected \(expected)")
      }
      return fit
    }
  }

  /// Writes what `init(from:)` reads.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(height, forKey: .height)
    try container.encode(width, forKey: .width)
    try container.encode(channels, forKey: .channels)
    try container.encodeIfPresent(fit?.recipeWord, forKey: .fit)
  }
}
