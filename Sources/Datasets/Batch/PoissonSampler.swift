/// Takes or leaves each candidate by an independent coin: the sampling that the privacy accountants
/// assume.
///
/// Batches have no fixed size, and an empty batch is an ordinary one.
public struct PoissonSampler: Hashable, Sendable {
  /// Chance of each candidate, 0...1.
  public let probability: Double
  /// Candidates.
  public let candidateCount: Int

  /// A sampler.
  ///
  /// `probability` is a number of 0...1.
  public init(probability: Double, candidateCount: Int) {
    precondition(probability >= 0 && probability <= 1, "a probability is a number of 0...1")
    precondition((0...Int(Int32.max)).contains(candidateCount), "candidates are counted in 31 bits")
    self.probability = probability
    self.candidateCount = candidateCount
  }

  /// One draw, in ascending order.
  ///
  /// Uses one number of `source` per candidate, unless the probability is 1. Private training must
  /// pass a cryptographic source: the guarantee requires unpredictable coins.
  ///
  /// A candidate is taken when its number is below floor(probability · 2^64). For probabilities of
  /// 2^-12 and more that product is whole, so the chance is exactly `probability`; below, the
  /// chance is smaller by less than 2^-64, which can only lower the privacy loss.
  public func draw(using source: inout some RandomNumberGenerator) -> [Int32] {
    guard probability < 1 else { return (0..<candidateCount).map(Int32.init) }
    let threshold = Self.threshold(for: probability)
    var taken: [Int32] = []
    taken.reserveCapacity(Int(Double(candidateCount) * probability * 1.25) + 64)
    for candidate in 0..<candidateCount where source.next() < threshold {
      taken.append(Int32(candidate))
    }
    return taken
  }

  /// floor(probability · 2^64), for a probability below 1: scaling by a power of two is exact.
  static func threshold(for probability: Double) -> UInt64 {
    UInt64((probability * 0x1p64).rounded(.down))
  }
}
