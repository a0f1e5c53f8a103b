import Glibc

/// The privacy loss of a whole history in one direction: the sum of independent discrete losses.
///
/// The sum is computed by Fourier transform *after tilting*: every mass p at loss L becomes
/// p·e^{λL}/E[e^{λL}], with λ chosen so that the centre of the sum is near the answer. Rounding is
/// then relative to the answer (as in a saddlepoint approximation, but exact), so deltas of 1e-12
/// over 100,000 steps keep their digits, and only a window of the loss around the answer must be
/// represented. The mass above the window is bounded (Chernoff) and added to delta; mass that wraps
/// around from below only makes delta larger.
struct ComposedLoss {
  /// The tilt and the exponents of the bounds on the mass outside the window.
  struct Tilt {
    /// λ.
    var exponent: Double
    /// Distance from λ of the exponent that bounds the mass above the window.
    var above: Double
    /// Distance from λ of the exponent that bounds the mass below the window.
    var below: Double
  }

  /// The tilted mass outside the window, on either side.
  ///
  /// Relative to the answer it is larger by the answer's inverse share of the tilted mass, at most
  /// about 1e3.
  private static let logOutside = log(1e-11)

  let terms: [(loss: DiscreteLoss, times: Double)]
  let spacing: Double
  private let logMasses: [[Double]]

  init(_ terms: [(loss: DiscreteLoss, times: Int)], spacing: Double) {
    self.terms = terms.map { ($0.loss, Double($0.times)) }
    self.spacing = spacing
    logMasses = terms.map { $0.loss.masses.map { $0 > 0 ? log($0) : -.infinity } }
  }

  /// ln E[e^{λL}] of the sum, without the infinite part.
  func logMoment(_ exponent: Double) -> Double {
    var sum = 0.0
    for (index, term) in terms.enumerated() {
      sum += term.times * logMoment(exponent, of: index)
    }
    return sum
  }

  private func logMoment(_ exponent: Double, of index: Int) -> Double {
    let rate = exponent * spacing
    let first = Double(terms[index].loss.firstIndex)
    return logMasses[index].withUnsafeBufferPointer { masses in
      var largest = -Double.infinity
      for i in masses.indices {
        largest = max(largest, masses[i] + rate * (first + Double(i)))
      }
      guard largest.isFinite else { return largest }
      var sum = 0.0
      for i in masses.indices {
        let power = masses[i] + rate * (first + Double(i)) - largest
        if power > -60 { sum += exp(power) }
      }
      return largest + log(sum)
    }
  }

  /// The mass that some term declares infinite, at most.
  private var infiniteMass: Double {
    terms.reduce(0) { $0 + $1.times * $1.loss.infiniteMass }
  }

  /// The tilt for the question "which epsilon at this delta", starting from a guess of λ.
  func tilt(forDelta delta: Double, near guess: Double) -> Tilt {
    let logDelta = log(delta)
    return tilt(near: guess) { exponent in
      (logMoment(exponent) + Self.conversion(exponent) - logDelta) / exponent
    }
  }

  /// The tilt for the question "which delta at this epsilon".
  func tilt(forEpsilon epsilon: Double, near guess: Double) -> Tilt {
    tilt(near: guess) { exponent in
      logMoment(exponent) + Self.conversion(exponent) - exponent * epsilon
    }
  }

  /// λ·ln λ − (1+λ)·ln(1+λ): from a moment to a delta (arXiv 2004.00010).
  private static func conversion(_ exponent: Double) -> Double {
    exponent * log(exponent) - (1 + exponent) * log1p(exponent)
  }

  private func tilt(near guess: Double, _ objective: (Double) -> Double) -> Tilt {
    // Half of the exponent that centres the sum on the answer. With the full exponent, rare large
    // losses (small noise on small samples) would be tilted until they dominate, and the window
    // would have to hold sums of several; with half of it, the answer is still about delta^(1/4) of
    // the tilted mass, above 1e-3 for every delta allowed.
    let exponent =
      0.5
      * exp(
        LineSearch.minimum(near: log(guess), step: 0.5, tolerance: 0.05, within: -12...14) {
          objective(exp($0))
        })
    let center = logMoment(exponent)
    // ln of the distance: the bound is (K(λ+μ) − K(λ) − ln outside)/μ, and the same below.
    let above = LineSearch.minimum(
      near: log(exponent / 2), step: 0.7, tolerance: 0.1, within: -14...16
    ) { step in
      let distance = exp(step)
      return (logMoment(exponent + distance) - center - Self.logOutside) / distance
    }
    let below = LineSearch.minimum(
      near: log(exponent / 2), step: 0.7, tolerance: 0.1, within: -14...16
    ) { step in
      let distance = exp(step)
      return (logMoment(exponent - distance) - center - Self.logOutside) / distance
    }
    return Tilt(exponent: exponent, above: exp(above), below: exp(below))
  }

