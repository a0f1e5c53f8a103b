/// The request for a job.
public enum JobRequest: Hashable, Sendable {
  /// Learn from a dataset and write a synthetic set.
  case train(TrainRequest)
  /// Write more images with a model that was trained before; costs no privacy.
  case generate(GenerateRequest)
  /// Measure the release of a training job against its training images; the report is not released.
  case evaluate(EvaluateRequest)

  /// The name of the kind in JSON and in lists.
  public var kind: String {
    switch self {
    case .train: "train"
    case .generate: "generate"
    case .evaluate: "evaluate"
    }
  }

  /// The earlier training job whose model draws or whose release is measured; nil for training.
  public var trainedJob: JobID? {
    switch self {
    case .train: nil
    case .generate(let request): request.job
    case .evaluate(let request): request.job
    }
  }
}

/// The request for a training job.
public struct TrainRequest: Codable, Hashable, Sendable {
  /// The configured dataset to learn from.
  public var dataset: String
  /// The recipe: the model, its size and its training.
  public var recipe: String
  /// The privacy loss that the job may cause; nil for the rest of the policy's budget.
  public var epsilon: Double?
  /// The probability with which the bound may fail, at most the policy's; nil for the policy's.
  public var delta: Double?
  /// Steps on real images; nil for the recipe's.
  public var steps: Int?
  /// Units of privacy that a step reads, on average; nil for the recipe's number.
  public var batchSize: Int?
  /// Trains without clipping and noise.
  ///
  /// The result carries no guarantee, and nothing is released.
  public var nonPrivate: Bool?
  /// Computes sums and noise in whole steps of a grid, exact to the last bit and several times slower; nil
  /// for the recipe's choice.
  public var hardened: Bool?
  /// The epsilon that each answer beside the model may cost out of `epsilon`, by the answers' names; nil for
  /// no answers.
  public var answers: [String: Double]?
  /// The cost of the class counts, in requests of earlier versions.
  public var countEpsilon: Double?
  /// The cost of the train-on-synthetic accuracy, in requests of earlier versions.
  public var scoreEpsilon: Double?
  /// Synthetic images to write at the end; nil writes 10,000.
  public var count: Int?
  /// The seed of everything that is not privacy noise; nil draws one.
  public var seed: UInt64?
  /// Publishes the trained set even if crashes cost more than a tenth of the planned steps; nil
  /// does not.
  public var allowFewerSteps: Bool?

  /// Requests a training job.
  public init(
    dataset: String, recipe: String, epsilon: Double? = nil, delta: Double? = nil,
    steps: Int? = nil, batchSize: Int? = nil, nonPrivate: Bool? = nil, hardened: Bool? = nil,
    answers: [String: Double]? = nil, count: Int? = nil,
    seed: UInt64? = nil, allowFewerSteps: Bool? = nil
  ) {
    self.dataset = dataset
    self.recipe = recipe
    self.epsilon = epsilon
    self.delta = delta
    self.steps = steps
    self.batchSize = batchSize
    self.nonPrivate = nonPrivate
    self.hardened = hardened
    self.answers = answers
    self.count = count
    self.seed = seed
    self.allowFewerSteps = allowFewerSteps
  }

  /// All requested answers, whichever field names them.
  public var allAnswers: [String: Double] {
    (answers ?? [:]).merging(
      Self.formerAnswers(countEpsilon: countEpsilon, scoreEpsilon: scoreEpsilon)
    ) { $1 }
  }

  /// The answers that fields and options of earlier versions request, by the answers' names.
  public static func formerAnswers(
    countEpsilon: Double?, scoreEpsilon: Double?
  ) -> [String: Double] {
    ["class-counts": countEpsilon, "accuracy": scoreEpsilon].compactMapValues { $0 }
  }

  /// Whether the job trains without a guarantee.
  public var isNonPrivate: Bool { nonPrivate ?? false }

  enum CodingKeys: String, CodingKey, CaseIterable {
    case dataset, recipe, epsilon, delta, steps, batchSize, nonPrivate, hardened, answers,
      countEpsilon, scoreEpsilon, count, seed, allowFewerSteps
  }
}

