public import Compute
import Privacy

/// The sum of clipped gradients of private examples: private until noised.
///
/// It cannot be copied, read or scaled; its only way out is `noised(by:)`. Scaling before the noise
/// would change the sensitivity that the noise is calibrated to.
public struct ClippedSum: ~Copyable {
  private let sum: Tensor
  private let mechanism: SubsampledGaussian
  private let machine: Machine

  init(of sum: Tensor, mechanism: SubsampledGaussian, machine: Machine) {
    self.sum = sum
    self.mechanism = mechanism
    self.machine = machine
  }

  /// Adds normal noise of standard deviation noiseMultiplier·clipNorm to every element, then
  /// divides by the plan's nominal batch size, a public constant.
  public consuming func noised(by noise: NoiseStream) -> PrivateGradient {
    noise.addGaussian(
      to: sum, standardDeviation: mechanism.noiseMultiplier * mechanism.clipNorm)
    machine.scale(sum, by: Float(1 / Double(mechanism.nominalBatchSize)))
    return PrivateGradient(values: sum)
  }
}

/// A gradient that noise protects: everything computed from it alone is free to leave.
public struct PrivateGradient: ~Copyable {
  /// All parameters' gradient, flat; it may be added to and scaled.
  public let values: Tensor
}
