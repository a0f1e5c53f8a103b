/// The largest size of a model.
///
/// Settings come from recipes and model files, which anybody may have written, so a size that is
/// too large is refused before memory is allocated.
enum ModelSize {
  /// The most parameters: a gigabyte of single precision, several times that in training.
  static let mostParameters = Double(1 << 28)

  /// Refuses a model of more parameters.
  ///
  /// - Throws: `RecipeFailure`.
  static func require(_ parameters: Double, family: String) throws {
    guard parameters <= mostParameters else {
      throw RecipeFailure(
        "recipe, \(family): about \(Int(parameters / 1e6)) million parameters (up to "
          + "\(Int(mostParameters / 1e6)) million expected). Take fewer channels, classes or regions."
      )
    }
  }
}
