/// The grid of the hardened mode: contributions and noise are whole multiples of a step.
///
/// The step is a power of two, so a multiple is exact in double precision.
public struct NoiseGrid: Hashable, Sendable {
  /// Steps in a clip norm, at least: 2²⁰ makes truncation a millionth of the noise or less.
  private static let resolution = 20
  /// The largest standard deviation of the noise in whole steps that is sampled exactly.
  private static let largestScale = 0x1p30

  /// The length of a step.
  public let step: Double
  /// The largest norm of a unit's contribution, in whole steps.
  public let sensitivity: Int
  /// The standard deviation of the noise in whole steps, rounded up.
  public let noiseScale: UInt64

  /// Chooses the step for a clip norm.
  ///
  /// - Throws: `PrivacyError.outOfRange` for more noise than is sampled exactly.
  public init(clipNorm: Double, noiseMultiplier: Double) throws(PrivacyError) {
    step = Double(sign: .plus, exponent: clipNorm.exponent - Self.resolution, significand: 1)
    sensitivity = Int((clipNorm / step).rounded(.down))
    let scale = (noiseMultiplier * Double(sensitivity)).rounded(.up)
    guard scale <= Self.largestScale else {
      let limit = (Self.largestScale / Double(sensitivity)).rounded(.down)
      throw .outOfRange(
        argument: "noise multiplier", value: "\(noiseMultiplier)",
        expected: "at most \(limit) with discrete Gaussian noise; a larger epsilon, fewer steps or "
          + "Gaussian noise is")
    }
    noiseScale = UInt64(max(1, scale))
  }
}
