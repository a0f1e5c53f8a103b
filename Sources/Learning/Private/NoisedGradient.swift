public import Compute
public import Privacy

/// A gradient protected by noise: everything computed from it alone may be released.
public struct NoisedGradient: ~Copyable {
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

extension PrivateNetwork {
  /// The gradient of private examples through a mechanism: clipped, summed and noised in the
  /// mechanism's way, for which its event is charged.
  public func noisedGradient(
    over examples: PrivateExamples, loss: some Loss, _ mechanism: SubsampledGaussian,
    noise: NoiseStream, in pass: Pass
  ) -> NoisedGradient {
    switch mechanism.noise {
    case .gaussian:
      clippedSum(over: examples, loss: loss, mechanism, in: pass).noised(by: noise)
    case .discreteGaussian:
      clippedGridSum(over: examples, loss: loss, mechanism, in: pass).noised(by: noise)
    }
  }
}
