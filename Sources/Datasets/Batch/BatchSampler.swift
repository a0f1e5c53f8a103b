/// Draws the batches of one run from its snapshot.
///
/// There is no shuffled or fixed-size form on purpose: the accountants do not cover it.
public struct BatchSampler: Sendable {
  /// Where the images come from.
  public let snapshot: DatasetSnapshot
  /// The images of each unit; nil when each image is its own unit.
  private let imagesByUnit: [[Int32]]?

  /// A sampler over the units of privacy of `snapshot`.
  public init(_ snapshot: DatasetSnapshot) {
    self.snapshot = snapshot
    imagesByUnit = snapshot.privacyUnit == .folder ? snapshot.imagesByUnit() : nil
  }

  /// The batch of one step, possibly empty: an independent coin for every unit of privacy, all images
  /// of a unit together.
  ///
  /// - Parameters:
  ///   - probability: chance of each unit, 0...1.
  ///   - source: a cryptographic stream, when training is private.
  public func draw(probability: Double, using source: inout some RandomNumberGenerator) -> Batch {
    let units = PoissonSampler(probability: probability, candidateCount: snapshot.unitCount)
      .draw(using: &source)
    guard let imagesByUnit else { return Batch(snapshot: snapshot, images: units) }
    return Batch(snapshot: snapshot, images: units.flatMap { imagesByUnit[Int($0)] })
  }
}
