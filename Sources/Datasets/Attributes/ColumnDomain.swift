/// A column of a table and its public domain, as the administrator declares it.
///
/// The domain is never taken from the data: the existence of a category, or the largest value, may reveal a person. A
/// value is stored as a code: the number of its category or bin, and one code more if the value may be missing.
public struct ColumnDomain: Hashable, Sendable, Codable {
  /// The values that a column may have.
  public enum Values: Hashable, Sendable, Codable {
    /// These words, in the order of their codes.
    case categories([String])
    /// Numbers from `minimum` to `maximum`, both included, in bins of equal width; integers if `areIntegers`.
    case numbers(minimum: Double, maximum: Double, bins: Int, areIntegers: Bool)
  }

  /// The largest number of codes of a column: a code is a byte.
  public static let maximumCodeCount = 256
  /// The largest number of columns.
  public static let maximumColumnCount = 256

  /// The name in the header of the table.
  public let name: String
  /// The values that are not missing.
  public let values: Values
  /// Whether a value may be missing; if not, a row without one is left out.
  public let allowsMissing: Bool

  /// Declares a column.
  public init(name: String, values: Values, allowsMissing: Bool = true) {
    self.name = name
    self.values = values
    self.allowsMissing = allowsMissing
  }

  /// Whether the values are numbers in bins.
  public var hasNumbers: Bool {
    if case .numbers = values { true } else { false }
  }

  /// The number of categories or bins.
  public var valueCount: Int {
    switch values {
    case .categories(let names): names.count
    case .numbers(_, _, let bins, _): bins
    }
  }

  /// The number of codes: the values, then missing if that is allowed.
  public var codeCount: Int { valueCount + (allowsMissing ? 1 : 0) }

  /// The code of a missing value; nil if none may be missing.
  public var missingCode: Int? { allowsMissing ? valueCount : nil }
}
