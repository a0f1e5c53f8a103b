import Compute
import Privacy

extension NoiseGrid {
  /// Adds a contribution, clipped in single precision, to a sum in whole steps.
  ///
  /// Truncation moves every number towards zero, so it lengthens no contribution. The bound holds
  /// in integers: if rounding of floats left the norm above it, the contribution is shortened until
  /// it complies. A contribution that is not finite is left out.
  func add(_ contribution: Tensor, to sum: inout [Int]) {
    // Squares of floats do not overflow here, so the norm is finite exactly when all numbers are.
    let norm = contribution.buffer.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
    guard norm.isFinite else { return }
    var factor = min(1 / step, Double(sensitivity) / norm)
    while !isWithinSensitivity(contribution, factor: factor) { factor *= 1 - 0x1p-20 }
    for index in sum.indices { sum[index] += whole(contribution.pointer[index], factor) }
  }

  private func isWithinSensitivity(_ contribution: Tensor, factor: Double) -> Bool {
    var squares: UInt128 = 0
    for value in contribution.buffer {
      let steps = abs(Double(value) * factor)
      // Beyond every bound, and perhaps beyond Int.
      guard steps < 0x1p31 else { return false }
      squares += UInt128(UInt64(steps) * UInt64(steps))
    }
    return squares <= UInt128(sensitivity) * UInt128(sensitivity)
  }

  private func whole(_ value: Float, _ factor: Double) -> Int {
    Int((Double(value) * factor).rounded(.towardZero))
  }
}
