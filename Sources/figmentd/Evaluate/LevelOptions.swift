import ArgumentParser
import Datasets

/// Declarations about sample values in image files, shared by training and evaluation.
struct LevelOptions: ParsableArguments {
  @Option(
    parsing: .unconditional,
    help: "The sample value of white: 4095 for 12 bits stored in 16. (default: full scale)")
  var whiteLevel: Int?

  @Option(help: "For images with a colour profile: convert to sRGB, or use values as-stored.")
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

  /// How to treat colours with a profile.
  var transformColour: ImageTransform.Colour { colour == .convert ? .convert : .asStored }

  /// The declarations in the form that the reader of images uses.
  var rules: DatasetRules { DatasetRules(whiteLevel: whiteLevel, colour: transformColour) }
}
