/// The current activity of a job.
public enum JobPhase: String, Codable, Hashable, Sendable, CaseIterable {
  /// Scanning the dataset's root.
  case scan
  /// Decoding images into a snapshot.
  case decode
  /// Finding the noise that meets the budget, and how fast this machine is.
  case calibrate
  /// Training.
  case train
  /// Drawing synthetic images.
  case generate
  /// Measuring them.
  case evaluate
  /// Writing the release.
  case pack

  /// Whether counting this phase's work counts real images.
  public var countsRealImages: Bool {
    switch self {
    case .scan, .decode, .evaluate: true
    case .calibrate, .train, .generate, .pack: false
    }
  }
}

/// The value of a curve of a training, computed from noised weights alone.
public struct CurveValue: Codable, Hashable, Sendable {
  /// The curve's name in `metrics.jsonl`.
  public let name: String
  /// The newest value.
  public let value: Double

  /// Describes a value.
  public init(name: String, value: Double) {
    self.name = name
    self.value = value
  }
}

/// The progress of a job, in values that may be shown to every caller.
///
/// The number of real images is private, so a phase that processes them is reported in percent, and without
/// any number to callers with read access only (`withoutCounts`). No field contains a loss, a gradient or a
/// count of real images.
public struct JobProgress: Codable, Hashable, Sendable {
  /// The current activity.
  public let phase: JobPhase
  /// The name of the run's phase in its plan; nil outside of training.
  public var name: String?
  /// Whether the steps read no private image; nil if they do, and outside of training.
  public var isFree: Bool?
  /// How much of the phase is done.
  public let done: Int
  /// The amount of work; 0 while it is unknown.
  public let total: Int
  /// The epsilon of the plan up to this step: decided by the plan, not by the data.
  public var plannedEpsilon: Double?
  /// The epsilon at the plan's end.
  public var targetEpsilon: Double?
  /// The delta of both.
  public var delta: Double?
  /// Steps or images per second.
  public var speed: Double?
  /// Seconds until the phase is done.
  public var remainingSeconds: Double?
  /// The newest value of the curve by which people watch a model of this family; nil if there is none.
  public var curve: CurveValue?
  /// The step of the newest checkpoint on disk.
  public var checkpoint: Int?

  /// Describes the progress of a job.
  ///
  /// - Parameters:
  ///   - done: steps, images or parts done; in percent when the phase counts real images.
  ///   - total: steps, images or parts in all; 0 while unknown.
  public init(
    phase: JobPhase, name: String? = nil, isFree: Bool? = nil, done: Int, total: Int,
    plannedEpsilon: Double? = nil, targetEpsilon: Double? = nil, delta: Double? = nil,
    speed: Double? = nil,
    remainingSeconds: Double? = nil, curve: CurveValue? = nil, checkpoint: Int? = nil
  ) {
    precondition(done >= 0 && total >= 0, "progress is not negative")
    self.phase = phase
    self.name = name
    self.isFree = isFree
    if phase.countsRealImages {
      self.done = total == 0 ? 0 : min(100, Int(100 * Double(done) / Double(total)))
      self.total = total == 0 ? 0 : 100
    } else {
      self.done = done
      self.total = total
    }
    self.plannedEpsilon = plannedEpsilon
    self.targetEpsilon = targetEpsilon
    self.delta = delta
    // Images per second and the remaining time would reveal the count again.
    self.speed = phase.countsRealImages ? nil : speed
    self.remainingSeconds = phase.countsRealImages ? nil : remainingSeconds
    self.curve = curve
    self.checkpoint = checkpoint
  }

  /// The completed share of the phase, 0 to 1; nil while unknown.
  ///
  /// It stays in that range even if a file is damaged, because readers draw bars of that length.
  public var fraction: Double? {
    total > 0 ? min(1, max(0, Double(done) / Double(total))) : nil
  }
}
