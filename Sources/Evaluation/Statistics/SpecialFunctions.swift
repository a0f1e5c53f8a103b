import Glibc

/// Special functions for confidence intervals.
enum SpecialFunctions {
  /// The regularised incomplete beta function I_x(a, b), by Lentz's continued fraction
  /// (NIST Digital Library of Mathematical Functions, 8.17.22).
  static func regularizedBeta(_ x: Double, _ a: Double, _ b: Double) -> Double {
    if x <= 0 { return 0 }
    if x >= 1 { return 1 }
    // The fraction converges fast below the mean; above it, use the symmetry.
    if x > (a + 1) / (a + b + 2) { return 1 - regularizedBeta(1 - x, b, a) }
    let logFront =
      lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x)
    return exp(logFront) / (a * betaFraction(x, a, b))
  }

  /// 1 + d₁/(1 + d₂/(1 + …)), whose coefficients alternate between two forms.
  private static func betaFraction(_ x: Double, _ a: Double, _ b: Double) -> Double {
    let tiny = 1e-300
    var value = 1.0
    var numerator = 1.0
    var denominator = 0.0
    for index in 1...10_000 {
      let step = Double(index / 2)
      let coefficient =
        index % 2 == 0
        ? step * (b - step) * x / ((a + 2 * step - 1) * (a + 2 * step))
        : -(a + step) * (a + b + step) * x / ((a + 2 * step) * (a + 2 * step + 1))
      denominator = 1 + coefficient * denominator
      denominator = 1 / (abs(denominator) < tiny ? tiny : denominator)
      numerator = 1 + coefficient / numerator
      if abs(numerator) < tiny { numerator = tiny }
      let change = numerator * denominator
      value *= change
      if abs(change - 1) < 1e-15 { break }
    }
    return value
  }

  /// The x with I_x(a, b) = probability.
  static func betaQuantile(_ probability: Double, _ a: Double, _ b: Double) -> Double {
    var low = 0.0
    var high = 1.0
    for _ in 0..<200 where high - low > 1e-16 * high {
      let middle = (low + high) / 2
      if regularizedBeta(middle, a, b) < probability { low = middle } else { high = middle }
    }
    return (low + high) / 2
  }

  /// The quantile of Student's t distribution, for a probability of at least one half.
  static func studentQuantile(_ probability: Double, degreesOfFreedom: Int) -> Double {
    let freedom = Double(degreesOfFreedom)
    // P(T > t) = I_x(ν/2, 1/2) / 2 with x = ν / (ν + t²).
    let x = betaQuantile(2 * (1 - probability), freedom / 2, 0.5)
    return (freedom * (1 - x) / x).squareRoot()
  }

  /// The distribution function of the standard normal.
  static func normalDistribution(_ x: Double) -> Double {
    erfc(-x / 2.0.squareRoot()) / 2
  }

  /// The quantile of the standard normal.
  static func normalQuantile(_ probability: Double) -> Double {
    var low = -40.0
    var high = 40.0
    for _ in 0..<200 {
      let middle = (low + high) / 2
      if normalDistribution(middle) < probability { low = middle } else { high = middle }
    }
    return (low + high) / 2
  }
}
