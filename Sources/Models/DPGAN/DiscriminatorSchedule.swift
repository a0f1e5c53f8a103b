/// The number of discriminator steps per generator step.
///
/// The adaptive rule is from "Private GANs, Revisited" (Bie, Kamath & Zhang, arXiv 2302.02936):
/// noise weakens the discriminator, so it gets more steps whenever it no longer recognises fakes.
/// The rule reads only fakes and so costs no privacy.
public struct DiscriminatorSchedule: Sendable, Equatable {
  /// The rungs of the ladder; the schedule never steps down.
  public static let ladder = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000]

  /// Decay of the running accuracy, as published.
  public static let accuracyDecay = 0.99

  /// The rule's constants.
  public struct Settings: Codable, Sendable, Equatable {
    /// Discriminator steps per generator step at the start.
    public var start: Int
    /// The accuracy on fakes at or below which the schedule takes the next rung; nil keeps `start`.
    public var threshold: Double?
    /// Generator steps after each change during which the schedule stays on its rung.
    public var grace: Int
    /// The highest rung.
    public var limit: Int

    enum CodingKeys: String, CodingKey, CaseIterable {
      case start, threshold, grace, limit
    }

    /// Creates the rule's constants.
    public init(start: Int, threshold: Double?, grace: Int = 200, limit: Int = 5000) {
      self.start = start
      self.threshold = threshold
      self.grace = grace
      self.limit = limit
    }
  }

  private let settings: Settings
  /// The current number of discriminator steps per generator step.
  public private(set) var discriminatorSteps: Int
  /// The running accuracy of the discriminator on fakes, in [0, 1].
  public private(set) var accuracy = 1.0
  /// Generator steps since the last change.
  public private(set) var sinceChange = 0
  /// Discriminator steps since the last generator step.
  public private(set) var sinceGenerator = 0

  /// Starts at the first rung.
  public init(_ settings: Settings) {
    self.settings = settings
    discriminatorSteps = settings.start
  }

  /// Counts a discriminator step and returns whether a generator step is due.
  public mutating func discriminatorStepped() -> Bool {
    sinceGenerator += 1
    return sinceGenerator >= discriminatorSteps
  }

  /// Records a generator step and the discriminator's accuracy on its fakes.
  public mutating func generatorStepped(fakeAccuracy: Double) {
    sinceGenerator = 0
    sinceChange += 1
    accuracy = Self.accuracyDecay * accuracy + (1 - Self.accuracyDecay) * fakeAccuracy
    guard let threshold = settings.threshold, sinceChange > settings.grace, accuracy <= threshold,
      let next = Self.ladder.first(where: { $0 > discriminatorSteps }), next <= settings.limit
    else { return }
    discriminatorSteps = next
    sinceChange = 0
  }

  /// Saves the state as text in a checkpoint.
  func save(into checkpoint: inout Checkpoint) {
    checkpoint.metadata["schedule.discriminator_steps"] = String(discriminatorSteps)
    checkpoint.metadata["schedule.accuracy"] = String(accuracy)
    checkpoint.metadata["schedule.since_change"] = String(sinceChange)
    checkpoint.metadata["schedule.since_generator"] = String(sinceGenerator)
  }

  /// Restores the state that `save` wrote.
  mutating func restore(from checkpoint: Checkpoint) throws {
    discriminatorSteps = try checkpoint.count("schedule.discriminator_steps", atLeast: 1)
    accuracy = try checkpoint.value("schedule.accuracy")
    guard (0...1).contains(accuracy) else {
      throw Checkpoint.Failure.badMetadata(key: "schedule.accuracy", found: "\(accuracy)")
    }
    sinceChange = try checkpoint.count("schedule.since_change")
    sinceGenerator = try checkpoint.count("schedule.since_generator")
  }
}
