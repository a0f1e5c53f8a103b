import Compute
import Privacy

extension NoiseGrid {
  /// Adds a contribution, clipped in single precision, to a sum in whole steps.
  ///
  /// Truncation moves every number towards zero, so it lengthens no contribution. The bound holds
  /// in integers: if rounding of floats left the norm above it, the contribution is shortened until
  /// it complies. A contribution that is not finite is left out.
  func add(_ contribution: Tensor, to sum: inout [Int]) {
    add(contribution, to: &sum, blocks: [0], of: sum.count)
  }

  /// The same for a contribution to some blocks of a sum, which lie one after another in it.
  func add(_ contribution: Tensor, to sum: inout [Int], blocks: [Int], of size: Int) {
    precondition(contribution.count == blocks.count * size, "a contribution fills its blocks")
    guard let factor = factor(for: contribution) else { return }
    for (place, block) in blocks.enumerated() {
      for index in 0..<size {
        sum[block * size + index] += whole(contribution.pointer[place * size + index], factor)
      }
    }
  }

  /// The factor that brings a contribution to whole steps within the sensitivity; nil if it is not finite.
  private func factor(for contribution: Tensor) -> Double? {
    // Squares of floats do not overflow here, so the norm is finite exactly when all numbers are.
    let norm = contribution.buffer.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
    guard norm.isFinite else { return nil }
    var factor = min(1 / step, Double(sensitivity) / norm)
    while !isWithinSensitivity(contribution, factor: factor) { factor *= 1 - 0x1p-20 }
    return factor
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
