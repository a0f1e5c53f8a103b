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

  /// Real images that are the nearest one of some point.
  ///
  /// This counts real images rather than points: all images of a noise set may have the same nearest real image, whose
  /// kind means nothing.
  public struct Nearest: Sendable {
    /// How many there are, and how many of them are training images.
    public let count: Int, training: Int

    /// The share of training images.
    public var share: Double { Double(training) / Double(max(1, count)) }

    fileprivate var interval: Interval {
      Interval.proportion(training, of: count, confidence: 0.998)
    }
  }

  /// Synthetic images that were examined.
  public let count: Int
  /// Real images of each kind that they were compared with.
  public let realCount: Int
  /// The real images that are nearest to a synthetic image.
  public let nearest: Nearest
  /// The same for training images in place of synthetic ones, compared with other training images: what the nearest
  /// images of a set are that copies nothing.
  ///
  /// It is one half where training and hold-out images are alike, and more where they differ, as scans of another
  /// hospital do.
  public let control: Nearest
  /// The number of near copies of training images, and of hold-out images.
  public let copiesOfTraining: Int, copiesOfHoldOut: Int
  /// The synthetic images most suspicious of copying, the worst first.
  public let mostSuspicious: [Neighbor]

  /// Whether there is significant copying: many more copies of training images than of others, or far more
  /// of the nearest real images in the training set than where nothing is copied.
  public var isFlagged: Bool {
    let copies = Interval.proportion(copiesOfTraining, of: count, confidence: 0.998)
    let innocent = Interval.proportion(copiesOfHoldOut, of: count, confidence: 0.998)
    // Random subsets of real images differ a little, so one half is not an exact null.
    return copies.low > innocent.high
      || nearest.interval.low > max(0.55, control.interval.high)
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
    nearest = Self.nearest(pairs, other.map { $0.places[0] })
    control = Self.control(
      training: training.prefix(size), holdOut: holdOut.prefix(size), pointCount: synthetic.count,
      neighbors)
    let typical = pairs.map(\.holdOutDistance).sorted()[pairs.count / 2]
    let copyDistance = typical / 5
    copiesOfTraining = pairs.count { $0.distance < copyDistance }
    copiesOfHoldOut = pairs.count { $0.holdOutDistance < copyDistance }
    mostSuspicious = Array(
      pairs.sorted {
        $0.distance * ($1.holdOutDistance + 1e-9) < $1.distance * ($0.holdOutDistance + 1e-9)
      }.prefix(12))
  }

  private static func nearest(_ pairs: [Neighbor], _ holdOutPlaces: [Int]) -> Nearest {
    let isNearer = pairs.map { $0.distance < $0.holdOutDistance }
    let training = Set(pairs.indices.filter { isNearer[$0] }.map { pairs[$0].training }).count
    let others = Set(pairs.indices.filter { !isNearer[$0] }.map { holdOutPlaces[$0] }).count
    return Nearest(count: training + others, training: training)
  }

  /// The nearest real images of one half of the training images, among the other half and as many others.
  ///
  /// Images with a twin in the other half are left out: bursts and slices of one scan copy one another, and would hide
  /// copies in the set.
  private static func control(
    training: FeatureMatrix, holdOut: FeatureMatrix, pointCount: Int, _ neighbors: NearestNeighbors
  ) -> Nearest {
    let half = training.count / 2
    guard half > 0 else { return Nearest(count: 0, training: 0) }
    let points = training.rows(half..<min(training.count, half + pointCount))
    let candidates = training.prefix(half)
    let others = holdOut.prefix(half)
    let own = neighbors.nearest(points, in: candidates, neighborCount: 1)
    let other = neighbors.nearest(points, in: others, neighborCount: 1)
    let pairs = (0..<points.count).map { row in
      Neighbor(
        synthetic: row, training: own[row].places[0],
        distance: points.squaredDistance(row, to: own[row].places[0], of: candidates)
          .squareRoot(),
        holdOutDistance: points.squaredDistance(row, to: other[row].places[0], of: others)
          .squareRoot())
    }
    let typical = pairs.map(\.holdOutDistance).sorted()[pairs.count / 2]
    let kept = pairs.filter { $0.distance > typical / 2 }
    return nearest(kept, kept.map { other[$0.synthetic].places[0] })
  }
}
