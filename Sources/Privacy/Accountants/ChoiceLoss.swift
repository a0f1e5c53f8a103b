import Glibc

/// The privacy loss of a choice whose likelihood ratios have a bounded range: for any two neighbours there
/// is a t from 0 to ε such that the logarithms of all ratios lie from t − ε to t (Durfee and Rogers, arXiv
/// 1905.04273). The exponential mechanism of `PrivacyEvent` is one of them.
///
/// For a fixed t, the pair with only the two losses t and t − ε dominates: a convex function of a ratio of mean 1
/// is largest at the ends of its range. With a = e^{−ε} and u = e^t the upper loss has the probability
/// (1 − ua)/(u(1 − a)) under Q, so the hockey-stick divergence at γ is (1 − ua)(1 − γ/u)/(1 − a), and it is
/// largest at u = √(γ/a):
///
///     H(γ) = (1 − √(γa))² / (1 − a)  for γ from a to 1/a; 1 − γ below, 0 above.
///
/// A supremum of profiles is a profile, and what has it dominates the choice for every t, also when t is
/// chosen after earlier results (Zhu, Dong and Wang, arXiv 2106.08567, Theorem 10). With one t for
/// each choice the composition would be smaller (Dong, Durfee and Rogers, arXiv 1909.13830), but nobody knows the
/// path. From H it follows that the loss L has a density on −ε to ε and no point masses:
///
///     P(L > l) = (1 − e^{(l−ε)/2}) / (1 − a),    Q(L > l) = (e^{−(l+ε)/2} − a) / (1 − a).
///
/// The reverse profile, 1 − γ + γ·H(1/γ), is H again.
struct ChoiceLoss {
  let epsilon: Double
  /// 1 − e^{−ε}.
  private let span: Double

  init(epsilon: Double) {
    self.epsilon = epsilon
    span = -expm1(-epsilon)
  }

  /// The largest Rényi divergence of one order above 1 over all t.
  ///
  /// E_Q[(dP/dQ)^α] of the pair is u^{α−1}·((1 − a^α) − u(a − a^α))/(1 − a), which is largest at
  /// u = (α−1)(1 − a^α)/(α(a − a^α)), from 1 to 1/a by Bernoulli's inequality. It is at most αε²/8
  /// (Cesar and Rogers, arXiv 2004.07223), which is also the better number where the closed form cancels, and
  /// at most ε.
  func divergence(order: Double) -> Double {
    let more = order - 1
    let logTop = log(-expm1(-order * epsilon))
    let logUpper = log(more / order) + logTop + epsilon - log(-expm1(-more * epsilon))
    let logMoment = logTop - log(order) - log(span) + more * logUpper
    // The terms are about as large as these; their rounding is added.
    let rounding = 1e-15 * (10 + abs(log(span)) + more * (epsilon + abs(log(span)) + log(order)))
    let value = min((logMoment + rounding) / more, order * epsilon * epsilon / 8, epsilon)
    return value.isNaN ? min(order * epsilon * epsilon / 8, epsilon) : max(0, value)
  }

  /// The loss on a grid, as `DiscreteLoss` describes: both the P mass and the Q mass of every cell are kept.
  func discrete(spacing: Double) -> DiscreteLoss {
    let last = max(1, Int((epsilon / spacing).rounded(.up)))
    var masses = [Double](repeating: 0, count: 2 * last + 1)
    let split = -expm1(-spacing)
    for cell in 0..<(2 * last) {
      let floor = Double(cell - last) * spacing
      // The outermost cells reach beyond the support.
      let low = max(floor, -epsilon)
      let high = min(floor + spacing, epsilon)
      guard high > low else { continue }
      let width = high - low
      let scale = exp((low - epsilon) / 2) / span
      let mass = scale * expm1(width / 2)
      // P − e^low·Q, and what e^low exceeds e^floor by, times Q: both are sums of positive terms.
      let quarter = sinh(width / 4)
      let above = scale * (4 * quarter * quarter - expm1(floor - low) * -expm1(-width / 2))
      let up = min(max(0, above / split), mass)
      masses[cell + 1] += up
      masses[cell] += mass - up
    }
    return DiscreteLoss(firstIndex: -last, masses: masses, infiniteMass: 0)
  }
}
