public import Compute
public import Learning
public import Privacy

/// A family of models that learn from images and draw new ones.
///
/// A family is one folder under `Models` and one line in `Families`. Only the `Trainer` calls `step`,
/// after it has reserved the step's privacy event in the ledger.
public protocol GenerativeModel: AnyObject, SendableMetatype {
  /// What decides the result beside the images: stored in run records and checkpoints.
  associatedtype Settings: ModelSettings
  /// The family's name in recipes, checkpoints and reports.
  static var family: String { get }
  /// The curves that its steps may report.
  static var curves: [TrainingCurve] { get }
  /// The curve by which people watch a training, if there is one that may leave.
  static var watchedCurve: TrainingCurve? { get }
  /// What the watched curve's value at the end of a training means, in a sentence for reports.
  static func balance(atEnd value: Double) -> String?
  /// The phases in which a model of these settings learns, in order; exactly one phase that reads
  /// private images states no share.
  ///
  /// One loop of noisy steps unless the family says otherwise.
  static func phases(
    of settings: Settings, training: TrainingSettings, for format: ImageSpecification
  ) -> [PhaseOutline]
  /// Builds an untrained model; throws `RecipeFailure` when the settings cannot work.
  init(_ settings: Settings, for format: ImageSpecification, seed: UInt64, on machine: Machine)
    throws
  /// Makes one step on a batch of training images.
  ///
  /// `images` can be read only by what the step's protection allows.
  func step(_ step: TrainingStep, on images: PrivateExamples) throws -> StepReport
  /// Makes one step of a phase that reads no private image.
  func work(_ step: FreeStep) throws -> StepReport
  /// Draws one image per label, reproducibly from the request's seed, and hands them over in order:
  /// the index of the first and images of the format's shape in [−1, 1].
  ///
  /// Throws `RecipeFailure` for a request that the family or the trained network cannot follow.
  func sample(
    _ request: SampleRequest, _ receive: (_ first: Int, _ images: Tensor) throws -> Void) throws
  /// Saves everything that training needs to go on.
  func save(into checkpoint: inout Checkpoint)
  /// Restores what `save` saved.
  func restore(from checkpoint: Checkpoint) throws
  /// Saves only what drawing images needs: the part that may be released.
  func saveGenerator(into checkpoint: inout Checkpoint)
  /// Restores what `saveGenerator` saved, to draw images that the trained model would draw; not to
  /// train on.
  func restoreGenerator(from checkpoint: Checkpoint) throws
  /// The networks as tables of layers, for run records.
  var description: String { get }
  /// The parameters whose gradients are computed from images: those that noise is added to.
  var privateParameterCount: Int { get }
}

/// A model that says how likely images are, and so when it is trained enough.
public protocol LikelihoodModel: GenerativeModel {
  /// The mean number of bits that the released part needs for a channel of a pixel.
  ///
  /// For a held-out or public set alone: the value is computed from the images without noise.
  func bitsPerDimension(of images: any ExampleSource) -> Double
}

/// A family's part of a recipe.
public protocol ModelSettings: Codable, Sendable, Equatable {
  /// The names of all fields as recipes write them, those that may be absent too; "schedule.start" is
  /// the field of a part.
  static var fields: [String] { get }

  /// Checks what types cannot say; throws `RecipeFailure`.
  func validate(for format: ImageSpecification) throws
  /// Checks that a model with these settings can draw as `request` asks; throws `RecipeFailure`.
  func validate(_ request: SampleRequest, for format: ImageSpecification) throws
}

/// One step of training as the trainer orders it.
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
  /// Where noise comes from.
  public let noise: NoiseStream

  /// Creates an order for one step.
  public init(
    phase: String = Phase.training, index: Int, stepCount: Int, batchSize: Int,
    protection: Protection, noise: NoiseStream
  ) {
    self.phase = phase
    self.index = index
    self.stepCount = stepCount
    self.batchSize = batchSize
    self.protection = protection
    self.noise = noise
  }

  /// A report of numbers computed from the weights and from synthetic images alone.
  ///
  /// Noise protects the weights, so such numbers are free; without noise they are as private as the
  /// images.
  public func report(ofWeights curves: [TrainingCurve: Double]) -> StepReport {
    switch protection {
    case .noise: StepReport(curves: curves.mapValues { Releasable($0, .postProcessing) })
    case .none: StepReport(privateCurves: curves.mapValues { Sensitive($0) })
    }
  }
}

/// What a step tells.
public struct StepReport: Sendable {
  /// Curves that are free to leave.
  public var curves: [TrainingCurve: Releasable<Double>]
  /// Curves that unprotected images entered, which only files that stay inside may read.
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

/// Why a recipe cannot work.
public struct RecipeFailure: Error, CustomStringConvertible {
  /// What was found, what was expected and what to do.
  public let description: String

  /// Creates a failure.
  public init(_ description: String) {
    self.description = description
  }
}
