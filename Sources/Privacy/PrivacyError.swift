/// Refusals of the privacy room, each with the value that caused it.
public enum PrivacyError: Error, Hashable, Sendable, CustomStringConvertible {
  /// A number lies outside the range in which the guarantee is meaningful; NaN always does.
  case outOfRange(argument: String, value: String, expected: String)
  /// The event is a mechanism that no accountant of ours can bound.
  case unsupportedEvent(String)
  /// No noise multiplier and no number of steps reaches the target.
  case unreachableTarget(epsilon: Double, delta: Double, reason: String)
  /// The privacy loss is too large to be represented, so there is no guarantee.
  case unboundedLoss(delta: Double)

  /// The sentence that a user reads: what failed, what was found, what was expected.
  public var description: String {
    switch self {
    case .outOfRange(let argument, let value, let expected):
      "\(argument): \(value) found (\(expected) expected)"
    case .unsupportedEvent(let what):
      "privacy event: \(what) cannot be accounted for. Use Gaussian events, on all units or "
        + "on Poisson samples, and choices with the exponential mechanism among all units."
    case .unreachableTarget(let epsilon, let delta, let reason):
      "epsilon \(Decimals.number(epsilon)) at delta \(Decimals.number(delta)) cannot be reached: \(reason)"
    case .unboundedLoss(let delta):
      "epsilon at delta \(Decimals.number(delta)) is too large to be computed: this is no privacy at all. "
        + "Raise the noise multiplier or take fewer steps."
    }
  }
}

extension PrivacyError {
  /// A choice on a sample: no amplification by sampling is claimed for it.
  static let sampledChoice = PrivacyError.unsupportedEvent(
    "the exponential mechanism on a Poisson sample")
}

/// Checks that NaN fails: each states what is allowed, never what is forbidden.
enum Valid {
  /// A probability above 0 and at most 1.
  static func samplingProbability(_ value: Double) throws(PrivacyError) {
    guard value > 0, value <= 1 else {
      throw .outOfRange(
        argument: "sampling probability", value: "\(value)", expected: "above 0 and at most 1")
    }
  }

  /// A finite number above 0.
  static func positive(_ value: Double, _ argument: String) throws(PrivacyError) {
    guard value > 0, value < .infinity else {
      throw .outOfRange(
        argument: argument, value: "\(value)", expected: "a finite number above 0")
    }
  }

  /// A delta that the accountants resolve: at least `PrivacyBudget.smallestDelta`, below 1.
  static func delta(_ value: Double) throws(PrivacyError) {
    guard value >= PrivacyBudget.smallestDelta, value < 1 else {
      throw .outOfRange(
        argument: "delta", value: "\(value)",
        expected: "at least \(PrivacyBudget.smallestDelta) and below 1")
    }
  }

  /// A count of steps from `minimum` to 2^53, above which a Double no longer counts exactly.
  static func count(
    _ value: Int, _ argument: String, atLeast minimum: Int = 0
  ) throws(PrivacyError) {
    guard value >= minimum, value <= 1 << 53 else {
      throw .outOfRange(
        argument: argument, value: "\(value)", expected: "a whole number from \(minimum) to 2^53")
    }
  }
}
