/// How much privacy loss is allowed: at most `epsilon`, except with probability `delta`.
public struct PrivacyBudget: Codable, Hashable, Sendable {
  /// The smallest delta that the accountants support.
  ///
  /// Below it, floating-point rounding of tail probabilities over many steps would no longer be
  /// negligible against delta.
  public static let smallestDelta = 1e-12

  /// The bound on the privacy loss, finite and above 0.
  public let epsilon: Double
  /// The probability with which the bound may fail, from `smallestDelta` to below 1.
  public let delta: Double

  /// Checks both numbers; NaN, infinities and out-of-range values are refused by name.
  public init(epsilon: Double, delta: Double) throws(PrivacyError) {
    try Valid.positive(epsilon, "epsilon")
    try Valid.delta(delta)
    self.epsilon = epsilon
    self.delta = delta
  }

  private enum CodingKeys: String, CodingKey { case epsilon, delta }

  /// Decodes with the same checks as `init(epsilon:delta:)`.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    try self.init(
      epsilon: container.decode(Double.self, forKey: .epsilon),
      delta: container.decode(Double.self, forKey: .delta))
  }
}
