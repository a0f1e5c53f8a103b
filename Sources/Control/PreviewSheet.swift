public import FoundationEssentials

/// A picture of real images in the form that a recipe uses.
///
/// For people who may see the real images, never for release.
public struct PreviewSheet: Codable, Hashable, Sendable {
  /// The mark in the file of every sheet, which distinguishes it from other files.
  public static let mark = "figment preview: real images, not to be shared"

  /// The dataset.
  public var dataset: String
  /// The recipe; nil for a common form.
  public var recipe: String?
  /// Height of an image in pixels.
  public var height: Int
  /// Width of an image in pixels.
  public var width: Int
  /// Colour channels of an image: 1 or 3.
  public var channels: Int
  /// How many levels of each colour value a model of the recipe learns; nil for all 256.
  public var levels: Int?
  /// The classes shown, from top to bottom, each in `rowsPerClass` rows.
  public var classes: [String]
  /// Rows of a class.
  public var rowsPerClass: Int
  /// All classes that have an image.
  public var classCount: Int
  /// The images on the sheet.
  public var images: Int
  /// Which chosen images are missing on the sheet, in words: how many, and why.
  public var missing: [String]
  /// The sheet as a PNG file.
  public var png: Data

  /// Describes a sheet.
  public init(
    dataset: String, recipe: String?, height: Int, width: Int, channels: Int, levels: Int? = nil,
    classes: [String],
    rowsPerClass: Int, classCount: Int, images: Int, missing: [String], png: Data
  ) {
    self.dataset = dataset
    self.recipe = recipe
    self.height = height
    self.width = width
    self.channels = channels
    self.levels = levels
    self.classes = classes
    self.rowsPerClass = rowsPerClass
    self.classCount = classCount
    self.images = images
    self.missing = missing
    self.png = png
  }
}