/// The request for a generating job.
public struct GenerateRequest: Codable, Hashable, Sendable {
  /// The training job whose model draws.
  public var job: JobID
  /// Images to write, in equal shares of the classes; nil if `classCounts` sets the numbers.
  public var count: Int?
  /// Counts `count` for every class rather than for all of them together.
  public var perClass: Bool?
  /// The number of images of each class by its name, none for a missing class; nil for equal shares.
  public var classCounts: [String: Int]?
  /// The seed of the images; nil draws one.
  public var seed: UInt64?
  /// Below one, likely images become likelier; nil is one.
  ///
  /// Only pixel models have a temperature.
  public var temperature: Double?
  /// How far images move from unconditional ones towards those of their class; nil for the recipe's value.
  public var guidance: Double?

  /// Requests more images of a trained model.
  public init(
    job: JobID, count: Int? = nil, perClass: Bool? = nil, classCounts: [String: Int]? = nil,
    seed: UInt64? = nil, temperature: Double? = nil, guidance: Double? = nil
  ) {
    self.job = job
    self.count = count
    self.perClass = perClass
    self.classCounts = classCounts
    self.seed = seed
    self.temperature = temperature
    self.guidance = guidance
  }

  enum CodingKeys: String, CodingKey, CaseIterable {
    case job, count, perClass, classCounts, seed, temperature, guidance
  }
}

/// The request for an evaluating job.
public struct EvaluateRequest: Codable, Hashable, Sendable {
  /// How much work an evaluation does.
  public enum Effort: String, Codable, Hashable, Sendable, CaseIterable {
    /// About three minutes for ten thousand small images.
    case quick
    /// About ten minutes.
    case standard
    /// The published protocol; hours.
    case thorough
  }

  /// The training job that is measured.
  public var job: JobID
  /// How much work; nil is `standard`.
  public var effort: Effort?
  /// The seed of every random choice; nil is 1.
  public var seed: UInt64?

  /// Requests an evaluation.
  public init(job: JobID, effort: Effort? = nil, seed: UInt64? = nil) {
    self.job = job
    self.effort = effort
    self.seed = seed
  }

  enum CodingKeys: String, CodingKey, CaseIterable {
    case job, effort, seed
  }
}

/// The request for a plan is the request for the job.
public typealias PlanRequest = TrainRequest

extension TrainRequest: StrictRequest {
  /// The fields that a request may have, as JSON writes them.
  public static var fields: [String] { CodingKeys.allCases.map(\.snakeCase) }

  /// Refuses values that no job can have.
  public func validate() throws(ControlError) {
    try Self.check(dataset, isNameOf: "dataset")
    try Self.check(recipe, isNameOf: "recipe")
    try validateNumbers()
  }

  /// Refuses numbers and combinations that no run can have.
  public func validateNumbers() throws(ControlError) {
    if let epsilon, !(epsilon.isFinite && epsilon > 0) {
      throw .invalid(
        "epsilon \(Rounded.number(epsilon)): not above 0. Values from 0.1 to 10 are usual.")
    }
    if let delta, !(delta > 0 && delta < 1) {
      throw .invalid(
        "delta \(Rounded.number(delta)): not between 0 and 1. Take less than 1 / the number of images."
      )
    }
    try Self.check(steps, in: 1...100_000_000, called: "steps")
    try Self.check(batchSize, in: 1...10_000_000, called: "batch_size")
    try Self.check(count, in: 1...ClassCounts.largestTotal, called: "count")
    let bounds = [("epsilon", epsilon), ("delta", delta)].compactMap { name, value in
      value.map { "\(name) \(Rounded.number($0))" }
    }
    if isNonPrivate, !bounds.isEmpty {
      throw .invalid(
        "non_private and \(bounds.joined(separator: " and ")): both given (a non-private job has neither "
          + "epsilon nor delta). Drop one of them.")
    }
    let former = Self.formerAnswers(countEpsilon: countEpsilon, scoreEpsilon: scoreEpsilon)
    for name in former.keys.sorted() where answers?[name] != nil {
      throw .invalid(
        "answers: \(name) is asked for under its former name too (one price expected). Drop one of them."
      )
    }
    for (name, share) in allAnswers.sorted(by: { $0.key < $1.key }) {
      guard share.isFinite, share > 0 else {
        throw .invalid(
          "answers: \(name) \(Rounded.number(share)): not above 0. A tenth of epsilon is usual.")
      }
      guard !isNonPrivate else {
        throw .invalid(
          "non_private: the answer \(name) is asked for too (a non-private job has no ledger). "
            + "Drop one of them.")
      }
    }
    if isNonPrivate, hardened == true {
      throw .invalid(
        "non_private: hardened is given too (a non-private job has no noise). Drop one of them.")
    }
  }
}

