import Compute
import Control
import Datasets
import FoundationEssentials
import Models
import Runs

/// The files that a preview shows: some of each class, in the order of their paths.
struct PreviewSelection: Codable, Hashable, Sendable {
  /// Some files of one class.
  struct Class: Codable, Hashable, Sendable {
    let name: String
    let paths: [String]
  }

  /// The classes to show.
  var classes: [Class]
  /// The number of all classes with an image.
  var classCount: Int

  /// The maximum number of classes on a sheet, so that it stays readable.
  static let mostClasses = 16
  /// The total number of rows if there are few classes.
  private static let usualRows = 6

  /// Rows of each class on the sheet.
  var rowsPerClass: Int { Self.rowsPerClass(ofClasses: classes.count) }

  /// Rows of each of `count` classes.
  static func rowsPerClass(ofClasses count: Int) -> Int { max(1, usualRows / max(1, count)) }
}

/// Draws real images in the form in which a network receives them.
struct PreviewDrawing {
  /// The folder of images; read, never written.
  let builder: SnapshotBuilder
  let dataset: String
  let recipe: String?
  /// The levels of each colour value that a model of the recipe learns; nil for all of a byte.
  let levels: PixelLevels?

  /// The form of the images if no recipe is named: small enough for a sheet, in colour, and suitable for
  /// images of any size.
  static let commonForm = ImageTransform(
    height: 64, width: 64, channels: .rgb, maximumEnlargement: 64)

  /// Draws the sheet.
  ///
  /// - Throws: `DatasetError`.
  func sheet(of selection: PreviewSelection) throws -> PreviewSheet {
    let rows = selection.rowsPerClass
    var sheet = SampleSheet(
      shape: builder.transform.shape, classCount: selection.classes.count * rows)
    var shown = 0
    var looked = 0
    var missing: [String: Int] = [:]
    for (place, chosen) in selection.classes.enumerated() {
      let first = place * rows * SampleSheet.perClass
      let paths = chosen.paths.prefix(rows * SampleSheet.perClass).map { RelativePath($0) }
      looked += paths.count
      for (offset, file) in try builder.decode(paths).enumerated() {
        switch file {
        case .pixels(let pixels):
          sheet.put(bytes: levels.map { pixels.map($0.nearest) } ?? pixels, at: first + offset)
          shown += 1
        case .unused(let verdict): missing[verdict.description, default: 0] += 1
        }
      }
    }
    let shape = builder.transform.shape
    return PreviewSheet(
      dataset: dataset, recipe: recipe, height: shape.height, width: shape.width,
      channels: shape.channels, levels: levels?.count,
      classes: selection.classes.map(\.name), rowsPerClass: rows,
      classCount: selection.classCount, images: shown,
      missing: missing.sorted { $0.key < $1.key }
        .map { "\(Rounded.count($0.value)) of \(Rounded.count(looked)): \($0.key)" },
      png: Data(
        PNGEncoder(texts: [PNGText(keyword: "Comment", value: PreviewSheet.mark)])
          .encode(sheet.image)))
  }
}
