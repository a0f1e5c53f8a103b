import ArgumentParser
import Datasets

/// What is declared about the numbers in image files: the same for training on them and for judging with
/// them.
struct LevelOptions: ParsableArguments {
  @Option(
    parsing: .unconditional,
    help: "The value that is white: 4095 for 12 bits kept in 16. (default: full scale)")
  var whiteLevel: Int?

  @Option(help: "Colours with a profile: convert them to sRGB, or take them as-stored.")
  var colour = ColourOption.convert

  enum ColourOption: String, ExpressibleByArgument, CaseIterable {
    case convert
    case asStored = "as-stored"
  }

  func validate() throws {
    if let whiteLevel, !ImageTransform.whiteLevels.contains(whiteLevel) {
      throw ValidationError(
        "--white-level: \(whiteLevel) given (\(ImageTransform.whiteLevels.lowerBound) to "
          + "\(ImageTransform.whiteLevels.upperBound) expected).")
    }
  }

  /// What becomes of colours that a profile describes.
  var transformColour: ImageTransform.Colour { colour == .convert ? .convert : .asStored }

  /// What is declared, as the room that reads images takes it.
  var rules: DatasetRules { DatasetRules(whiteLevel: whiteLevel, colour: transformColour) }
}
