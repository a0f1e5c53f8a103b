/// What a job is busy with.
public enum JobPhase: String, Codable, Hashable, Sendable, CaseIterable {
  /// Looking through the dataset's root.
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

/// How far a job has come, in values that may be told to anybody.
///
/// The number of real images is private, so a phase that goes through them is told in percent, and to
/// who may only look without any number (`withoutCounts`). No loss, gradient or count of real images
/// has a field here.
public struct JobProgress: Codable, Hashable, Sendable {
  /// What the job is busy with.
  public let phase: JobPhase
  /// How much of the phase is done.
  public let done: Int
  /// How much there is to do; 0 when nobody knows yet.
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
  /// How often the discriminator recognises a synthetic image: post-processing of its weights.
  public var fakeAccuracy: Double?
  /// The step of the newest checkpoint on disk.
  public var checkpoint: Int?

  /// Tells how far a job has come.
  ///
  /// - Parameters:
  ///   - done: steps, images or parts done; told in percent when the phase counts real images.
  ///   - total: steps, images or parts in all; 0 when nobody knows yet.
  public init(
    phase: JobPhase, done: Int, total: Int, plannedEpsilon: Double? = nil,
    targetEpsilon: Double? = nil, delta: Double? = nil, speed: Double? = nil,
    remainingSeconds: Double? = nil, fakeAccuracy: Double? = nil, checkpoint: Int? = nil
  ) {
    precondition(done >= 0 && total >= 0, "progress is not negative")
    self.phase = phase
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
    // Images per second and a time to go would give the count away again.
    self.speed = phase.countsRealImages ? nil : speed
    self.remainingSeconds = phase.countsRealImages ? nil : remainingSeconds
    self.fakeAccuracy = fakeAccuracy
    self.checkpoint = checkpoint
  }

  /// The share of the phase that is done, 0 to 1; nil when nobody knows yet.
  ///
  /// Whatever a damaged file says: readers draw bars of that length.
  public var fraction: Double? {
    total > 0 ? min(1, max(0, Double(done) / Double(total))) : nil
  }
}
