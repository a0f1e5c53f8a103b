import Glibc

/// Intervals of the standard normal distribution that are equally likely.
///
/// The edges are quantiles of that distribution, so they are public: no data set moves them.
public struct NormalBins: Hashable, Sendable {
  /// The number of bins.
  public let count: Int
  /// The lower end of each bin but the first, in ascending order.
  public let edges: [Double]
  /// The probability of a number below each end: 0, that of every edge, and 1.
  private let cumulative: [Double]

  /// Beyond this number, the distribution has less mass than double precision can tell from none.
  private static let furthest = 40.0
  /// Halvings of an interval, after which neighbouring numbers are left.
  private static let halvings = 70

  /// Divides the distribution into so many bins.
  ///
  /// The edges are in single precision, that of codes: whether a code is below an edge does not depend on rounding.
  public init(count: Int) {
    precondition((2...256).contains(count), "\(count) bins for a byte")
    self.count = count
    let edges = (1..<count).map { index in
      Double(
        Float(
          Self.quantile(
            Double(index) / Double(count), between: -Self.furthest, and: Self.furthest)))
    }
    self.edges = edges
    cumulative = [0] + edges.map(Self.cumulative) + [1]
  }

  /// The bin of a number: how many edges are not above it.
  ///
  /// NaN has bin 0.
  public func bin(of number: Double) -> Int {
    edges.reduce(0) { $0 + (number >= $1 ? 1 : 0) }
  }

  /// The number of a bin below which the part `fraction` of the bin's mass lies: with a uniform fraction, a number of
  /// the normal distribution within the bin.
  ///
  /// - Parameter fraction: from 0 up to, but not including, 1.
  public func number(in bin: Int, at fraction: Double) -> Float {
    let low = bin == 0 ? -Self.furthest : edges[bin - 1]
    let high = bin == count - 1 ? Self.furthest : edges[bin]
    let probability = cumulative[bin] + fraction * (cumulative[bin + 1] - cumulative[bin])
    let number = Float(Self.quantile(probability, between: low, and: high))
    // Rounding must not leave the bin.
    return max(Float(low), min(Float(high).nextDown, number))
  }

  /// The logarithm of the density of a number within its bin: that of the normal distribution, divided by the bin's
  /// mass.
  public func logDensity(of number: Double) -> Double {
    let bin = bin(of: number)
    return -(number * number + log(2 * .pi)) / 2 - log(cumulative[bin + 1] - cumulative[bin])
  }

  /// The distribution function of the standard normal.
  private static func cumulative(_ number: Double) -> Double {
    erfc(-number / 2.0.squareRoot()) / 2
  }

  /// The number below which a probability lies, by bisection.
  private static func quantile(
    _ probability: Double, between low: Double, and high: Double
  ) -> Double {
    var (low, high) = (low, high)
    for _ in 0..<halvings {
      let middle = (low + high) / 2
      if cumulative(middle) < probability { low = middle } else { high = middle }
    }
    return (low + high) / 2
  }
}
