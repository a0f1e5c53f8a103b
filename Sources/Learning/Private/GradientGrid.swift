import Compute
import Privacy

/// The grid of the hardened mode: gradients become whole multiples of a step.
///
/// The step is a power of two, so a multiple is exact in double precision. Truncation moves every
/// number towards zero, so it lengthens no contribution.
struct GradientGrid {
  /// Steps in a clip norm, at least: 2²⁰ makes truncation a millionth of the noise or less.
  static let resolution = 20

  /// The length of a step.
  let step: Double
  /// The largest norm of a unit's contribution, in whole steps.
  let sensitivity: Int
  /// The standard deviation of the noise in whole steps, rounded up.
  let noiseScale: UInt64

  /// Chooses the step of a mechanism.
  init(_ mechanism: SubsampledGaussian) {
    step = Double(
      sign: .plus, exponent: mechanism.clipNorm.exponent - Self.resolution, significand: 1)
    sensitivity = Int((mechanism.clipNorm / step).rounded(.down))
    let scale = (mechanism.noiseMultiplier * Double(sensitivity)).rounded(.up)
    precondition(
      scale <= 0x1p30, "a noise multiplier of \(mechanism.noiseMultiplier) is beyond the grid")
    noiseScale = UInt64(max(1, scale))
  }

  /// Adds a contribution, clipped in single precision, to a sum in whole steps.
  ///
  /// The bound holds in integers: where rounding of floats left the norm above it, the contribution
  /// is shortened until it is not. A contribution that is not finite is left out.
  func add(_ contribution: Tensor, to sum: inout [Int]) {
    guard contribution.isFinite else { return }
    let norm = contribution.buffer.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
    var factor = min(1 / step, Double(sensitivity) / norm)
    while !isWithinSensitivity(contribution, factor: factor) { factor *= 1 - 0x1p-20 }
    for index in sum.indices { sum[index] += whole(contribution.pointer[index], factor) }
  }

  private func isWithinSensitivity(_ contribution: Tensor, factor: Double) -> Bool {
    var squares: UInt128 = 0
    for value in contribution.buffer {
      let steps = abs(Double(value) * factor)
      // Beyond any bound, and perhaps beyond Int.
      guard steps < 0x1p31 else { return false }
      squares += UInt128(UInt64(steps) * UInt64(steps))
    }
    return squares <= UInt128(sensitivity) * UInt128(sensitivity)
  }

  private func whole(_ value: Float, _ factor: Double) -> Int {
    Int((Double(value) * factor).rounded(.towardZero))
  }
}
