public import Learning
import Privacy

/// Why a phase of a run costs no privacy.
public enum FreeReason: String, Codable, Hashable, Sendable {
  /// It reads only public images, or images that a program draws.
  case publicData = "public-data"
  /// It reads only what noise already protects: weights, synthetic images, answers.
  case postProcessing = "post-processing"

  /// The reason in a sentence.
  public var words: String {
    switch self {
    case .publicData: "reads public data alone"
    case .postProcessing: "reads only what noise already protects (post-processing)"
    }
  }
}

/// A phase of a run as a family states it, before its noise is known.
///
/// The phases of a run are decided before a private byte is read. A family derives its own from its
/// settings (`GenerativeModel.phases`); calibration adds the noise (`Phase`).
public struct PhaseOutline: Hashable, Sendable {
  /// What a phase does.
  public enum Work: Hashable, Sendable {
    /// Noisy steps, each on a Poisson sample; the settings state how many and how they are clipped.
    case training(TrainingSettings)
    /// One noisy sum over all units, to which each adds a vector of at most this norm.
    ///
    /// The model computes it in one step whose batch is the whole population.
    case answer(clipNorm: Double)
    /// So many rounds over all units: each makes one private choice, and then one noisy table of what was chosen.
    ///
    /// Later rounds may depend on the results of earlier ones.
    case rounds(count: Int)
    /// So many steps that read no private image.
    case free(FreeReason, steps: Int)
  }

  /// The name, unique within a run; the ledger keeps it forever as the purpose of charges.
  public let name: String
  /// What the phase does, in a few words.
  public let purpose: String
  /// The work.
  public let work: Work
  /// The part of the run's epsilon, above 0 and below 1; nil for the one phase that gets the rest.
  public let share: Double?

  /// States a phase.
  public init(_ name: String, _ purpose: String, _ work: Work, share: Double? = nil) {
    precondition(share.map { $0 > 0 && $0 < 1 } ?? true, "a share lies between 0 and 1")
    self.name = name
    self.purpose = purpose
    self.work = work
    self.share = share
  }

  /// The kind in one word: training, answer, rounds or free.
  public var kind: String {
    switch work {
    case .training: "training"
    case .answer: "answer"
    case .rounds: "rounds"
    case .free: "free"
    }
  }

  /// The only phase of families that learn in one loop.
  public static func training(_ settings: TrainingSettings) -> PhaseOutline {
    PhaseOutline(Phase.training, "noisy steps on private images", .training(settings))
  }
}

/// One step of a phase that reads no private image.
public struct FreeStep {
  /// The name of the phase.
  public let phase: String
  /// Steps of the phase made before this one.
  public let index: Int
  /// Steps of the phase in all.
  public let stepCount: Int
  /// Whether noise protects everything that the model knows of private images.
  public let isProtected: Bool
  /// The public images of the run; nil if its recipe needs none.
  public internal(set) var publicImages: PublicImages?

  /// Creates an order for one step; unless it is known to be protected, what it finds stays inside.
  public init(
    phase: String, index: Int, stepCount: Int, isProtected: Bool = false,
    publicImages: PublicImages? = nil
  ) {
    self.publicImages = publicImages
    self.phase = phase
    self.index = index
    self.stepCount = stepCount
    self.isProtected = isProtected
  }

  /// Creates a report of numbers computed only from the weights and from synthetic images.
  ///
  /// If noise protects the weights, such numbers may leave; without noise they are as private as the
  /// images.
  public func report(ofWeights curves: [TrainingCurve: Double]) -> StepReport {
    isProtected
      ? StepReport(curves: curves.mapValues { Releasable($0, .postProcessing) })
      : StepReport(privateCurves: curves.mapValues { Sensitive($0) })
  }

  /// The step size of this step: it rises over the first twenty steps at most, and falls to a twentieth of
  /// the peak along half a cosine.
  func learningRate(upTo peak: Double) -> Float {
    LearningRateSchedule(
      peak, warmUpSteps: min(20, stepCount / 10), .cosine(over: stepCount, floor: 0.05)
    ).rate(at: index)
  }
}

extension GenerativeModel {
  /// One loop of noisy steps.
  public static func phases(
    of settings: Settings, training: TrainingSettings, for format: ImageSpecification
  ) -> [PhaseOutline] {
    [.training(training)]
  }

  /// Traps: a family that states no phase of rounds is not asked for rounds.
  public func round(
    _ round: SelectionRound, on images: PrivateExamples
  ) throws -> StepReport {
    preconditionFailure("family \(Self.family) stated no rounds \(round.phase)")
  }

  /// Traps: a family that states no free phase is not asked for free steps.
  public func work(_ step: FreeStep) throws -> StepReport {
    preconditionFailure("family \(Self.family) stated no free phase \(step.phase)")
  }
}
