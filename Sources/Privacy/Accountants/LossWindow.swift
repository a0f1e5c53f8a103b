import Glibc

/// The part of a history's privacy loss that determines the answer.
///
/// The mass of loss L_j is `masses[j]`·exp(`logScale` − λ·L_j). Both functions sum (1 −
/// e^{ε−L})·mass over L > ε, from the top down, plus the mass above the window.
struct LossWindow {
  let firstIndex: Int
  let spacing: Double
  /// λ, above 0.
  let exponent: Double
  /// ln E[e^{λL}].
  let logScale: Double
  /// Tilted masses.
  let masses: [Double]
  /// ln of the mass above the window, relative to `logScale`.
  let logAbove: Double
  /// The mass of infinite loss, at most.
  let infiniteMass: Double

  /// The number of losses that were added.
  let stepCount: Double

  /// Rounding relative to the answer: powers of a spectrum lose a few units in the last place per
  /// step, and the answer is at least about 1e-3 of the tilted mass.
  private var rounding: Double { 1e-9 + stepCount * 1e-15 * 1e3 }

  /// An upper bound on epsilon at `delta`, never below 0.
  func epsilon(atDelta delta: Double) -> Double {
    let target = delta * (1 - rounding) - infiniteMass
    guard target > 0 else { return .infinity }
    var tail = Tail(self, center: reference(log(target)))
    // ln of delta in the units of the tail: masses relative to e^{logScale − λ·center}.
    let scaled = exp(log(target) - logScale + exponent * tail.center)
    let above = exp(logAbove + exponent * tail.center)
    guard above < scaled else { return .infinity }
    for j in stride(from: masses.count - 1, through: 0, by: -1) {
      guard tail.add(j) else { return max(0, loss(j)) }
      let floor = loss(j - 1)
      if above + tail.mass - exp(floor - tail.center) * tail.discounted > scaled {
        // Between two grid points the masses above do not change: solve for epsilon.
        let epsilon = tail.center + log((above + tail.mass - scaled) / tail.discounted)
        return max(0, min(epsilon, loss(j)))
      }
      if floor <= 0 { return 0 }
    }
    return max(0, loss(-1))
  }

  /// An upper bound on delta at `epsilon`, at most 1.
  func delta(atEpsilon epsilon: Double) -> Double {
    var tail = Tail(self, center: epsilon)
    for j in stride(from: masses.count - 1, through: 0, by: -1) {
      if loss(j) <= epsilon { break }
      guard tail.add(j) else { return 1 }
    }
    // The two parts have separate scales: if epsilon is above every loss, the tilt is extreme.
    let inside = exp(logScale - exponent * epsilon) * max(0, tail.mass - tail.discounted)
    let delta = (inside + exp(logScale + logAbove)) * (1 + rounding)
    return min(1, delta + infiniteMass)
  }

  private func loss(_ j: Int) -> Double { Double(firstIndex + j) * spacing }

  /// A loss near the answer, from the Chernoff bound: keeps exponentials in range.
  private func reference(_ logDelta: Double) -> Double { (logScale - logDelta) / exponent }

  /// Running sums from the top of the window downwards.
  private struct Tail {
    let window: LossWindow
    let center: Double
    /// Σ mass.
    var mass = 0.0
    /// Σ mass·e^{center − L}.
    var discounted = 0.0

    init(_ window: LossWindow, center: Double) {
      self.window = window
      self.center = center
    }

    /// Adds grid point j; false when it is so far below the centre that no Double can hold it.
    mutating func add(_ j: Int) -> Bool {
      let tilted = window.masses[j]
      if tilted == 0 { return true }
      let distance = window.loss(j) - center
      let power = -window.exponent * distance
      guard power < 690, power - distance < 690 else { return false }
      let untilted = tilted * exp(power)
      mass += untilted
      discounted += untilted * exp(-distance)
      return true
    }
  }
}

/// Minimising a function of one variable that falls and then rises.
enum LineSearch {
  /// An argument near the minimum.
  ///
  /// Any result is usable: callers only lose sharpness.
  static func minimum(
    near start: Double, step: Double, tolerance: Double, within range: ClosedRange<Double>,
    _ objective: (Double) -> Double
  ) -> Double {
    var middle = min(max(start, range.lowerBound), range.upperBound)
    var value = objective(middle)
    var stride = step
    // Walk downhill, doubling the stride, until a three-point bracket is found.
    var direction = 1.0
    var opposite = false
    var before = middle
    while true {
      let next = min(max(middle + direction * stride, range.lowerBound), range.upperBound)
      let found = next == middle ? .infinity : objective(next)
      if found < value {
        (before, middle, value) = (middle, next, found)
        stride *= 1.6
        opposite = true
        continue
      }
      if !opposite {
        (opposite, direction, before, stride) = (true, -1, next, step)
        continue
      }
      return golden(min(before, next), middle, max(before, next), value, tolerance, objective)
    }
  }

  private static func golden(
    _ low: Double, _ start: Double, _ high: Double, _ startValue: Double, _ tolerance: Double,
    _ objective: (Double) -> Double
  ) -> Double {
    let ratio = 0.381966011250105  // (3 − √5)/2
    var (low, middle, high, value) = (low, start, high, startValue)
    while high - low > tolerance {
      let goesRight = high - middle > middle - low
      let next = goesRight ? middle + ratio * (high - middle) : middle - ratio * (middle - low)
      let found = objective(next)
      if found < value {
        if goesRight { low = middle } else { high = middle }
        (middle, value) = (next, found)
      } else if goesRight {
        high = next
      } else {
        low = next
      }
    }
    return middle
  }
}
