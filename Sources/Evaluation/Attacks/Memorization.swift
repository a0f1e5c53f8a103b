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
    let (training, holdOut) = (training.prefix(size), holdOut.prefix(size))
    let neighbors = NearestNeighbors(on: machine)
    let found = Self.neighbors(of: synthetic, training: training, holdOut: holdOut, neighbors)
    let pairs = found.map(\.pair)
    count = synthetic.count
    realCount = size
    nearest = Self.nearest(found)
    control = Self.control(
      training: training, holdOut: holdOut, pointCount: synthetic.count, neighbors)
    let typical = Self.typicalDistance(pairs)
    let copyDistance = typical / 5
    copiesOfTraining = pairs.count { $0.distance < copyDistance }
    copiesOfHoldOut = pairs.count { $0.holdOutDistance < copyDistance }
    mostSuspicious = Array(
      pairs.sorted {
        $0.distance * ($1.holdOutDistance + 1e-9) < $1.distance * ($0.holdOutDistance + 1e-9)
      }.prefix(12))
  }

  /// Each point with its nearest training image, and the place of its nearest hold-out image.
  private static func neighbors(
    of points: FeatureMatrix, training: FeatureMatrix, holdOut: FeatureMatrix,
    _ neighbors: NearestNeighbors
  ) -> [(pair: Neighbor, holdOut: Int)] {
    let own = neighbors.nearest(points, in: training, neighborCount: 1).map { $0.places[0] }
    let other = neighbors.nearest(points, in: holdOut, neighborCount: 1).map { $0.places[0] }
    // Compute distances again in Double: block products lose the digits that distinguish a copy from a
    // neighbour.
    return (0..<points.count).map { row in
      let pair = Neighbor(
        synthetic: row, training: own[row],
        distance: points.squaredDistance(row, to: own[row], of: training).squareRoot(),
        holdOutDistance: points.squaredDistance(row, to: other[row], of: holdOut).squareRoot())
      return (pair, other[row])
    }
  }

  private static func nearest(_ found: [(pair: Neighbor, holdOut: Int)]) -> Nearest {
    let isNearer = { (pair: Neighbor) in pair.distance < pair.holdOutDistance }
    let training = Set(found.filter { isNearer($0.pair) }.map(\.pair.training)).count
    let others = Set(found.filter { !isNearer($0.pair) }.map(\.holdOut)).count
    return Nearest(count: training + others, training: training)
  }

  /// The median distance to the nearest hold-out image.
  private static func typicalDistance(_ pairs: [Neighbor]) -> Double {
    pairs.map(\.holdOutDistance).sorted()[pairs.count / 2]
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
    let found = Self.neighbors(
      of: points, training: training.prefix(half), holdOut: holdOut.prefix(half), neighbors)
    let typical = typicalDistance(found.map(\.pair))
    return nearest(found.filter { $0.pair.distance > typical / 2 })
  }
}
