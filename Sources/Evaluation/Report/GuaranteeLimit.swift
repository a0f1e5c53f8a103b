import Glibc
import Privacy

// What an attack may find although a guarantee holds: (ε, δ) bounds how well anybody can tell whether a unit was in
// the data, and bounds nothing else.
extension Guarantee {
  /// The largest area under the curve of an attack on one unit.
  ///
  /// The true positive rate is at most e^ε times the false positive rate, plus δ, and the same holds for the rates of
  /// errors (Kairouz, Oh and Viswanath 2015, arXiv 1311.0776). The area below both lines is that of two trapezoids.
  var largestArea: Double {
    let crossing = (1 - delta) / (1 + exp(epsilon))
    let height = 1 - crossing
    return crossing * (delta + height) / 2 + (1 - delta - crossing) * (height + 1) / 2 + delta
  }

  /// Whether the guarantee can hold although an attack found what this ranking shows, with 99.9 % confidence for the area.
  ///
  /// A guarantee that protects nobody permits everything, so it excuses nothing.
  func permits(_ ranking: MembershipRanking) -> Bool {
    !strength.needsWarning && !hasLargeDelta && ranking.cautiousLowerBound <= largestArea
      && ranking.operations.allSatisfy {
        $0.interval.low <= exp(epsilon) * $0.falsePositiveRate + delta
      }
  }

  /// What to think of an attack that succeeds within the guarantee.
  var permissionWords: String {
    "The stated guarantee permits an area of up to \(Figures.text(largestArea)). Test images that differ from the training "
      + "images look like this too; try others."
  }
}
