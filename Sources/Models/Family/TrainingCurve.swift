/// A number that is reported of the steps of a training.
///
/// A family lists its own (`GenerativeModel.curves`), so a new curve is declared where it is computed.
public struct TrainingCurve: Hashable, Sendable {
  /// What the values of a curve mean.
  public enum Goal: Hashable, Sendable {
    /// Lower is better.
    case lower
    /// Neither high nor low is good: it shows the balance of two networks.
    case balance
  }

  /// The key in `metrics.jsonl`.
  public let name: String
  /// The title in reports; nil for a curve that stays in `metrics.jsonl`.
  public let title: String?
  /// What its values mean.
  public let goal: Goal

  /// Declares a curve.
  public init(_ name: String, title: String? = nil, _ goal: Goal = .balance) {
    self.name = name
    self.title = title
    self.goal = goal
  }

  /// The step size of an optimiser.
  public static let learningRate = TrainingCurve("learning_rate")
  /// The mean number of bits that a model needs for a channel of a pixel of its batch.
  public static let bitsPerDimension = TrainingCurve(
    "bits_per_dimension", title: "Bits per dimension of training images", .lower)
}

extension GenerativeModel {
  /// No curve.
  public static var curves: [TrainingCurve] { [] }

  /// No curve.
  public static var watchedCurve: TrainingCurve? { nil }

  /// No sentence.
  public static func balance(atEnd value: Double) -> String? { nil }
}
