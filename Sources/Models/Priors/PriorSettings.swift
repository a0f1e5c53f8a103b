/// What a network starts from before it reads a private image, at no privacy cost.
public struct PriorSettings: Hashable, Sendable, Codable {
  /// Where the images of the prior come from.
  public enum Source: String, RecipeChoice {
    /// A program draws them (`ProceduralImages`).
    case procedural
    /// The folder that the administrator declares public (`PublicImages`).
    case publicImages = "public"
    /// No images: the weights of a released model.
    case release
  }

  /// Where the images come from.
  public var source: Source
  /// Steps of pre-training.
  public var steps: Int
  /// Images in a batch.
  public var batchSize: Int
  /// The largest step size of Adam; it falls to a twentieth along half a cosine.
  public var learningRate: Double
  /// The file of weights that hold the result of these steps, beside the recipe, without its ending; nil for a run
  /// that makes the steps itself.
  public var weights: String?

  enum CodingKeys: String, CodingKey, CaseIterable {
    case source, steps
    case batchSize = "batch_size"
    case learningRate = "learning_rate"
    case weights
  }

  /// The name of the phase that learns.
  static let phase = "pre-training"
  /// The name of the phase in which weights are taken over.
  public static let start = "starting weights"

  /// Creates settings.
  ///
  /// A released model has learnt already: its steps, batch and rate mean nothing.
  public init(
    source: Source, steps: Int = 1, batchSize: Int = 64, learningRate: Double = 2e-3,
    weights: String? = nil
  ) {
    self.source = source
    self.steps = steps
    self.batchSize = batchSize
    self.learningRate = learningRate
    self.weights = weights
  }

  /// The phase that the settings ask for.
  ///
  /// - Parameters:
  ///   - work: what is done with the images, for the purpose.
  ///   - place: what the phase's name ends with, for a model of several networks.
  func outline(_ work: String, at place: String = "") -> PhaseOutline {
    if source == .release {
      return PhaseOutline(
        Self.start + place, "the weights of a released model, which a statement of its own covers",
        .free(.postProcessing, steps: 0))
    }
    if let weights {
      return PhaseOutline(
        Self.start + place,
        "weights that were learnt before, in \(steps) steps, from \(imagesInWords) "
          + "(\(Self.file(weights)))", .free(.publicData, steps: 0))
    }
    return PhaseOutline(
      Self.phase + place, "\(work) \(imagesInWords)", .free(.publicData, steps: steps))
  }

  /// The file of weights with a name.
  public static func file(_ name: String) -> String { "\(name).safetensors" }

  /// The settings of the steps themselves, without the file that holds their result.
  var learning: PriorSettings {
    var settings = self
    settings.weights = nil
    return settings
  }

  /// Whether a network of these settings starts from such weights.
  func takes(_ start: StartingWeights) -> Bool {
    switch start.origin {
    case .release: source == .release
    case .file(let name): weights == name
    }
  }

  /// The images that the steps read, for the purpose of a phase.
  var imagesInWords: String {
    switch source {
    case .procedural: "images that a program draws; they show no person"
    case .publicImages: "images that the administrator declares public"
    case .release: "the images of a released model"
    }
  }

  /// Checks the ranges.
  ///
  /// - Throws: `RecipeFailure`.
  func validate(family: String) throws {
    guard source != .release else { return }
    let place = "recipe, \(family): prior."
    try Self.field(.steps).check(steps, in: place)
    try Self.field(.batchSize).check(batchSize, in: place)
    try Self.field(.learningRate).check(learningRate, in: place)
    if let problem = problemOfName { throw RecipeFailure("\(place)weights: \(problem).") }
    if let weights, source != .procedural {
      throw RecipeFailure(
        "\(place)weights: '\(weights)' with source: \(source.rawValue) (no weights expected). Leave it out; a released "
          + "model may be a prior, too: source: release.")
    }
  }

  /// Why the name of the weights is wrong; nil if it is not.
  private var problemOfName: String? {
    guard let weights, !Self.isName(weights) else { return nil }
    return
      "'\(weights)' (the name of a file beside the recipe expected, without '.safetensors': up to 100 letters, digits, "
      + "'-', '_' and '.')"
  }

  /// Whether a text is the name of a file in the folder of recipes, and not a path out of it.
  private static func isName(_ text: String) -> Bool {
    !text.isEmpty && !text.hasPrefix(".") && !text.hasSuffix(".safetensors")
      && text.utf8.count <= 100
      && text.unicodeScalars.allSatisfy {
        $0.isASCII && ($0.properties.isAlphabetic || "0123456789-_.".unicodeScalars.contains($0))
      }
  }
}

// The fields, stated once.
extension PriorSettings {
  /// All fields as recipes write them.
  static var recipeFields: [RecipeField] { CodingKeys.allCases.map(field) }

  /// The statement of a field.
  static func field(_ key: CodingKeys) -> RecipeField {
    switch key {
    case .source:
      RecipeField(
        key, .choice(Source.allCases.map(\.rawValue)),
        "Where the images come from. `procedural`: a program draws shapes. `public`: the folder that the "
          + "administrator declares public (`public_images` of the dataset, or --public-images). `release`: no images, "
          + "but the weights of a released model of the same form (`start_from` of the dataset, or --start-from); the "
          + "other fields are left out.")
    case .steps:
      RecipeField(
        key, .integer(RecipeRange(1...1_000_000)), condition: "without `source: release`",
        "Steps of pre-training.")
    case .batchSize:
      RecipeField(
        key, .integer(RecipeRange(1...65_536)), condition: "as `steps`", "Images per step.")
    case .learningRate:
      RecipeField(
        key, .number(.above(0, below: 1)), condition: "as `steps`",
        "The largest step size of the optimiser; it falls to a twentieth along half a cosine.")
    case .weights:
      RecipeField(
        key, .text, condition: "with `source: procedural`",
        fallback: "none: the run makes the steps",
        "The name of a file beside the recipe, without `.safetensors` (up to 100 letters, digits, `-`, `_` and `.`), that "
          + "holds the running average of the weights after these steps: `figmentd pretrain` makes it, and a run then "
          + "starts from it at once.")
    }
  }
}

// A released model has no settings beside its name.
extension PriorSettings {
  /// Reads settings.
  ///
  /// - Throws: `DecodingError`, also for steps of a prior that makes none.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let source = try container.decode(Source.self, forKey: .source)
    guard source == .release else {
      self.init(
        source: source, steps: try container.decode(Int.self, forKey: .steps),
        batchSize: try container.decode(Int.self, forKey: .batchSize),
        learningRate: try container.decode(Double.self, forKey: .learningRate),
        weights: try container.decodeIfPresent(String.self, forKey: .weights))
      // Checked here too: the file is looked for before a recipe is validated for its classes.
      if let problemOfName {
        throw DecodingError.dataCorruptedError(
          forKey: .weights, in: container, debugDescription: problemOfName)
      }
      return
    }
    for key in CodingKeys.allCases where key != .source && container.contains(key) {
      throw DecodingError.dataCorruptedError(
        forKey: key, in: container,
        debugDescription:
          "a released model has learnt already (no \(key.rawValue) expected). Leave it out")
    }
    self.init(source: source)
  }

  /// Writes what `init(from:)` reads.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(source, forKey: .source)
    guard source != .release else { return }
    try container.encode(steps, forKey: .steps)
    try container.encode(batchSize, forKey: .batchSize)
    try container.encode(learningRate, forKey: .learningRate)
    try container.encodeIfPresent(weights, forKey: .weights)
  }
}
