public import Compute
public import Privacy

/// The sum of clipped gradients in whole steps of a grid; private until noised, like `ClippedSum`.
///
/// This is the hardened mode. Sum and noise are exact integers, so they do not depend on the order
/// of examples, on threads or on micro-batches, and the low bits of floats reveal nothing (Mironov
/// 2012; arXiv 2112.05307). Its discrete Gaussian noise obeys the Rényi bound of the continuous
/// noise with the same multiplier (Canonne, Kamath and Steinke, arXiv 2004.00010), so its epsilon
/// must be computed by the Rényi accountant.
public struct ClippedGridSum: ~Copyable {
  private let sum: [Int]
  private let grid: NoiseGrid
  private let target: GradientBuffer
  private let divisor: Int

  init(of sum: [Int], grid: NoiseGrid, target: GradientBuffer, divisor: Int) {
    self.sum = sum
    self.grid = grid
    self.target = target
    self.divisor = divisor
  }

  /// Adds discrete Gaussian noise of standard deviation noiseMultiplier·clipNorm, in whole steps and
  /// rounded up, to every element, then divides by the plan's nominal batch size.
  public consuming func noised(by noise: NoiseStream) -> NoisedGradient {
    let gaussian = DiscreteGaussian(scale: grid.noiseScale)
    for index in sum.indices {
      let steps = sum[index] + gaussian.sample(from: noise)
      target.values.pointer[index] = Float(Double(steps) * grid.step / Double(divisor))
    }
    return NoisedGradient(buffer: target)
  }
}

extension PrivateNetwork {
  /// The clipped gradients of private examples, summed in whole steps of a grid.
  ///
  /// Like `clippedSum`, with one pass per unit: exact, but several times slower.
  public func clippedGridSum(
    over examples: PrivateExamples, loss: some Loss, _ mechanism: SubsampledGaussian,
    in pass: Pass
  ) -> ClippedGridSum {
    guard let grid = mechanism.grid else {
      preconditionFailure("a mechanism with continuous noise has no grid")
    }
    var sum = [Int](repeating: 0, count: parameters.count)
    forEachUnit(of: examples.source, loss, clipNorm: mechanism.clipNorm, in: pass) { contribution in
      grid.add(contribution, to: &sum)
    }
    return ClippedGridSum(
      of: sum, grid: grid, target: takeBuffer(), divisor: mechanism.nominalBatchSize)
  }
}
