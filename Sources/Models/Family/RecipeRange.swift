/// The numbers that a field of a recipe accepts: one statement for the check and for its words.
public struct RecipeRange: Hashable, Sendable {
  /// One end of a range.
  public struct End: Hashable, Sendable {
    /// The number at the end.
    public let value: Double
    /// Whether the number itself belongs to the range.
    public let isIncluded: Bool
  }

  /// The lower end.
  public let lower: End
  /// The upper end; nil for none.
  public let upper: End?

  private init(_ lower: End, _ upper: End?) {
    self.lower = lower
    self.upper = upper
  }

  /// The numbers of `range`, both ends included.
  public init(_ range: ClosedRange<Int>) {
    self.init(Double(range.lowerBound)...Double(range.upperBound))
  }

  /// The numbers of `range`, both ends included.
  public init(_ range: ClosedRange<Double>) {
    self.init(
      End(value: range.lowerBound, isIncluded: true), End(value: range.upperBound, isIncluded: true)
    )
  }

  /// The numbers above `lower`, and below `upper` if there is one.
  public static func above(_ lower: Double, below upper: Double? = nil) -> RecipeRange {
    RecipeRange(
      End(value: lower, isIncluded: false), upper.map { End(value: $0, isIncluded: false) })
  }

  /// The numbers from `lower`, which is included, and below `upper` if there is one.
  public static func atLeast(_ lower: Double, below upper: Double? = nil) -> RecipeRange {
    RecipeRange(
      End(value: lower, isIncluded: true), upper.map { End(value: $0, isIncluded: false) })
  }

  /// Whether a number belongs to the range; infinities and NaN belong to none.
  public func contains(_ number: Double) -> Bool {
    guard number.isFinite, number > lower.value || lower.isIncluded && number == lower.value else {
      return false
    }
    guard let upper else { return true }
    return number < upper.value || upper.isIncluded && number == upper.value
  }

  /// The range in words, for example "1 to 64" or "above 0, below 1".
  public var words: String {
    let from = Self.text(lower.value)
    let begin = lower.isIncluded ? "\(from) or more" : "above \(from)"
    guard let upper else { return begin }
    let to = Self.text(upper.value)
    if lower.isIncluded, upper.isIncluded { return "\(from) to \(to)" }
    return begin + (upper.isIncluded ? ", up to \(to)" : ", below \(to)")
  }

  /// A number as people read it, `10,000,000` or `0.5`.
  private static func text(_ number: Double) -> String {
    guard let whole = Int(exactly: number), whole >= 10_000 else {
      return Int(exactly: number).map(String.init) ?? "\(number)"
    }
    var groups: [String] = []
    var rest = whole
    while rest >= 1000 {
      groups.append(String(String(1000 + rest % 1000).dropFirst()))
      rest /= 1000
    }
    return ([String(rest)] + groups.reversed()).joined(separator: ",")
  }
}
