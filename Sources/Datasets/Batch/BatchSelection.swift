/// Which images a step reads. There is no shuffled or fixed-size form on purpose: the accountants
/// do not cover it.
public enum BatchSelection: Hashable, Sendable, Codable {
  /// Each unit of privacy by a coin of its own.
  case poisson(probability: Double)
  /// All.
  case everyone
}

/// Draws the batches of one run from its snapshot.
public struct BatchSampler: Sendable {
  /// Where the images come from.
  public let snapshot: DatasetSnapshot
  /// How they are chosen.
  public let selection: BatchSelection

  private let sampler: PoissonSampler
  /// The images of each unit; nil when each image is its own unit.
  private let imagesByUnit: [[Int32]]?

  /// A sampler over the units of privacy of `snapshot`.
  public init(_ snapshot: DatasetSnapshot, selection: BatchSelection) {
    self.snapshot = snapshot
    self.selection = selection
    let probability =
      switch selection {
      case .poisson(let probability): probability
      case .everyone: 1.0
      }
    sampler = PoissonSampler(probability: probability, candidateCount: snapshot.unitCount)
    imagesByUnit = snapshot.privacyUnit == .folder ? snapshot.imagesByUnit() : nil
  }

  /// The batch of one step; may be empty.
  public func draw<Source: UniformSource & ~Copyable>(from source: inout Source) -> Batch {
    let units = sampler.draw(from: &source)
    guard let imagesByUnit else {
      return Batch(snapshot: snapshot, images: units, unitStarts: Array(0...units.count))
    }
    var images: [Int32] = []
    var starts = [0]
    for unit in units {
      images += imagesByUnit[Int(unit)]
      starts.append(images.count)
    }
    return Batch(snapshot: snapshot, images: images, unitStarts: starts)
  }
}
