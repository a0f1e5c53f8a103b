import Compute
import Glibc

/// A range that covers the true value with a stated confidence.
public struct Interval: Hashable, Sendable, Codable {
  /// The lower end.
  public let low: Double
  /// The upper end.
  public let high: Double
  /// The method, for example "Clopper–Pearson".
  public let method: String

  /// Creates an interval with known ends.
  public init(low: Double, high: Double, method: String) {
    self.low = low
    self.high = high
    self.method = method
  }

  /// The exact interval of a proportion (Clopper & Pearson 1934): never narrower than stated.
  public static func proportion(
    _ successes: Int, of trials: Int, confidence: Double = 0.95
  ) -> Interval {
    precondition(successes >= 0 && successes <= trials, "\(successes) of \(trials)")
    let tail = (1 - confidence) / 2
    let k = Double(successes)
    let n = Double(trials)
    let low =
      successes == 0 ? 0 : SpecialFunctions.betaQuantile(tail, k, n - k + 1)
    let high =
      successes == trials ? 1 : SpecialFunctions.betaQuantile(1 - tail, k + 1, n - k)
    return Interval(low: low, high: high, method: "Clopper–Pearson")
  }

  /// Student's interval of a mean, for example over seeds; nil for fewer than two values.
  public static func mean(of values: [Double], confidence: Double = 0.95) -> Interval? {
    guard values.count > 1 else { return nil }
    let mean = values.reduce(0, +) / Double(values.count)
    let variance =
      values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count - 1)
    let half =
      SpecialFunctions.studentQuantile((1 + confidence) / 2, degreesOfFreedom: values.count - 1)
      * (variance / Double(values.count)).squareRoot()
    return Interval(low: mean - half, high: mean + half, method: "Student over \(values.count)")
  }

  /// The part of an interval that a share can have: 0 to 1.
  ///
  /// Intervals that assume normal errors may exceed it where nearly all cases are alike; the true share cannot.
  public var ofShare: Interval {
    Interval(low: min(1, max(0, low)), high: min(1, max(0, high)), method: method)
  }

  /// The percentile bootstrap interval of a statistic of `count` items (Efron 1979).
  ///
  /// `statistic` receives the indices of a resample. `seed` determines the draws, so a report can be
  /// reproduced.
  public static func bootstrap(
    count: Int, resamples: Int = 1000, confidence: Double = 0.95, seed: UInt64,
    statistic: ([Int]) -> Double
  ) -> Interval {
    precondition(count > 0 && resamples > 1, "a bootstrap needs items and resamples")
    var stream = SeededStream(seed: seed)
    var values: [Double] = []
    values.reserveCapacity(resamples)
    for _ in 0..<resamples {
      values.append(statistic((0..<count).map { _ in Int.random(in: 0..<count, using: &stream) }))
    }
    values.sort()
    let tail = (1 - confidence) / 2
    return Interval(
      low: Self.quantile(tail, ofSorted: values),
      high: Self.quantile(1 - tail, ofSorted: values),
      method: "bootstrap of \(resamples)")
  }

  /// The normal interval of an estimate with a known standard error.
  public static func normal(
    _ estimate: Double, standardError: Double, confidence: Double = 0.95, method: String
  ) -> Interval {
    let half = SpecialFunctions.normalQuantile((1 + confidence) / 2) * standardError
    return Interval(low: estimate - half, high: estimate + half, method: method)
  }

  /// The quantile of sorted values with linear interpolation.
  static func quantile(_ probability: Double, ofSorted values: [Double]) -> Double {
    let position = probability * Double(values.count - 1)
    let below = Int(position.rounded(.down))
    let above = min(values.count - 1, below + 1)
    return values[below] + (position - Double(below)) * (values[above] - values[below])
  }
}
