/// The request for advice on how to train on a dataset.
public struct RecommendRequest: Hashable, Sendable {
  /// The configured dataset.
  public var dataset: String
  /// The epsilon of the run; nil for the rest of the policy's budget.
  public var epsilon: Double?
  /// Its delta, at most the policy's; nil for the policy's.
  public var delta: Double?
  /// The longest time that the run may take, in hours; nil for any.
  public var hours: Double?
  /// Gives advice without looking at sizes and colours of images, as for callers with read access only.
  public var withoutLooking: Bool?

  /// Requests advice.
  public init(
    dataset: String, epsilon: Double? = nil, delta: Double? = nil, hours: Double? = nil,
    withoutLooking: Bool? = nil
  ) {
    self.dataset = dataset
    self.epsilon = epsilon
    self.delta = delta
    self.hours = hours
    self.withoutLooking = withoutLooking
  }

  enum CodingKeys: String, CodingKey, CaseIterable {
    case dataset, epsilon, delta, hours, withoutLooking
  }
}

extension RecommendRequest: StrictRequest {
  /// The longest time that may be asked for, in hours: ten years.
  private static let mostHours = 87_600.0

  /// The fields that a request may have, as JSON writes them.
  public static var fields: [String] { CodingKeys.allCases.map(\.snakeCase) }

  /// Refuses values that no run can have.
  public func validate() throws(ControlError) {
    try Self.check(dataset, isNameOf: "dataset")
    try TrainRequest(dataset: dataset, recipe: "any", epsilon: epsilon, delta: delta)
      .validateNumbers()
    if let hours, !(hours > 0 && hours <= Self.mostHours) {
      throw .invalid(
        "hours \(Rounded.number(hours)): out of range (above 0 to \(Rounded.number(Self.mostHours)) expected)."
      )
    }
  }

  /// The request for a run as advised.
  public func training(
    with recipe: String, batchSize: Int? = nil, steps: Int? = nil
  ) -> TrainRequest {
    TrainRequest(
      dataset: dataset, recipe: recipe, epsilon: epsilon, delta: delta, steps: steps,
      batchSize: batchSize)
  }
}

/// Advice on how to train on a dataset, from this project's measured runs.
///
/// Nothing has been spent for it.
public struct Recommendation: Codable, Hashable, Sendable {
  /// The dataset.
  public var dataset: String
  /// The epsilon that the advice is for.
  public var epsilon: Double
  /// Usable images; nil for callers with read access only.
  public var images: Int?
  /// Whether the images have colours; nil as above, and where no image was readable.
  public var isColoured: Bool?
  /// The runs that were considered, best first.
  public var runs: [RecommendedRun]
  /// The request for the recommended run; nil if none gives more than noise.
  public var choice: TrainRequest?
  /// The command for it; nil as above.
  public var command: String?
  /// What to expect, sentence by sentence.
  public var expectation: [String]
  /// What would help.
  public var help: [String]
  /// Why a job with this epsilon would be refused; nil if it would be accepted.
  public var refusal: String?
  /// Why the advice may be incomplete, such as a table of measured runs that cannot be read; nil if no reason is
  /// known.
  public var remark: String?

  /// Gives advice.
  public init(
    dataset: String, epsilon: Double, images: Int? = nil, isColoured: Bool? = nil,
    runs: [RecommendedRun], choice: TrainRequest? = nil, expectation: [String], help: [String],
    refusal: String? = nil, remark: String? = nil
  ) {
    self.dataset = dataset
    self.epsilon = epsilon
    self.images = images
    self.isColoured = isColoured
    self.runs = runs
    self.choice = choice
    command = choice?.command
    self.expectation = expectation
    self.help = help
    self.refusal = refusal
    self.remark = remark
  }
}

/// A run that advice considered.
public struct RecommendedRun: Codable, Hashable, Sendable {
  /// What advice found of it.
  public enum Verdict: String, Codable, Hashable, Sendable, CaseIterable {
    /// The one to choose.
    case recommended
    /// It is possible too.
    case possible
    /// Its images would show little or nothing but noise.
    case noise
    /// It takes longer than asked for.
    case tooLong = "too-long"
    /// It does not suit the images, or cannot be planned.
    case impossible
    /// It was not planned, because better ones were found or time ran out.
    case unplanned
  }

  /// The recipe.
  public var recipe: String
  /// The family of the model.
  public var family: String
  /// Width of its images in pixels.
  public var width: Int
  /// Height of its images in pixels.
  public var height: Int
  /// Colour channels of its images: 1 or 3.
  public var channels: Int
  /// The batch, if it differs from the recipe's.
  public var batchSize: Int?
  /// The number of steps, if it differs from the recipe's.
  public var steps: Int?
  /// How much of the way from guessing to training on as many real images a classifier should cover that learns
  /// from drawn images alone, in percent; nil if nothing was measured.
  public var expectedPercent: Int?
  /// The measured runs behind it, in words.
  public var evidence: [String]
  /// Seconds until the end on this machine; nil if it was not planned.
  public var seconds: Double?
  /// `clear`, `coarse` or `noise`: how much of the images noise leaves; nil if it was not planned.
  ///
  /// `measured` where noise would outweigh the images by the number of parameters, but a measured run shows otherwise.
  public var noise: String?
  /// What advice found of it.
  public var verdict: Verdict
  /// Why it is impossible; nil otherwise.
  public var reason: String?

  /// Describes a run.
  public init(
    recipe: String, family: String, width: Int, height: Int, channels: Int, batchSize: Int? = nil,
    steps: Int? = nil, expectedPercent: Int? = nil, evidence: [String] = [], seconds: Double? = nil,
    noise: String? = nil, verdict: Verdict, reason: String? = nil
  ) {
    self.recipe = recipe
    self.family = family
    self.width = width
    self.height = height
    self.channels = channels
    self.batchSize = batchSize
    self.steps = steps
    self.expectedPercent = expectedPercent
    self.evidence = evidence
    self.seconds = seconds
    self.noise = noise
    self.verdict = verdict
    self.reason = reason
  }
}