  /// The sum around its tilted centre; nil when it would need more than `limit` points.
  func window(_ tilt: Tilt, limit: Int) -> LossWindow? {
    let center = logMoment(tilt.exponent)
    let momentAbove = logMoment(tilt.exponent + tilt.above)
    let momentBelow = logMoment(tilt.exponent - tilt.below)
    let top = (momentAbove - center - Self.logOutside) / tilt.above
    let bottom = -(momentBelow - center - Self.logOutside) / tilt.below
    let width = (top - bottom) / spacing + 3
    guard width >= 1, width <= Double(limit), abs(bottom / spacing) < 1e15 else { return nil }
    var size = 64
    while Double(size) < width { size *= 2 }
    let first = Int((bottom / spacing).rounded(.down))
    // Mass above the window, relative to e^{K(λ)}, taken at the loss where the window ends.
    let end = Double(first + size) * spacing
    let logAbove = momentAbove - center - (tilt.exponent + tilt.above) * end
    return LossWindow(
      firstIndex: first, spacing: spacing, exponent: tilt.exponent, logScale: center,
      masses: convolved(tilt.exponent, size: size, firstIndex: first), logAbove: logAbove,
      infiniteMass: infiniteMass, stepCount: terms.reduce(0) { $0 + $1.times })
  }

  /// Tilted masses of the sum at indices `firstIndex`, `firstIndex + 1`, …, modulo `size`.
  private func convolved(_ exponent: Double, size: Int, firstIndex: Int) -> [Double] {
    let transform = FourierTransform(size: size)
    var productRe = [Double](repeating: 1, count: size)
    var productIm = [Double](repeating: 0, count: size)
    for (index, term) in terms.enumerated() {
      var re = folded(index, exponent, size: size)
      var im = [Double](repeating: 0, count: size)
      transform.forward(&re, &im)
      ComplexPower.multiply(&productRe, &productIm, by: re, im, times: Int(term.times))
    }
    transform.inverse(&productRe, &productIm)
    let offset = ((firstIndex % size) + size) % size
    return (0..<size).map { max(0, productRe[($0 + offset) & (size - 1)]) }
  }

  private func folded(_ index: Int, _ exponent: Double, size: Int) -> [Double] {
    var result = [Double](repeating: 0, count: size)
    let first = terms[index].loss.firstIndex
    let rate = exponent * spacing
    let normaliser = logMoment(exponent, of: index)
    for (i, logMass) in logMasses[index].enumerated() {
      let power = logMass + rate * Double(first + i) - normaliser
      if power > -700 { result[(((first + i) % size) + size) % size] += exp(power) }
    }
    return result
  }
}

/// Powers of spectra of real sequences.
private enum ComplexPower {
  /// product ← product · factor^times, pointwise.
  ///
  /// In bit-reversed order the conjugate of the frequency at p, for 2^b ≤ p < 2^(b+1), stands at
  /// 3·2^b − 1 − p: half of the powers are enough.
  static func multiply(
    _ productRe: inout [Double], _ productIm: inout [Double], by factorRe: [Double],
    _ factorIm: [Double], times: Int
  ) {
    for p in 0..<2 {
      (productRe[p], productIm[p]) = product(
        productRe[p], productIm[p], factorRe[p], factorIm[p], times)
    }
    var block = 2
    while block < productRe.count {
      for p in block..<(block + block / 2) {
        let (re, im) = product(productRe[p], productIm[p], factorRe[p], factorIm[p], times)
        let mirrored = 3 * block - 1 - p
        (productRe[p], productIm[p]) = (re, im)
        (productRe[mirrored], productIm[mirrored]) = (re, -im)
      }
      block *= 2
    }
  }

  /// (re + i·im)·(baseRe + i·baseIm)^times, by repeated squaring.
  @inline(__always)
  private static func product(
    _ re: Double, _ im: Double, _ baseRe: Double, _ baseIm: Double, _ times: Int
  ) -> (Double, Double) {
    var (re, im, baseRe, baseIm) = (re, im, baseRe, baseIm)
    var rest = times
    while rest > 0 {
      if rest & 1 == 1 { (re, im) = (re * baseRe - im * baseIm, re * baseIm + im * baseRe) }
      rest >>= 1
      (baseRe, baseIm) = (baseRe * baseRe - baseIm * baseIm, 2 * baseRe * baseIm)
      // Numbers this small vanish in the sum, and arithmetic on denormals is slow.
      if abs(baseRe) + abs(baseIm) < 1e-100 { return rest > 0 ? (0, 0) : (re, im) }
    }
    return (re, im)
  }
}
