import Compute
import Models

/// A family for tests that need only the steps: it draws nothing and saves nothing.
protocol SteppingModel: GenerativeModel where Settings == NoSettings {}

/// Empty settings.
struct NoSettings: ModelSettings {
  static let summary = "For tests."
  static let recipeFields: [RecipeField] = []
  static let imageSizes = ImageSizes(sides: 1...256)
  func validate(for format: ImageSpecification) throws {}
  func validate(_ request: SampleRequest, for format: ImageSpecification) throws {}
}

extension SteppingModel {
  func sample(
    _ request: SampleRequest, _ receive: (_ first: Int, _ images: Tensor) throws -> Void
  ) throws {}
  func save(into checkpoint: inout Checkpoint) {}
  func restore(from checkpoint: Checkpoint) throws {}
  func saveGenerator(into checkpoint: inout Checkpoint) {}
  func restoreGenerator(from checkpoint: Checkpoint) throws {}
  var description: String { Self.family }
}
