import Glibc

/// Rényi divergence of one step of the Poisson-sampled Gaussian.
///
/// With w(z) = q·(exp((2z−1)/(2σ²)) − 1) the density of a step with the unit, relative to one
/// without it, is 1 + w, and the divergence of order α is ln E[(1+w)^α] / (α−1) over z ~ N(0, σ²)
/// (Mironov, Talwar, Zhang, arXiv 1908.10530; they show that the other direction is never larger).
/// Because E[w] = 0, the code computes E[(1+w)^α − 1 − αw]: the integrand is nowhere negative
/// (Bernoulli), so nothing cancels, and divergences of 1e-8 keep all their digits.
///
/// The discrete Gaussian has no larger divergence than the continuous one at any order (Canonne,
/// Kamath, Steinke, arXiv 2004.00010, Proposition 5). At whole orders the moment of its sampled
/// form is the same binomial sum over moments that are no larger, and the reflection that swaps the
/// two distributions, on which the statement about directions rests, maps the grid onto itself. So
/// whole orders are bounded by the same numbers, and the orders between by convexity.
enum RenyiDivergence {
  /// Covers rounding in sums of positive terms, so that the values stay upper bounds.
  private static let roundingAllowance = 1 + 1e-10

  /// Below this noise multiplier the integrals of fractional orders are bounded by their neighbours
  /// of whole order: an epsilon above 100 needs no digits.
  private static let smallestIntegrated = 0.06

  /// Divergences of one event at `orders`, each above 1; infinite where no Double can hold them.
  static func of(_ event: ElementaryEvent, orders: [Double]) -> [Double] {
    switch event {
    case .noise(let noise): sampledGaussian(noise, orders: orders)
    case .choice(let epsilon):
      orders.map { ChoiceLoss(epsilon: epsilon).divergence(order: $0) * roundingAllowance }
    }
  }

  /// Divergences at `orders`, each above 1; infinite where no Double can hold them.
  static func sampledGaussian(_ event: SampledNoise, orders: [Double]) -> [Double] {
    let deviation = event.noiseMultiplier
    if event.samplingProbability == 1 {
      return orders.map { $0 / (2 * deviation * deviation) * roundingAllowance }
    }
    var result = [Double](repeating: .infinity, count: orders.count)
    var fractional: [Int] = []
    for (index, order) in orders.enumerated() {
      if order == order.rounded(), order <= 4096 {
        result[index] = divergence(
          logExcess: logExcess(event, order: Int(order)), order: order)
      } else {
        fractional.append(index)
      }
    }
    if fractional.isEmpty { return result }
    if deviation < smallestIntegrated || event.noise == .discreteGaussian {
      for index in fractional { result[index] = interpolated(event, order: orders[index]) }
      return result
    }
    let excesses = SampledGaussianQuadrature(event, orders: fractional.map { orders[$0] })
      .logExcesses()
    for (index, excess) in zip(fractional, excesses) {
      result[index] = divergence(logExcess: excess, order: orders[index])
    }
    return result
  }

  /// An upper bound at a fractional order: the logarithm of E[(1+w)^α] is convex in α, so it lies
  /// below the chord between the whole orders on either side (order 1, where it is 0, included).
  private static func interpolated(_ event: SampledNoise, order: Double) -> Double {
    let (low, high) = (order.rounded(.down), order.rounded(.up))
    guard high <= 4096 else { return .infinity }
    let logMoment = { (order: Double) -> Double in
      order < 2
        ? 0
        : divergence(logExcess: logExcess(event, order: Int(order)), order: order) * (order - 1)
    }
    let share = order - low
    let value = ((1 - share) * logMoment(low) + share * logMoment(high)) / (order - 1)
    return value.isNaN ? .infinity : value
  }

  /// ln(1 + e^logExcess) / (order − 1).
  private static func divergence(logExcess: Double, order: Double) -> Double {
    let logMoment =
      logExcess > 40 ? logExcess + exp(-logExcess) : log1p(exp(logExcess))
    let value = logMoment / (order - 1) * roundingAllowance
    return value.isNaN ? .infinity : value
  }

