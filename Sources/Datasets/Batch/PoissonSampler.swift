/// Selects each candidate by an independent coin toss, as the privacy accountants assume.
///
/// Batches have no fixed size, and an empty batch is valid.
public struct PoissonSampler: Hashable, Sendable {
  /// The sampling probability of each candidate, 0...1.
  public let probability: Double
  /// The number of candidates.
  public let candidateCount: Int

  /// Creates a sampler; `probability` must be in 0...1.
  public init(probability: Double, candidateCount: Int) {
    precondition(probability >= 0 && probability <= 1, "a probability is a number of 0...1")
    precondition((0...Int(Int32.max)).contains(candidateCount), "candidates are counted in 31 bits")
    self.probability = probability
    self.candidateCount = candidateCount
  }

  /// Draws the selected candidates, in ascending order.
  ///
  /// Uses one number of `source` per candidate, unless the probability is 1. Private training must pass a
  /// cryptographic source, because the guarantee requires unpredictable coin tosses.
  ///
  /// A candidate is selected if its number is below floor(probability · 2^64). For probabilities of at least
  /// 2^-12 that product is a whole number, so the sampling probability is exact. Below, it is smaller by less
  /// than 2^-64, which can only lower the privacy loss.
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
