import Compute
import Models

/// A family of which a test needs the steps alone: it draws nothing and has nothing to save.
protocol SteppingModel: GenerativeModel where Settings == NoSettings {}

/// The settings of a family that has none.
struct NoSettings: ModelSettings {
  static let fields: [String] = []
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