  /// ln of E[(1+w)^α] − 1 for a whole α: the binomial theorem with the k = 0 and 1 terms gone,
  /// Σ_{k≥2} C(α,k) (1−q)^{α−k} q^k (exp(k(k−1)/(2σ²)) − 1).
  private static func logExcess(_ event: SampledNoise, order: Int) -> Double {
    let logIn = log(event.samplingProbability)
    let logOut = log1p(-event.samplingProbability)
    let inverseVariance = 1 / (event.noiseMultiplier * event.noiseMultiplier)
    var terms: [Double] = []
    terms.reserveCapacity(order)
    var logBinomial = log(Double(order))
    for k in 2...order {
      logBinomial += log(Double(order - k + 1) / Double(k))
      let exponent = Double(k) * Double(k - 1) / 2 * inverseVariance
      let logGrowth = exponent > 40 ? exponent : log(expm1(exponent))
      terms.append(logBinomial + Double(order - k) * logOut + Double(k) * logIn + logGrowth)
    }
    return logSumExp(terms)
  }

  private static func logSumExp(_ terms: [Double]) -> Double {
    let largest = terms.max() ?? -.infinity
    guard largest.isFinite else { return largest }
    return largest + log(terms.reduce(0) { $0 + exp($1 - largest) })
  }
}

/// The integral E[(1+w)^α − 1 − αw] for many fractional orders on one grid.
///
/// The trapezoidal rule converges exponentially here: the integrand is analytic in the strip
/// |Im z| < πσ², where 1 + w first vanishes, and falls like a Gaussian at both ends. The grid is
/// halved until two successive sums agree; the error of the finer one is about the square of
/// their difference.
private struct SampledGaussianQuadrature {
  private let deviation: Double
  private let probability: Double
  private let orders: [Double]
  /// ln of the largest value the integrand takes far out, per order: taken out of every term.
  private let scales: [Double]
  private let range: ClosedRange<Double>

  init(_ event: SampledNoise, orders: [Double]) {
    deviation = event.noiseMultiplier
    probability = event.samplingProbability
    self.orders = orders
    let variance = event.noiseMultiplier * event.noiseMultiplier
    let logIn = log(event.samplingProbability)
    scales = orders.map { max(0, $0 * ($0 - 1) / (2 * variance) + $0 * logIn) }
    // The mass sits within a few deviations of 0 and of α (order α tilts the mean by α).
    range = (-10 * deviation)...((orders.max() ?? 1) + 10 * deviation)
  }

  func logExcesses() -> [Double] {
    let variance = deviation * deviation
    // Below 1/100 of a deviation, the far hump at α is resolved for any width of the strip.
    var spacing = max(min(0.45 * deviation, 1.1 * variance), 0.01 * deviation)
    var sums = [Double](repeating: 0, count: orders.count)
    add(from: range.lowerBound, spacing: spacing, to: &sums)
    for _ in 0..<6 {
      var refined = sums
      add(from: range.lowerBound + spacing / 2, spacing: spacing, to: &refined)
      let settled = zip(sums, refined).allSatisfy { coarse, fine in
        abs(2 * coarse - fine) <= 1e-6 * fine
      }
      sums = refined
      spacing /= 2
      if settled { break }
    }
    let logUnit = log(spacing / (deviation * (2 * Double.pi).squareRoot()))
    return zip(sums, scales).map { log($0) + logUnit + $1 }
  }

  /// Adds the integrand at `start`, `start + spacing`, … to each order's sum.
  private func add(from start: Double, spacing: Double, to sums: inout [Double]) {
    let inverseVariance = 1 / (deviation * deviation)
    let attenuations = scales.map { exp(-$0) }
    let logIn = log(probability)
    var z = start
    var step = 0.0
    while z <= range.upperBound {
      let exponent = (z - 0.5) * inverseVariance
      let growth = exponent > 500 ? .infinity : probability * expm1(exponent)
      let logRatio =
        exponent > 40 ? logIn + exponent : log1p(growth)
      let gaussian = z * z / 2 * inverseVariance
      let density = exp(-gaussian)
      let shifted = exp(logRatio - gaussian)
      for (index, order) in orders.enumerated() {
        if abs(growth) * order < 0.02 {
          sums[index] += Self.smallExcess(growth, order) * density * attenuations[index]
        } else {
          let power = exp(order * logRatio - gaussian - scales[index])
          let linear = (order * shifted - (order - 1) * density) * attenuations[index]
          sums[index] += max(0, power - linear)
        }
      }
      step += 1
      z = start + step * spacing
    }
  }

  /// (1+w)^α − 1 − αw by its binomial series; |w|·α < 0.02 makes ten terms exact.
  private static func smallExcess(_ w: Double, _ order: Double) -> Double {
    var term = order * w
    var sum = 0.0
    var k = 1.0
    while k < 11 {
      term *= (order - k) / (k + 1) * w
      sum += term
      k += 1
    }
    return sum
  }
}
