import Testing

@testable import Learning

/// The factor of a contribution is never too large, regardless of rounding.
@Suite struct ClipWeightsTests {
  @Test func weightTimesNormNeverExceedsTheClipNorm() {
    for exponent in stride(from: -30.0, through: 38, by: 0.37) {
      for clipNorm in [1e-3, 0.1, 1.0, 7.3] {
        let norm = Double.exp10(exponent)
        let weight = Double(ClipWeights.weight(norm: norm, clipNorm: clipNorm))
        #expect(weight <= 1)
        // The norm itself may be too small by the error of single precision.
        #expect(weight * norm * (1 + 0x1p-13) <= clipNorm * (1 + 0x1p-52) || weight == 1)
        if weight == 1 { #expect(norm * (1 + 0x1p-13) <= clipNorm) }
        if norm > clipNorm, norm < 1e30 { #expect(weight * norm > clipNorm * (1 - 0x1p-12)) }
      }
    }
  }

  @Test func onlyFiniteNormsAreUsable() {
    #expect(ClipWeights.isUsable(0))
    #expect(ClipWeights.isUsable(1e38))
    for norm in [1e39, .infinity, .nan, Double.greatestFiniteMagnitude] {
      #expect(!ClipWeights.isUsable(norm))
    }
  }

  @Test func unitsNormBoundsTheSumOfItsGradients() {
    let norms = ClipWeights.unitNorms(squaredNorms: [9, 16, 1, 4, 0], units: [7, 7, 2, 3, 3])
    #expect(norms == [7, 7, 1, 2, 2])
    #expect(ClipWeights.unitNorms(squaredNorms: [9, 16], units: nil) == [3, 4])
  }

  /// Rounding in the Gram form can make a squared norm negative; such a norm is not usable.
  @Test func negativeSquareIsNotUsable() {
    let norms = ClipWeights.unitNorms(squaredNorms: [-1e-9], units: nil)
    #expect(!ClipWeights.isUsable(norms[0]))
  }
}

extension Double {
  fileprivate static func exp10(_ exponent: Double) -> Double {
    let whole = exponent.rounded(.down)
    var result = 1.0
    for _ in 0..<Int(abs(whole)) { result *= whole < 0 ? 0.1 : 10 }
    return result * (1 + 9 * (exponent - whole))
  }
}
