public import Compute
import Glibc
public import Learning
public import Privacy

/// A family of models that learn from images and draw new ones.
///
/// A family is one folder under `Models` and one line in `Families`. Only the `Trainer` calls `step`,
/// after it has reserved the step's privacy event in the ledger.
public protocol GenerativeModel: AnyObject, SendableMetatype {
  /// Everything besides the images that determines the result; stored in run records and checkpoints.
  associatedtype Settings: ModelSettings
  /// The family's name in recipes, checkpoints and reports.
  static var family: String { get }
  /// The curves that its steps may report.
  static var curves: [TrainingCurve] { get }
  /// The curve by which people watch a training, if there is one that may be released.
  static var watchedCurve: TrainingCurve? { get }
  /// What the watched curve's value at the end of a training means, in a sentence for reports.
  static func balance(atEnd value: Double) -> String?
  /// The phases in which a model of these settings learns, in order; exactly one phase that reads
  /// private images states no share.
  ///
  /// One loop of noisy steps by default.
  static func phases(
    of settings: Settings, training: TrainingSettings, for format: ImageSpecification
  ) -> [PhaseOutline]
  /// Builds an untrained model; throws `RecipeFailure` if the settings are invalid.
  init(_ settings: Settings, for format: ImageSpecification, seed: UInt64, on machine: Machine)
    throws
  /// Takes over weights before the first step, as far as the settings ask for them.
  ///
  /// Throws `RecipeFailure` if they do not fit.
  func start(from weights: StartingWeights) throws
  /// Makes one step on a batch of training images.
  ///
  /// `images` can be read only in the way that the step's protection allows. A step that takes long may
  /// ask whether it should stop, and then throws `AbandonedStep`.
  func step(_ step: TrainingStep, on images: PrivateExamples) throws -> StepReport
  /// Makes one round of a phase of rounds: one choice and one noisy table, through `round`.
  ///
  /// `images` are all units of the run. A round that takes long may ask whether it should stop, and then throws
  /// `AbandonedStep`, before it chooses.
  func round(_ round: SelectionRound, on images: PrivateExamples) throws -> StepReport
  /// Makes one step of a phase that reads no private image.
  func work(_ step: FreeStep) throws -> StepReport
  /// Draws one image per label, reproducibly from the request's seed, and passes them on in order:
  /// the index of the first image, and images of the format's shape in [−1, 1].
  ///
  /// Throws `RecipeFailure` for a request that the family or the trained network does not support.
  func sample(
    _ request: SampleRequest, _ receive: (_ first: Int, _ images: Tensor) throws -> Void) throws
  /// Saves everything that is needed to resume training.
  func save(into checkpoint: inout Checkpoint)
  /// Restores what `save` saved.
  func restore(from checkpoint: Checkpoint) throws
  /// Saves only the part that draws images, which may be released.
  func saveGenerator(into checkpoint: inout Checkpoint)
  /// Restores what `saveGenerator` saved, for drawing the images of the trained model, not for
  /// further training.
  func restoreGenerator(from checkpoint: Checkpoint) throws
  /// The model that draws the images: this one, or the one inside it.
  var drawingModel: any GenerativeModel { get }
  /// The networks as lists of layers, for run records.
  var description: String { get }
  /// The number of parameters whose gradients are computed from images and receive noise.
  var privateParameterCount: Int { get }
}

/// A model that draws a row of a table, alone or for each image.
public protocol TableModel: GenerativeModel {
  /// The label and the codes of the columns of each row of a request, reproducibly from its seed: one code for each
  /// column of the format. A model of images draws these rows too when it is asked for the same request.
  func rows(for request: SampleRequest) -> [TableRow]
  /// Labels of `count` rows as the model draws them, reproducibly from the seed.
  func labels(count: Int, seed: UInt64) -> [Int]
}

/// A row of a table as codes.
public struct TableRow: Hashable, Sendable {
  /// The class; 0 without classes.
  public let label: Int
  /// The code of each column.
  public let codes: [UInt8]

  /// Creates a row.
  public init(label: Int, codes: [UInt8]) {
    self.label = label
    self.codes = codes
  }
}

/// A model that computes the likelihood of images, which shows when it is trained enough.
public protocol LikelihoodModel: GenerativeModel {
  /// Bits per channel to which images are rounded before their likelihood is computed; models with different numbers
  /// are not comparable.
  var bits: Int { get }
  /// Minus the log-likelihood of each image in nats under the released part, or an upper bound of it.
  ///
  /// Use it only for a held-out or public set: the values are computed from the images without noise.
  func negativeLogLikelihoods(of images: any ExampleSource) -> [Double]
  /// The form of the images.
  var format: ImageSpecification { get }
  /// The usual number of samples for each image of an importance-weighted bound of its likelihood; nil where nothing
  /// is sampled.
  var importanceSampleCount: Int? { get }
  /// The same from so many samples for each image: more of them make the bound tighter. A model that samples nothing
  /// ignores the number.
  func negativeLogLikelihoods(of images: any ExampleSource, samples: Int) -> [Double]
}

extension LikelihoodModel {
  /// Nothing is sampled.
  public var importanceSampleCount: Int? { nil }

  /// Nothing is sampled.
  public func negativeLogLikelihoods(of images: any ExampleSource, samples: Int) -> [Double] {
    negativeLogLikelihoods(of: images)
  }

  /// The mean number of bits per pixel channel; use it only for a held-out or public set.
  public func bitsPerDimension(of images: any ExampleSource) -> Double {
    let nats = negativeLogLikelihoods(of: images)
    guard !nats.isEmpty else { return 0 }
    return format.bitsPerDimension(nats: nats.reduce(0, +) / Double(nats.count))
  }
}

