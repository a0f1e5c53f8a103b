/// What a history cost: both accountants' answers and the one that is claimed.
public struct PrivacyCost: Hashable, Sendable {
  /// How the history came about, which decides which accountants may speak.
  public enum Basis: String, Codable, Hashable, Sendable {
    /// Every mechanism was fixed before the data was touched: the smaller bound is claimed.
    case planned
    /// A mechanism was chosen after looking at earlier results. Composition of privacy loss
    /// distributions is proved for mechanisms fixed in advance; Rényi divergences add up in any
    /// case (privacy filters, arXiv 2008.11193). So RDP alone is claimed.
    case adaptive
  }

  /// The claim: an upper bound on the privacy loss at `delta`, infinite when there is none.
  public let epsilon: Double
  /// The probability with which the bound may fail.
  public let delta: Double
  /// The name of the accountant whose bound is claimed.
  public let accountant: String
  /// The bound by Rényi divergence.
  public let renyi: RenyiAccountant.Bound
  /// The bound by privacy loss distributions.
  public let privacyLossEpsilon: Double
  /// Which accountants may speak.
  public let basis: Basis

  /// Both accountants' answers for a history.
  public init(
    of tally: EventTally, delta: Double, basis: Basis = .planned
  ) throws(PrivacyError) {
    renyi = try RenyiAccountant(tally).bound(atDelta: delta)
    privacyLossEpsilon = try PrivacyLossAccountant(tally).epsilon(atDelta: delta)
    let usesPrivacyLoss = basis == .planned && privacyLossEpsilon < renyi.epsilon
    epsilon = usesPrivacyLoss ? privacyLossEpsilon : renyi.epsilon
    accountant = usesPrivacyLoss ? PrivacyLossAccountant.name : RenyiAccountant.name
    self.delta = delta
    self.basis = basis
  }

  /// Both accountants' answers for `times` runs of an event.
  public init(
    of event: PrivacyEvent, times: Int, delta: Double, basis: Basis = .planned
  ) throws(PrivacyError) {
    try self.init(of: EventTally(event, times: times), delta: delta, basis: basis)
  }

  /// Whether the history stays within the budget.
  ///
  /// The fast accountant is asked first.
  static func fits(
    _ tally: EventTally, within budget: PrivacyBudget, basis: Basis
  ) throws(PrivacyError) -> Bool {
    // Both comparisons are false for NaN.
    if try RenyiAccountant(tally).epsilon(atDelta: budget.delta) <= budget.epsilon { return true }
    if basis == .adaptive { return false }
    return try PrivacyLossAccountant(tally).epsilon(atDelta: budget.delta) <= budget.epsilon
  }
}

extension PrivacyCost: Codable {
  private enum CodingKeys: String, CodingKey {
    case epsilon, delta, accountant, basis
    case renyi = "rdp"
    case privacyLoss = "pld"
  }

  private struct PrivacyLoss: Codable { let epsilon: Double? }

  /// Decodes what `encode(to:)` wrote; nothing is recomputed.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    epsilon = try container.decodeIfPresent(Double.self, forKey: .epsilon) ?? .infinity
    delta = try container.decode(Double.self, forKey: .delta)
    accountant = try container.decode(String.self, forKey: .accountant)
    basis = try container.decode(Basis.self, forKey: .basis)
    renyi = try container.decode(RenyiAccountant.Bound.self, forKey: .renyi)
    privacyLossEpsilon =
      try container.decode(PrivacyLoss.self, forKey: .privacyLoss).epsilon ?? .infinity
  }

  /// Encodes the claim with both bounds beside it; a bound that is infinite is left out, because
  /// JSON has no infinity.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    if epsilon.isFinite { try container.encode(epsilon, forKey: .epsilon) }
    try container.encode(delta, forKey: .delta)
    try container.encode(accountant, forKey: .accountant)
    try container.encode(basis, forKey: .basis)
    try container.encode(renyi, forKey: .renyi)
    try container.encode(
      PrivacyLoss(epsilon: privacyLossEpsilon.isFinite ? privacyLossEpsilon : nil),
      forKey: .privacyLoss)
  }
}
