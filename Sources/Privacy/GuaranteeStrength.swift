/// The meaning of an epsilon, in the words that every plan, statement and report uses.
///
/// The bounds are those of practice, not of a theorem: Ponomareva et al., *How to DP-fy ML* (arXiv
/// 2303.00654), call up to 1 strong and up to 10 reasonable. Published image generators usually
/// claim at most 10. The lines at 3 and at 20 are this project's.
public enum GuaranteeStrength: String, Codable, Hashable, Sendable, CaseIterable, Comparable {
  /// Up to 1.
  case strong
  /// Up to 3.
  case good
  /// Up to 10, the usual ceiling of published work.
  case moderate
  /// Up to 20.
  case weak
  /// Above 20, or not a number: epsilon alone protects no unit.
  case negligible

  /// The meaning of an epsilon.
  public init(epsilon: Double) {
    switch epsilon {
    case ...1: self = .strong
    case ...3: self = .good
    case ...10: self = .moderate
    case ...20: self = .weak
    default: self = .negligible
    }
  }

  /// The description that follows an epsilon in a sentence.
  public var words: String {
    switch self {
    case .strong: "strong protection"
    case .good: "good protection"
    case .moderate: "moderate protection: 10 is the usual ceiling of published work"
    case .weak: "weak protection: above 10, the usual ceiling of published work"
    case .negligible: "no meaningful protection by epsilon alone: above 20"
    }
  }

  /// Whether a reader needs a warning.
  public var needsWarning: Bool { self > .moderate }

  /// Stronger guarantees come first.
  public static func < (first: Self, second: Self) -> Bool { first.rank < second.rank }

  private var rank: Int {
    switch self {
    case .strong: 0
    case .good: 1
    case .moderate: 2
    case .weak: 3
    case .negligible: 4
    }
  }
}

/// How a delta compares with the number of units.
///
/// A mechanism that publishes the images of one unit, drawn at random from `units`, satisfies a
/// delta of about 1 / units, so a delta must be below that, and should be below a tenth of it.
public struct DeltaSize: Hashable, Sendable {
  /// How large it is.
  public enum Class: Hashable, Sendable {
    /// Below a tenth of 1 / units.
    case small
    /// Below 1 / units, but not below a tenth of it.
    case noticeable
    /// Not below 1 / units.
    case large
  }

  /// The probability with which the bound may fail.
  public let delta: Double
  /// The number of units of privacy, declared or found; at least 1.
  public let units: Int

  /// Compares a delta with a number of units.
  public init(_ delta: Double, units: Int) {
    self.delta = delta
    self.units = max(1, units)
  }

  /// How large it is; NaN is large.
  public var size: Class {
    if delta < 0.1 / Double(units) { return .small }
    return delta < 1 / Double(units) ? .noticeable : .large
  }

  /// The remark of plans, statements and reports about it; nil if there is none.
  public var remark: String? {
    switch size {
    case .small: nil
    case .noticeable:
      "Delta \(Decimals.number(delta)) is below 1/\(units), one divided by the number of units, but not below a tenth "
        + "of it, as is recommended."
    case .large:
      "Delta \(Decimals.number(delta)) is not below 1/\(units), one divided by the number of units: publishing the "
        + "images of one unit, drawn at random, would satisfy it."
    }
  }

  /// Why plans, submissions and runs are refused; nil if they are not.
  ///
  /// - Parameter dataset: the dataset's name.
  public func refusal(dataset: String) -> String? {
    guard size == .large, let remark else { return nil }
    return "dataset \(dataset): \(remark) Ask for less, best below 1/\(units)0, or let the "
      + "administrator allow it by name (allow_large_delta: true in the dataset's policy; "
      + "--allow-large-delta of figmentd run)."
  }
}
