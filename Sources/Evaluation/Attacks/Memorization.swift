import Compute

/// Whether synthetic images are nearer to the training images than to an equal number of other real
/// ones.
///
/// It detects plain copying. A negative result is no evidence of privacy (arXiv 2505.01524).
public struct Memorization: Sendable {
  /// A synthetic image with its nearest real ones.
  public struct Neighbor: Sendable {
    /// Indices in the synthetic set and among the training images.
    public let synthetic: Int, training: Int
    /// Euclidean distance in pixels from 0 to 1, and that of the nearest hold-out image.
    public let distance: Double, holdOutDistance: Double
  }

  /// Synthetic images that were examined.
  public let count: Int
  /// Real images of each kind that they were compared with.
  public let realCount: Int
  /// The number of real images that are the nearest one of some synthetic image, and how many of them are
  /// training images: one half by chance.
  ///
  /// This counts real images rather than synthetic ones: all images of a noise set may have the same nearest
  /// real image, whose kind means nothing.
  public let nearestCount: Int, nearestTraining: Int
  /// The number of near copies of training images, and of hold-out images.
  public let copiesOfTraining: Int, copiesOfHoldOut: Int
  /// The synthetic images most suspicious of copying, the worst first.
  public let mostSuspicious: [Neighbor]

  /// The share of training images among the nearest real images.
  public var share: Double { Double(nearestTraining) / Double(max(1, nearestCount)) }

  /// Whether there is significant copying: many more copies of training images than of others, or far more
  /// than half of the nearest real images in the training set.
  public var isFlagged: Bool {
    let copies = Interval.proportion(copiesOfTraining, of: count, confidence: 0.998)
    let innocent = Interval.proportion(copiesOfHoldOut, of: count, confidence: 0.998)
    // Random subsets of real images differ a little, so one half is not an exact null.
    return copies.low > innocent.high
      || Interval.proportion(nearestTraining, of: nearestCount, confidence: 0.998).low > 0.55
  }

  /// Compares points of `synthetic` with equal numbers of points of both kinds.
  init(
    synthetic: FeatureMatrix, training: FeatureMatrix, holdOut: FeatureMatrix, on machine: Machine
  ) {
    let size = min(training.count, holdOut.count)
    let neighbors = NearestNeighbors(on: machine)
    let own = neighbors.nearest(synthetic, in: training.prefix(size), neighborCount: 1)
    let other = neighbors.nearest(synthetic, in: holdOut.prefix(size), neighborCount: 1)
    // Compute distances again in Double: block products lose the digits that distinguish a copy from a
    // neighbour.
    let pairs = (0..<synthetic.count).map { row in
      Neighbor(
        synthetic: row, training: own[row].places[0],
        distance: synthetic.squaredDistance(row, to: own[row].places[0], of: training)
          .squareRoot(),
        holdOutDistance: synthetic.squaredDistance(row, to: other[row].places[0], of: holdOut)
          .squareRoot())
    }
    count = synthetic.count
    realCount = size
    let isNearer = pairs.map { $0.distance < $0.holdOutDistance }
    nearestTraining = Set(pairs.indices.filter { isNearer[$0] }.map { pairs[$0].training }).count
    nearestCount =
      nearestTraining
      + Set(pairs.indices.filter { !isNearer[$0] }.map { other[$0].places[0] }).count
    let typical = pairs.map(\.holdOutDistance).sorted()[pairs.count / 2]
    let copyDistance = typical / 5
    copiesOfTraining = pairs.count { $0.distance < copyDistance }
    copiesOfHoldOut = pairs.count { $0.holdOutDistance < copyDistance }
    mostSuspicious = Array(
      pairs.sorted {
        $0.distance * ($1.holdOutDistance + 1e-9) < $1.distance * ($0.holdOutDistance + 1e-9)
      }.prefix(12))
  }
}
