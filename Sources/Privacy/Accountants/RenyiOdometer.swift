import Glibc

/// The cost of a history whose mechanisms were chosen, or stopped, after looking at results.
///
/// Rényi divergences of one order add up along any path of choices. The order with the smallest
/// epsilon depends on the path, and a minimum taken afterwards must be paid for: so the orders and a
/// share of delta for each are constants, fixed before any data. With ρ the sum of the divergences
/// along the path at order α, and w the order's share,
///
///     ε = min over α of  ρ + ln((α−1)/α) − (ln(w·δ) + ln α)/(α−1).
///
/// Z = (dP/dQ)^α · e^{−(α−1)ρ} is a supermartingale under Q, for every choice and every stopping time
/// (Feldman and Zrnic, arXiv 2008.11193; odometers: Rogers, Roth, Ullman and Vadhan,
/// arXiv 1605.08294). The conversion of one order (Canonne, Kamath and Steinke, arXiv 2004.00010,
/// Proposition 12) therefore holds with w·δ at that order, and a minimum over the orders exceeds no
/// more than the sum of what each exceeds, at most δ. `ThePrivacyArgument`, step 8, contains the proof.
///
/// In typical trainings the shares cost 9 to 26 % of epsilon compared with the minimum over the
/// standard orders without shares, which nothing proves here.
enum RenyiOdometer {
  /// The name that statements use.
  static let name = "RDP odometer"

  /// The orders with their shares of delta, which add up to less than 1.
  ///
  /// All are among `RenyiAccountant.standardOrders`, so this bound is nowhere below that one. Orders
  /// that are best for an epsilon between 0.5 and 30 have the larger share.
  static let shares: [(order: Double, share: Double)] =
    [1.5, 1.7, 2, 2.5, 3, 4, 6, 8, 11, 15, 20, 28, 40].map { (order: $0, share: 0x1p-4) }
    + [1.1, 1.2, 63, 128, 256, 512, 1024].map { (order: $0, share: 0x1p-6) }

  /// An upper bound on the privacy loss along the path that was taken, with the order that gave it;
  /// infinite when no order has a finite divergence.
  static func bound(
    of tally: EventTally, atDelta delta: Double
  ) throws(PrivacyError) -> RenyiAccountant.Bound {
    try Valid.delta(delta)
    // Where the data was never touched, both distributions of the path are the same.
    if tally.isEmpty { return RenyiAccountant.Bound(epsilon: 0, order: 2, isAtEdge: false) }
    var accountant = try RenyiAccountant(orders: shares.map(\.order))
    for (event, times) in tally.sorted { try accountant.compose(event.event, times: times) }
    let share = Dictionary(uniqueKeysWithValues: shares.map { ($0.order, $0.share) })
    var (best, bestOrder) = (Double.infinity, accountant.orders[0])
    for (order, divergence) in zip(accountant.orders, accountant.curve) {
      let logDelta = log(share[order, default: 0]) + log(delta)
      let epsilon = divergence + log1p(-1 / order) - (logDelta + log(order)) / (order - 1)
      // False for NaN.
      if epsilon < best { (best, bestOrder) = (epsilon, order) }
    }
    return RenyiAccountant.Bound(
      epsilon: max(0, best), order: bestOrder,
      isAtEdge: best > 0
        && (bestOrder == accountant.orders.first || bestOrder == accountant.orders.last))
  }
}