extension GenerateRequest: StrictRequest {
  /// The fields that a request may have, as JSON writes them.
  public static var fields: [String] { CodingKeys.allCases.map(\.snakeCase) }

  /// Refuses values that no job can have.
  public func validate() throws(ControlError) {
    try Self.check(count, in: 1...ClassCounts.largestTotal, called: "count")
    if let classCounts {
      if count != nil || perClass != nil {
        throw .invalid(
          "class_counts: count or per_class is given too (either a number for all classes or one for "
            + "each expected). Drop one of them.")
      }
      try ClassCounts.validate(classCounts, called: "class_counts")
    } else if count == nil {
      throw .invalid("count: missing (a number of images, or class_counts, expected).")
    }
    if let temperature, !(temperature.isFinite && temperature > 0) {
      throw .invalid(
        "temperature \(Rounded.number(temperature)): not above 0. One draws from the model itself.")
    }
    if let guidance, !(guidance.isFinite && guidance >= 0) {
      throw .invalid(
        "guidance \(Rounded.number(guidance)): below 0. One draws from the model itself.")
    }
  }
}

extension EvaluateRequest: StrictRequest {
  /// The fields that a request may have, as JSON writes them.
  public static var fields: [String] { CodingKeys.allCases.map(\.snakeCase) }

  /// Every value of this type is possible.
  public func validate() throws(ControlError) {}
}

extension JobRequest: Codable {
  private enum KindKey: String, CodingKey { case kind }

  /// Reads `kind` and the fields beside it.
  public init(from decoder: any Decoder) throws {
    let kind = try decoder.container(keyedBy: KindKey.self).decode(String.self, forKey: .kind)
    switch kind {
    case "train": self = .train(try TrainRequest(from: decoder))
    case "generate": self = .generate(try GenerateRequest(from: decoder))
    case "evaluate": self = .evaluate(try EvaluateRequest(from: decoder))
    default:
      throw ControlError.invalid(
        "kind '\(kind)': unknown (train, generate or evaluate expected).")
    }
  }

  /// Writes `kind` and the fields beside it.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: KindKey.self)
    try container.encode(kind, forKey: .kind)
    switch self {
    case .train(let request): try request.encode(to: encoder)
    case .generate(let request): try request.encode(to: encoder)
    case .evaluate(let request): try request.encode(to: encoder)
    }
  }
}

extension JobRequest: StrictRequest {
  /// Every field that a request of some kind may have.
  public static var fields: [String] {
    ["kind"] + TrainRequest.fields + GenerateRequest.fields + EvaluateRequest.fields
  }

  /// The fields that a request of this kind may have.
  public var ownFields: [String] {
    switch self {
    case .train: ["kind"] + TrainRequest.fields
    case .generate: ["kind"] + GenerateRequest.fields
    case .evaluate: ["kind"] + EvaluateRequest.fields
    }
  }

  /// Refuses values that no job can have.
  public func validate() throws(ControlError) {
    switch self {
    case .train(let request): try request.validate()
    case .generate(let request): try request.validate()
    case .evaluate(let request): try request.validate()
    }
  }
}
