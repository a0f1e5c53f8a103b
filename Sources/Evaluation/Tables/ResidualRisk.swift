/// How much more an attacker achieves on training rows than on other rows (Giomi and others 2023, arXiv 2211.10459).
///
/// It is (r − c)/(1 − c) with Wilson's estimates of the share r of successes on training rows and c on other rows: of what
/// fails on other rows, the part that succeeds on training rows. It is 0 if being in the training table makes no
/// difference.
public struct ResidualRisk: Sendable {
  /// The estimate.
  public let value: Double
  /// The interval; its error is propagated from those of both shares.
  public let interval: Interval

  /// From the successes among `count` attempts on rows of either kind.
  init(memberHits: Int, nonMemberHits: Int, count: Int) {
    let attack = Self.wilson(memberHits, of: count)
    let control = Self.wilson(nonMemberHits, of: count)
    let rest = 1 - control.value
    value = (attack.value - control.value) / rest
    let byAttack = attack.error / rest
    let byControl = control.error * (attack.value - 1) / (rest * rest)
    let error = (byAttack * byAttack + byControl * byControl).squareRoot()
    interval = Interval(
      low: value - error, high: min(1, value + error), method: "Wilson, propagated")
  }

  /// The centre and the half-width of Wilson's interval of a share.
  private static func wilson(
    _ successes: Int, of trials: Int, confidence: Double = 0.95
  ) -> (value: Double, error: Double) {
    let z = SpecialFunctions.normalQuantile((1 + confidence) / 2)
    let (s, n) = (Double(successes), Double(trials))
    guard n > 0 else { return (0.5, 0.5) }
    let scale = 1 / (n + z * z)
    return (
      (s + z * z / 2) * scale, z * scale * (s * (n - s) / n + z * z / 4).squareRoot()
    )
  }
}
