public import Compute
import Privacy

/// The sum of clipped gradients of private examples: private until noised.
///
/// It cannot be copied, read or scaled; its only exit is `noised(by:)`. Scaling before the noise
/// would change the sensitivity for which the noise is calibrated.
public struct ClippedSum: ~Copyable {
  private let sum: GradientBuffer
  private let mechanism: SubsampledGaussian
  private let machine: Machine

  init(of sum: GradientBuffer, mechanism: SubsampledGaussian, machine: Machine) {
    self.sum = sum
    self.mechanism = mechanism
    self.machine = machine
  }

  /// Adds normal noise of standard deviation noiseMultiplier·clipNorm to every element, then
  /// divides by the plan's nominal batch size, a public constant.
  public consuming func noised(by noise: NoiseStream) -> PrivateGradient {
    noise.addGaussian(
      to: sum.values, standardDeviation: mechanism.noiseStandardDeviation, on: machine)
    machine.scale(sum.values, by: Float(1 / Double(mechanism.nominalBatchSize)))
    return PrivateGradient(buffer: sum)
  }
}

/// A gradient protected by noise: everything computed from it alone may be released.
public struct PrivateGradient: ~Copyable {
  let buffer: GradientBuffer

  /// All parameters' gradient, flat; it may be added to and scaled.
  ///
  /// The memory belongs to the private network, which reuses it after this gradient is destroyed.
  public var values: Tensor { buffer.values }
}

/// The memory of one gradient, beside the store's, which every pass overwrites.
final class GradientBuffer {
  let values: Tensor

  init(_ values: Tensor) {
    self.values = values
  }
}
