/// A share of two whole numbers, each with independent noise of mean zero.
public struct NoisyShare: Hashable, Sendable, Codable {
  /// The share of the first number, from 0 to 1; nil if the noisy sum is not positive.
  public let value: Double?
  /// The 95 % interval of the share without noise.
  public let interval: Interval

  /// Estimates first / (first + second).
  ///
  /// With the true share p, the number first·(1 − p) − second·p has mean zero and variance
  /// σ²·((1 − p)² + p²). The interval contains every p for which this number is within 1.96 standard
  /// deviations (Fieller 1954), and is exact for normal noise. It is 0 to 1 if the noise dominates the sum.
  ///
  /// - Parameter standardDeviation: σ of the noise on either number, rounding included.
  public init(_ first: Int, beside second: Int, standardDeviation: Double) {
    let (a, sum) = (Double(first), Double(first) + Double(second))
    value = sum > 0 ? min(1, max(0, a / sum)) : nil
    let quantile = SpecialFunctions.normalQuantile(0.975)
    let squared = quantile * quantile * standardDeviation * standardDeviation
    // The p with p²·(sum² − 2c) − 2p·(a·sum − c) + a² − c ≤ 0, where c is `squared`.
    let leading = sum * sum - 2 * squared
    var (low, high) = (0.0, 1.0)
    if sum > 0, leading > 0 {
      let middle = (a * sum - squared) / leading
      let second = sum - a
      let half = (squared * (a * a + second * second - squared)).squareRoot() / leading
      (low, high) = (min(1, max(0, middle - half)), min(1, max(0, middle + half)))
    }
    interval = Interval(low: low, high: high, method: "Fieller, 95 %")
  }
}