extension ImageSpecification {
  /// Converts nats per image to bits per pixel channel.
  public func bitsPerDimension(nats: Double) -> Double {
    nats / (Double(shape.count) * log(2))
  }
}

/// A family's part of a recipe.
public protocol ModelSettings: Codable, Sendable, Equatable {
  /// What models of the family are, in a sentence for the recipe reference.
  static var summary: String { get }
  /// All fields as recipes write them, including optional ones.
  static var recipeFields: [RecipeField] { get }
  /// The sizes of images that the family can make.
  static var imageSizes: ImageSizes { get }

  /// The fields that recipes with these settings may have: all of the type's, unless some depend on the
  /// value of another.
  var applicableFields: [RecipeField] { get }
  /// What the card of a release must say of how its images came about, in sentences; nil for nothing.
  var releaseRemark: String? { get }
  /// The family whose model draws inside that of these settings; nil where there is none inside.
  var drawingFamily: (any GenerativeModel.Type)? { get }
  /// What the networks of these settings start from, by the name of the part of the recipe that describes a network;
  /// the empty name where there is one part. Those of a model inside are its own.
  var priors: [String: PriorSettings] { get }
  /// Whether images of these settings' models depend on columns of a table too, if their format has any.
  static var conditionsOnColumns: Bool { get }
  /// The bits of each colour value that the finest network learns: images have 2^bits levels.
  var levelBits: Int { get }
  /// Whether models of these settings learn images; the others learn a table alone.
  static var readsImages: Bool { get }
  /// Whether models of these settings learn the columns of a table.
  static var readsColumns: Bool { get }
  /// The same settings for a run that makes the steps of its priors instead of starting from their result.
  var learningItsPriors: Self { get }
  /// Checks the conditions that types cannot express; throws `RecipeFailure`.
  func validate(for format: ImageSpecification) throws
  /// Checks that a model with these settings supports `request`; throws `RecipeFailure`.
  func validate(_ request: SampleRequest, for format: ImageSpecification) throws
}

extension ModelSettings {
  /// All fields of the type.
  public var applicableFields: [RecipeField] { Self.recipeFields }

  /// Nothing.
  public var releaseRemark: String? { nil }

  /// Nothing: weights are random.
  public var priors: [String: PriorSettings] { [:] }

  /// They do not.
  public static var conditionsOnColumns: Bool { false }

  /// Eight, as in files.
  public var levelBits: Int { 8 }

  /// They do.
  public static var readsImages: Bool { true }

  /// They do not.
  public static var readsColumns: Bool { false }

  /// What the type says.
  public var readsImages: Bool { Self.readsImages }

  /// What the type says.
  public var readsColumns: Bool { Self.readsColumns }

  /// The same.
  public var learningItsPriors: Self { self }

  /// Whether models of these settings learn from a folder that the administrator declares public.
  public var usesPublicImages: Bool { priors.values.contains { $0.source == .publicImages } }

  /// Whether models of these settings start from a released one.
  public var startsFromRelease: Bool { priors.values.contains { $0.source == .release } }

  /// The names of the files of weights beside the recipe from which models of these settings start, sorted.
  public var startingFiles: [String] {
    Set(priors.values.filter { $0.source == .procedural }.compactMap(\.weights)).sorted()
  }
}

/// The trainer's order for one step of training.
public struct TrainingStep {
  /// The name of the phase.
  public let phase: String
  /// Steps of the phase made before this one.
  public let index: Int
  /// Steps of the phase in all.
  public let stepCount: Int
  /// The nominal batch size, the public divisor of sums.
  public let batchSize: Int
  /// How the images are protected.
  public let protection: Protection
  /// The source of noise.
  public let noise: NoiseStream
  /// Whether the run was asked to stop; it knows nothing of the images.
  public let shouldStop: () -> Bool

  /// Creates an order for one step.
  public init(
    phase: String = Phase.training, index: Int, stepCount: Int, batchSize: Int,
    protection: Protection, noise: NoiseStream, shouldStop: @escaping () -> Bool = { false }
  ) {
    self.shouldStop = shouldStop
    self.phase = phase
    self.index = index
    self.stepCount = stepCount
    self.batchSize = batchSize
    self.protection = protection
    self.noise = noise
  }

  /// Creates a report of numbers computed only from the weights and from synthetic images.
  ///
  /// If noise protects the weights, such numbers may be released; without noise they are as private as the
  /// images.
  public func report(ofWeights curves: [TrainingCurve: Double]) -> StepReport {
    switch protection {
    case .noise: StepReport(curves: curves.mapValues { Releasable($0, .postProcessing) })
    case .none: StepReport(privateCurves: curves.mapValues { Sensitive($0) })
    }
  }
}

/// A step that was given up because the run was asked to stop.
///
/// A model throws it only before it draws any noise, with its own state as it was before the step: the step
/// was not made, and nothing that it computed from the images is left.
public struct AbandonedStep: Error {
  /// Reports a step that was not made.
  public init() {}
}

/// The report of a step.
public struct StepReport: Sendable {
  /// Curves that may be released.
  public var curves: [TrainingCurve: Releasable<Double>]
  /// Curves computed from unprotected images; only internal files may contain them.
  public var privateCurves: [TrainingCurve: Sensitive<Double>]

  /// Creates a report.
  public init(
    curves: [TrainingCurve: Releasable<Double>] = [:],
    privateCurves: [TrainingCurve: Sensitive<Double>] = [:]
  ) {
    self.curves = curves
    self.privateCurves = privateCurves
  }
}

/// Why a recipe is invalid.
public struct RecipeFailure: Error, CustomStringConvertible {
  /// What was found, what was expected and what to do.
  public let description: String

  /// Creates a failure.
  public init(_ description: String) {
    self.description = description
  }
}
