/// The sizes of images that a family of models can make.
public struct ImageSizes: Hashable, Sendable {
  /// Rows and columns in pixels.
  public let sides: ClosedRange<Int>
  /// Whether images must have as many rows as columns.
  public let areSquare: Bool

  /// States the sizes.
  public init(sides: ClosedRange<Int>, areSquare: Bool = false) {
    self.sides = sides
    self.areSquare = areSquare
  }

  /// The sizes in words.
  public var words: String {
    "\(sides.lowerBound) to \(sides.upperBound) pixels a side" + (areSquare ? ", square" : "")
  }

  /// Refuses images of another size.
  ///
  /// - Throws: `RecipeFailure`.
  func check(_ format: ImageSpecification, family: String) throws {
    guard sides.contains(format.height), sides.contains(format.width),
      !areSquare || format.height == format.width
    else {
      throw RecipeFailure(
        "recipe, \(family): image.height × image.width is \(format.height)×\(format.width) "
          + "(\(words) expected).")
    }
  }
}
