/// Draws the batches of one run from its snapshot.
///
/// It deliberately offers no shuffled or fixed-size batches, because the accountants do not cover them.
public struct BatchSampler: Sendable {
  /// The source of the images.
  public let snapshot: DatasetSnapshot
  /// The images of each unit; nil if each image is its own unit.
  private let imagesByUnit: [[Int32]]?

  /// Creates a sampler over the units of privacy of `snapshot`.
  public init(_ snapshot: DatasetSnapshot) {
    self.snapshot = snapshot
    imagesByUnit = snapshot.privacyUnit == .folder ? snapshot.imagesByUnit() : nil
  }

  /// Draws the batch of one step, possibly empty: an independent coin toss for every unit of privacy, with all
  /// images of a unit together.
  ///
  /// - Parameters:
  ///   - probability: the sampling probability of each unit, 0...1.
  ///   - source: the random source; cryptographic if training is private.
  public func draw(probability: Double, using source: inout some RandomNumberGenerator) -> Batch {
    let units = PoissonSampler(probability: probability, candidateCount: snapshot.unitCount)
      .draw(using: &source)
    guard let imagesByUnit else { return Batch(snapshot: snapshot, images: units) }
    return Batch(snapshot: snapshot, images: units.flatMap { imagesByUnit[Int($0)] })
  }
}
