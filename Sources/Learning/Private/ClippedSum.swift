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
  public consuming func noised(by noise: NoiseStream) -> NoisedGradient {
    noise.addGaussian(
      to: sum.values, standardDeviation: mechanism.noiseStandardDeviation, on: machine)
    machine.scale(sum.values, by: Float(1 / Double(mechanism.nominalBatchSize)))
    return NoisedGradient(buffer: sum)
  }
}
