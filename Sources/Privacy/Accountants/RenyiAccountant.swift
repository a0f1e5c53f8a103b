import Glibc

/// Accounting by Rényi divergence: fast, for mechanisms that were fixed in advance.
///
/// Divergences of one order add up over any composition (Mironov, arXiv 1702.07476). They become
/// an epsilon by Canonne, Kamath, Steinke, arXiv 2004.00010, Proposition 12:
/// ε = D_α + ln((α−1)/α) − (ln δ + ln α)/(α−1), minimised over the orders. If mechanisms were chosen along
/// the way, the best order was chosen too: `RenyiOdometer` is the bound then.
public struct RenyiAccountant: PrivacyAccountant {
  /// The name that statements use.
  public static let name = "RDP"

  /// 1.1 to 10.9 in tenths, 11 to 63, 128, 256, 512, 1024.
  ///
  /// If the best order is at an end, the bound is still valid but loose, and `Bound.isAtEdge` is
  /// true; accounting by privacy loss is tight there.
  public static let standardOrders: [Double] =
    (11...109).map { Double($0) / 10 } + (11...63).map(Double.init) + [128, 256, 512, 1024]

  /// An epsilon, with the order that yielded it.
  public struct Bound: Codable, Hashable, Sendable {
    /// The upper bound on the privacy loss.
    public let epsilon: Double
    /// The Rényi order at which it was found.
    public let order: Double
    /// Whether a smaller or larger order than those tried might yield a smaller bound.
    public let isAtEdge: Bool

    private enum CodingKeys: String, CodingKey {
      case epsilon, order
      case isAtEdge = "at_edge_of_orders"
    }

    init(epsilon: Double, order: Double, isAtEdge: Bool) {
      self.epsilon = epsilon
      self.order = order
      self.isAtEdge = isAtEdge
    }

    /// Decodes the form that `encode(to:)` writes.
    public init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: CodingKeys.self)
      epsilon = try container.decodeIfPresent(Double.self, forKey: .epsilon) ?? .infinity
      order = try container.decode(Double.self, forKey: .order)
      isAtEdge = try container.decode(Bool.self, forKey: .isAtEdge)
    }

    /// Encodes the bound; an infinite one is left out, because JSON has no infinity.
    public func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      if epsilon.isFinite { try container.encode(epsilon, forKey: .epsilon) }
      try container.encode(order, forKey: .order)
      try container.encode(isAtEdge, forKey: .isAtEdge)
    }
  }

  /// The orders at which divergences are added.
  public let orders: [Double]
  /// Everything that has been composed.
  public private(set) var tally = EventTally()

  private var divergences: [Double]
  private var curves: [ElementaryEvent: [Double]] = [:]

  /// Starts with the empty history and the standard orders.
  public init() {
    orders = Self.standardOrders
    divergences = [Double](repeating: 0, count: orders.count)
  }

  /// Starts with the empty history; `orders` must be above 1.01 (where the conversion is stable) and finite.
  public init(orders: [Double]) throws(PrivacyError) {
    guard !orders.isEmpty, orders.allSatisfy({ $0 > 1.01 && $0 < .infinity }) else {
      throw .outOfRange(
        argument: "Rényi orders", value: "\(orders)", expected: "finite numbers above 1.01")
    }
    self.orders = orders.sorted()
    divergences = [Double](repeating: 0, count: orders.count)
  }

  /// The divergence of everything composed, at each of `orders`.
  public var curve: [Double] { divergences }

  /// Adds `times` runs of `event`.
  public mutating func compose(_ event: PrivacyEvent, times: Int) throws(PrivacyError) {
    let added = try EventTally(event, times: times)
    try tally.add(added)
    for (event, times) in added.sorted {
      let curve = curves[event] ?? RenyiDivergence.of(event, orders: orders)
      curves[event] = curve
      for index in orders.indices { divergences[index] += Double(times) * curve[index] }
    }
  }

  /// The smallest epsilon over the orders, infinite when none is finite.
  public func epsilon(atDelta delta: Double) throws(PrivacyError) -> Double {
    try bound(atDelta: delta).epsilon
  }

  /// The smallest epsilon over the orders and where it was found.
  public func bound(atDelta delta: Double) throws(PrivacyError) -> Bound {
    try Valid.delta(delta)
    var best = Double.infinity
    var bestIndex = 0
    for (index, order) in orders.enumerated() {
      let epsilon = Self.epsilon(divergences[index], order: order, delta: delta)
      if epsilon < best { (best, bestIndex) = (epsilon, index) }
    }
    return Bound(
      epsilon: max(0, best), order: orders[bestIndex],
      isAtEdge: best > 0 && (bestIndex == 0 || bestIndex == orders.count - 1))
  }

  private static func epsilon(_ divergence: Double, order: Double, delta: Double) -> Double {
    // Total variation is at most √(1 − e^−KL) (Bretagnolle and Huber), and KL is at most the
    // divergence of any order above 1: when that is below delta, epsilon 0 holds.
    if delta * delta + expm1(-divergence) > 0 { return 0 }
    let epsilon = divergence + log1p(-1 / order) - (log(delta) + log(order)) / (order - 1)
    return epsilon.isNaN ? .infinity : epsilon
  }
}
