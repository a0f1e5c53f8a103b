import Compute
import Privacy

/// Sums in whole steps of a grid, with the noise of a mechanism.
extension SubsampledGaussian {
  /// The grid on which sums are exact, for either kind of noise.
  var sumGrid: NoiseGrid {
    if let grid { return grid }
    // The step follows from the clip norm alone, so any multiplier gives the same.
    guard let grid = try? NoiseGrid(clipNorm: clipNorm, noiseMultiplier: 1) else {
      preconditionFailure("a grid holds noise of one clip norm")
    }
    return grid
  }

  /// A sum in whole steps of `grid`, with noise on every number, in the units of the clip norm.
  func noised(_ sum: [Int], in grid: NoiseGrid, noise source: NoiseStream) -> [Double] {
    switch noise {
    case .gaussian:
      let arena = Arena()
      let drawn = arena.make(Shape(sum.count))
      drawn.fill(0)
      source.addGaussian(to: drawn, standardDeviation: noiseStandardDeviation)
      // In double: rounding the sum to a float before the noise would move it by more than one unit may.
      return sum.indices.map { rounded(Double(sum[$0]) * grid.step + Double(drawn.pointer[$0])) }
    case .discreteGaussian:
      let gaussian = DiscreteGaussian(scale: grid.noiseScale)
      return sum.map { Double($0 + gaussian.sample(from: source)) * grid.step }
    }
  }

  /// A number in steps of about a thousandth of the noise.
  ///
  /// Noise is drawn as floats, whose spacing grows with their size: without this, the low bits of a result would
  /// be those of the private sum. Steps this large are thousands of spacings wide.
  private func rounded(_ value: Double) -> Double {
    let step = Double(
      sign: .plus, exponent: noiseStandardDeviation.exponent - 10, significand: 1)
    return (value / step).rounded() * step
  }
}
