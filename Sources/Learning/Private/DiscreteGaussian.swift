import Compute

/// An exact sampler of the discrete Gaussian: integers x with probability in proportion to
/// exp(−x² / 2σ²), for a whole σ.
///
/// It follows Canonne, Kamath and Steinke (arXiv 2004.00010, algorithms 1 to 3): proposals from a
/// discrete Laplace distribution, accepted by coins with probability exp(−fraction). Every coin
/// comes from whole random numbers, so no rounding of floats can reveal the data. The number of
/// coins varies: an observer who can time the sampler learns something about the noise.
struct DiscreteGaussian {
  /// σ, from 1 to 2³⁰.
  let scale: UInt64

  init(scale: UInt64) {
    precondition(scale >= 1 && scale <= 1 << 30, "discrete Gaussian of scale \(scale)")
    self.scale = scale
  }

  /// Draws one number.
  func sample(from noise: NoiseStream) -> Int {
    var coins = ExactCoins(noise: noise)
    while true {
      // Algorithm 3 with t = σ: accept with probability exp(−(|y| − σ²/t)² / 2σ²).
      let (magnitude, isNegative) = laplace(&coins)
      let distance = UInt128(magnitude > scale ? magnitude - scale : scale - magnitude)
      let accepted = coins.flipExponential(
        minus: distance * distance, over: 2 * scale * scale)
      if accepted { return isNegative ? -Int(magnitude) : Int(magnitude) }
    }
  }

  /// Draws from the discrete Laplace distribution, exp(−|y| / σ) (algorithm 2).
  private func laplace(_ coins: inout ExactCoins) -> (magnitude: UInt64, isNegative: Bool) {
    while true {
      let part = coins.uniform(below: scale)
      guard coins.flipExponential(minus: UInt128(part), over: scale) else { continue }
      var wholes: UInt64 = 0
      while coins.flipExponential(minus: 1, over: 1) { wholes += 1 }
      let magnitude = part + scale * wholes
      let isNegative = coins.uniform(below: 2) == 1
      // Zero is accepted with one sign only.
      if magnitude > 0 || !isNegative { return (magnitude, isNegative) }
    }
  }
}

/// Coins with exact probabilities.
struct ExactCoins {
  var noise: NoiseStream

  /// A uniform whole number below `bound`; a bound of one uses no randomness.
  mutating func uniform(below bound: UInt64) -> UInt64 {
    bound == 1 ? 0 : noise.next(upperBound: bound)
  }

  /// Returns true with probability exp(−numerator / denominator) (algorithm 1).
  mutating func flipExponential(minus numerator: UInt128, over denominator: UInt64) -> Bool {
    let (wholes, rest) = numerator.quotientAndRemainder(dividingBy: UInt128(denominator))
    var left = wholes
    while left > 0 {
      guard flipExponential(minusFraction: 1, over: 1) else { return false }
      left -= 1
    }
    return flipExponential(minusFraction: UInt64(rest), over: denominator)
  }

  /// Returns true with probability exp(−γ), γ = numerator / denominator at most one: the number of
  /// successes in a row of coins with probabilities γ/1, γ/2, γ/3, … is even with that probability.
  private mutating func flipExponential(
    minusFraction numerator: UInt64, over denominator: UInt64
  ) -> Bool {
    var round: UInt64 = 1
    while uniform(below: denominator) < numerator, uniform(below: round) == 0 { round += 1 }
    return round % 2 == 1
  }
}
