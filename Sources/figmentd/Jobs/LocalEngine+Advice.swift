import Control
import Datasets
import Models

/// The facts for advice: recipes, measured runs, and what a folder contains.
extension LocalEngine {
  func adviceLibrary() throws -> AdviceLibrary {
    try Self.translated { try AdviceLibrary(library) }
  }

  func use(of dataset: DatasetConfiguration, under transform: ImageTransform) throws -> FileUse {
    try Self.translated { try countUse(dataset, transform) }
  }

  func hasColours(_ selection: PreviewSelection, dataset: DatasetConfiguration) throws -> Bool? {
    try Self.translated {
      var builder = SnapshotBuilder(
        root: dataset.root, rules: dataset.rules, transform: PreviewDrawing.commonForm)
      builder.makeDecoder = makeDecoder
      return try ColourLook(builder: builder).hasColours(selection)
    }
  }
}
