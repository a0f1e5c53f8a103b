import Privacy

/// The factors that bound each unit's contribution to a sum of gradients.
enum ClipWeights {
  /// A bound on how much one additional unit changes the rounding of the others' sum, per unit, as
  /// a share of the clip norm.
  ///
  /// A sum of floats has an error of at most 2⁻²⁴ of the terms' norms for each addition that a term
  /// goes through. Micro-batches are added in double, so only the additions inside a micro-batch
  /// count: 16 on average if 32 examples are added in their order. One additional unit can change
  /// all errors of both sums: 2 · 16 · 2⁻²⁴ = 2⁻¹⁹. A convolution adds more terms, its positions,
  /// but their errors would all have to have the same sign. The largest measured value is a
  /// twentieth of this bound, for gradients that all point in one direction, in dense layers and
  /// convolutions, for batches of 64 to 4096.
  static let roundingShift = 0x1p-19

  /// The norm to which weights clip in a float sum: below the mechanism's clip norm by a factor
  /// that depends only on the plan, so that a unit and its effect on rounding stay within that
  /// norm.
  static func clipNorm(of mechanism: SubsampledGaussian) -> Double {
    mechanism.clipNorm / (1 + roundingShift * Double(mechanism.nominalBatchSize))
  }

  /// Norms are rounded up by this factor before clipping.
  ///
  /// Gradients are computed in single precision: a blocked sum of K products has a relative error
  /// of a few times √K·2⁻²⁴, and 2⁻¹³ covers the longest sums of our layers.
  static let roundingMargin = 1 + 0x1p-13

  /// Returns, for each example, the norm of its gradient or, if several examples belong to one
  /// unit, the sum of their norms, which bounds the norm of their sum.
  static func unitNorms(squaredNorms: [Double], units: [Int]?) -> [Double] {
    guard let units else { return squaredNorms.map { $0.squareRoot() } }
    var norms = [Double](repeating: 0, count: squaredNorms.count)
    var start = 0
    while start < squaredNorms.count {
      var end = start + 1
      while end < units.count, units[end] == units[start] { end += 1 }
      let norm = squaredNorms[start..<end].reduce(0) { $0 + $1.squareRoot() }
      for index in start..<end { norms[index] = norm }
      start = end
    }
    return norms
  }

  /// Whether a gradient of this norm can be scaled at all, written so that NaN is refused.
  static func isUsable(_ norm: Double) -> Bool {
    norm < Double(Float.greatestFiniteMagnitude)
  }

  /// Returns min(1, C / n), rounded towards zero so that the product never exceeds the clip norm.
  static func weight(norm: Double, clipNorm: Double) -> Float {
    let bounded = norm * roundingMargin
    guard bounded > clipNorm else { return 1 }
    let exact = clipNorm / bounded
    let rounded = Float(exact)
    return Double(rounded) > exact ? rounded.nextDown : rounded
  }
}
