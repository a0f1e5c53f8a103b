/// A recipe that jobs may name.
public struct RecipeSummary: Codable, Hashable, Sendable {
  /// Its name in requests.
  public var name: String
  /// The family of the model: `dp-gan`.
  public var family: String
  /// Width of its images in pixels; 0 if it learns tables alone.
  public var width: Int
  /// Height of its images in pixels.
  public var height: Int
  /// Colour channels of its images: 1 or 3.
  public var channels: Int
  /// One sentence: its purpose.
  public var summary: String

  /// Describes a recipe.
  public init(
    name: String, family: String, width: Int, height: Int, channels: Int, summary: String
  ) {
    self.name = name
    self.family = family
    self.width = width
    self.height = height
    self.channels = channels
    self.summary = summary
  }
}

/// The work and the cost of a training job.
///
/// Nothing has been spent for it.
public struct PlanReport: Codable, Hashable, Sendable {
  /// The dataset.
  public var dataset: String
  /// The recipe.
  public var recipe: String
  /// Steps on real images.
  public var steps: Int
  /// Steps that read no real image; nil where there are none.
  public var freeSteps: Int?
  /// The average size of a batch.
  public var expectedBatch: Double
  /// The phases of the run, in order; nil from daemons of earlier versions.
  public var phases: [PlannedPhase]?
  /// The guarantee; nil for a non-private job.
  public var privacy: PlannedPrivacy?
  /// Seconds until the end on this machine; nil if unknown.
  public var seconds: Double?
  /// Memory that training and drawing need, in bytes, rounded up; nil if unknown.
  ///
  /// Measured by a process that trained on noise images alone, so it reveals nothing about real
  /// ones.
  public var memoryBytes: Int?
  /// The most disk space that the job's files may take, in bytes, in the state directory and in the
  /// release together; nil if unknown.
  public var diskBytes: Int?
  /// Synthetic images at the end.
  public var images: Int
  /// Whether the run learns rows of tables alone, so that what is said of images holds for rows; nil for images.
  public var isTable: Bool?
  /// Images that a run would learn from; nil if they were not counted, or if the caller has read access
  /// only.
  public var usableImages: Int?
  /// Images that are too small for the recipe; nil as above.
  public var tooSmallImages: Int?
  /// Remarks about the folder of images; nil as above.
  public var folderRemarks: [String]?
  /// How much of the images noise leaves: `clear`, `coarse` or `noise`; nil without privacy, and from daemons of
  /// earlier versions.
  public var noise: String?
  /// A warning about the images if the noise will be strong, with a remedy; nil if noise is no concern.
  public var warning: String?
  /// Why the job would be refused; nil if it would be accepted.
  public var refusal: String?
  /// Why the result of the job may differ, for example because a folder is still being read; nil if
  /// no reason is known.
  public var remark: String?

  /// Describes a plan.
  public init(
    dataset: String, recipe: String, steps: Int, expectedBatch: Double,
    privacy: PlannedPrivacy? = nil, seconds: Double? = nil,
    images: Int, refusal: String? = nil
  ) {
    self.dataset = dataset
    self.recipe = recipe
    self.steps = steps
    self.expectedBatch = expectedBatch
    self.privacy = privacy
    self.seconds = seconds
    self.images = images
    self.refusal = refusal
  }
}

/// One phase of a planned run.
public struct PlannedPhase: Codable, Hashable, Sendable {
  /// The name, under which the ledger keeps its charges.
  public var name: String
  /// The kind: `training`, `answer` or `free`.
  public var kind: String
  /// What it does.
  public var purpose: String
  /// Steps of the model; nil for other work.
  public var steps: Int?
  /// The epsilon of the phase alone; nil without a private access.
  public var epsilon: Double?
  /// The standard deviation of the noise with its unit; nil without noise.
  public var noise: String?
  /// Why it costs nothing; nil if it reads private images.
  public var free: String?

  /// Describes a phase.
  public init(
    name: String, kind: String, purpose: String, steps: Int? = nil, epsilon: Double? = nil,
    noise: String? = nil, free: String? = nil
  ) {
    self.name = name
    self.kind = kind
    self.purpose = purpose
    self.steps = steps
    self.epsilon = epsilon
    self.noise = noise
    self.free = free
  }
}

/// The mechanism that a plan decides on, and the guarantee that follows from it.
public struct PlannedPrivacy: Codable, Hashable, Sendable {
  /// The privacy loss of the job: the smaller of the valid upper bounds.
  public var epsilon: Double
  /// The probability with which the bound may fail.
  public var delta: Double
  /// The standard deviation of the noise, in clip norms.
  public var noiseMultiplier: Double
  /// The probability with which an example is in a batch.
  public var samplingProbability: Double
  /// The largest norm of one example's gradient.
  public var clipNorm: Double
  /// The unit of privacy.
  public var unit: PrivacyUnit
  /// The spending of all jobs together on the dataset after this one.
  public var epsilonAfter: Double
  /// The most that all jobs together may spend.
  public var epsilonMaximum: Double
  /// The guarantee as a sentence.
  public var statement: String
  /// Choices that the plan made because the request did not, such as an epsilon; nil if none.
  public var remark: String?

  /// Describes a guarantee.
  public init(
    epsilon: Double, delta: Double, noiseMultiplier: Double, samplingProbability: Double,
    clipNorm: Double, unit: PrivacyUnit, epsilonAfter: Double, epsilonMaximum: Double,
    statement: String, remark: String? = nil
  ) {
    self.epsilon = epsilon
    self.delta = delta
    self.noiseMultiplier = noiseMultiplier
    self.samplingProbability = samplingProbability
    self.clipNorm = clipNorm
    self.unit = unit
    self.epsilonAfter = epsilonAfter
    self.epsilonMaximum = epsilonMaximum
    self.statement = statement
    self.remark = remark
  }
}
