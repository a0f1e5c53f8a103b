/// The cost of a history: the bounds of both accountants and the claimed one.
public struct PrivacyCost: Hashable, Sendable {
  /// How the history came about, which determines the accountants that may be used.
  public enum Basis: String, Codable, Hashable, Sendable {
    /// Every mechanism, and how often it may be used, was fixed before the data was touched: the
    /// smaller of two bounds is claimed. Stopping earlier, for any reason, releases a part of what
    /// the plan would have released.
    case planned
    /// A mechanism was chosen after results of another one existed. Composition of privacy loss
    /// distributions is proved for mechanisms fixed in advance; Rényi divergences add up along any
    /// path. So `renyi` is the bound of `RenyiOdometer`, it alone is claimed, and there is no bound
    /// by privacy loss distributions.
    case adaptive
  }

  /// The claim: an upper bound on the privacy loss at `delta`, infinite when there is none.
  public let epsilon: Double
  /// The probability with which the bound may fail.
  public let delta: Double
  /// The name of the accountant whose bound is claimed.
  public let accountant: String
  /// The bound by Rényi divergence: over the standard orders for a planned history, over orders with
  /// fixed shares of delta for an adaptive one.
  public let renyi: RenyiAccountant.Bound
  /// The bound by privacy loss distributions; infinite where there is none.
  public let privacyLossEpsilon: Double
  /// How the history came about.
  public let basis: Basis

  /// Computes both accountants' bounds for a history.
  public init(
    of tally: EventTally, delta: Double, basis: Basis = .planned
  ) throws(PrivacyError) {
    switch basis {
    case .planned:
      renyi = try RenyiAccountant(tally).bound(atDelta: delta)
      privacyLossEpsilon = try PrivacyLossAccountant(tally).epsilon(atDelta: delta)
      accountant =
        privacyLossEpsilon < renyi.epsilon ? PrivacyLossAccountant.name : RenyiAccountant.name
    case .adaptive:
      renyi = try RenyiOdometer.bound(of: tally, atDelta: delta)
      privacyLossEpsilon = .infinity
      accountant = RenyiOdometer.name
    }
    epsilon = min(renyi.epsilon, privacyLossEpsilon)
    self.delta = delta
    self.basis = basis
  }

  /// Computes both accountants' bounds for `times` runs of an event.
  public init(
    of event: PrivacyEvent, times: Int, delta: Double, basis: Basis = .planned
  ) throws(PrivacyError) {
    try self.init(of: EventTally(event, times: times), delta: delta, basis: basis)
  }

  /// The accountant with its method, for readers who do not know its name.
  public var accountantInWords: String {
    switch accountant {
    case RenyiAccountant.name: "\(accountant): Rényi divergence, composed over all accesses"
    case PrivacyLossAccountant.name:
      "\(accountant): the privacy loss distribution of all accesses together"
    case RenyiOdometer.name:
      "\(accountant): the Rényi divergences of all accesses, added up; it holds also where runs were "
        + "ordered after the results of earlier ones, and is larger than the bound of each plan alone"
    default: accountant
    }
  }

  /// Whether the history stays within the budget.
  ///
  /// The fast accountant is tried first.
  static func fits(
    _ tally: EventTally, within budget: PrivacyBudget, basis: Basis
  ) throws(PrivacyError) -> Bool {
    // All comparisons are false for NaN.
    if basis == .adaptive {
      return try RenyiOdometer.bound(of: tally, atDelta: budget.delta).epsilon <= budget.epsilon
    }
    if try RenyiAccountant(tally).epsilon(atDelta: budget.delta) <= budget.epsilon { return true }
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

  /// Decodes the form that `encode(to:)` writes; recomputes nothing.
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

  /// Encodes the claim together with both bounds; an infinite bound is omitted, because JSON has no
  /// infinity.
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
