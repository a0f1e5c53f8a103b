/// What a network starts from before it reads a private image, at no privacy cost.
public struct PriorSettings: Hashable, Sendable, Codable {
  /// Where the images of the prior come from.
  public enum Source: String, RecipeChoice {
    /// A program draws them (`ProceduralImages`).
    case procedural
  }

  /// Where the images come from.
  public var source: Source
  /// Steps of pre-training.
  public var steps: Int
  /// Images in a batch.
  public var batchSize: Int
  /// The largest step size of Adam; it falls to a twentieth along half a cosine.
  public var learningRate: Double

  enum CodingKeys: String, CodingKey, CaseIterable {
    case source, steps
    case batchSize = "batch_size"
    case learningRate = "learning_rate"
  }

  /// The name of the phase.
  static let phase = "pre-training"

  /// The names of the fields as recipes write them.
  static var fields: [String] { CodingKeys.allCases.map(\.stringValue) }

  /// Creates settings.
  public init(source: Source, steps: Int, batchSize: Int = 64, learningRate: Double = 2e-3) {
    self.source = source
    self.steps = steps
    self.batchSize = batchSize
    self.learningRate = learningRate
  }

  /// The phase that the settings ask for.
  var outline: PhaseOutline {
    PhaseOutline(
      Self.phase, "steps on images that a program draws, which show nobody",
      .free(.publicData, steps: steps))
  }

  /// Checks the ranges.
  ///
  /// - Throws: `RecipeFailure`.
  func validate(family: String) throws {
    func require(_ holds: Bool, _ field: String, _ found: Any, _ expected: String) throws {
      guard holds else {
        throw RecipeFailure(
          "recipe, \(family): prior.\(field) is \(found) (\(expected) expected).")
      }
    }
    try require((1...1_000_000).contains(steps), "steps", steps, "1 to 1000000")
    try require((1...65_536).contains(batchSize), "batch_size", batchSize, "1 to 65536")
    try require(
      learningRate > 0 && learningRate < 1, "learning_rate", learningRate, "above 0, below 1")
  }
}
