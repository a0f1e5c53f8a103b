public import Compute
public import Privacy

/// A sum of vectors over private units: each unit's vectors are added and clipped, and noise is added to
/// the sum once.
///
/// The sum is computed in whole steps of a grid, so it is exact: it depends neither on the order of units
/// nor on threads, and another unit changes it by its own contribution and by no rounding. With
/// continuous noise the rest is the Gaussian mechanism (arXiv 1805.06083); with discrete noise it is that
/// of the hardened mode.
public struct VectorSum {
  /// Writes the vectors of some examples: from images (examples × image shape) and their labels into
  /// examples × `dimension`.
  ///
  /// It must treat each example alone. It is sendable so that it cannot write what it sees into a variable
  /// outside.
  public typealias Features =
    @Sendable (_ images: Tensor, _ labels: [Int], _ target: Tensor) -> Void

  /// Numbers in a vector.
  public let dimension: Int
  /// The shape of an image.
  public let shape: Shape
  /// Numbers that an example writes: all of them, or those of the block of its class.
  private let blockSize: Int
  /// Clip norm and noise.
  public let mechanism: SubsampledGaussian
  private let features: (_ images: Tensor, _ labels: [Int], _ target: Tensor) -> Void

  /// Examples that are in memory together, fewer for long vectors.
  private var block: Int { max(1, min(128, (1 << 22) / blockSize)) }

  /// Describes a sum.
  public init(
    dimension: Int, of shape: Shape, by mechanism: SubsampledGaussian, features: @escaping Features
  ) {
    precondition(dimension > 0, "a vector has numbers")
    self.dimension = dimension
    blockSize = dimension
    self.shape = shape
    self.mechanism = mechanism
    self.features = features
  }

  /// Describes a sum by class: a vector has one block for each class, and that of an image's own class holds its
  /// features, scaled, and `countShare`, by which images can be counted.
  ///
  /// `features` writes vectors of at most norm 1, and so the vector of an image has at most norm 1. `classCount` is
  /// 1 where there are no classes.
  public init(
    byClass classCount: Int, featureCount: Int, countShare: Float, of shape: Shape,
    by mechanism: SubsampledGaussian, features: @escaping Features
  ) {
    self.init(
      classCount: classCount, featureCount: featureCount, countShare: countShare, of: shape,
      by: mechanism, writing: { features($0, $1, $2) })
  }

  /// Describes the sum by class of features that a map computes.
  public init(
    embeddingBy map: FeatureMap, classCount: Int, countShare: Float,
    by mechanism: SubsampledGaussian
  ) {
    self.init(
      classCount: classCount, featureCount: map.dimension, countShare: countShare, of: map.shape,
      by: mechanism
    ) { images, _, features in
      map.write(of: images, to: features)
      map.forget()
    }
  }

  /// Describes a sum by class of features that something in this room writes.
  init(
    classCount: Int, featureCount: Int, countShare: Float, of shape: Shape,
    by mechanism: SubsampledGaussian,
    writing write: @escaping (_ images: Tensor, _ labels: [Int], _ target: Tensor) -> Void
  ) {
    precondition(classCount > 0 && countShare > 0 && countShare < 1, "blocks hold both parts")
    let block = featureCount + 1
    let scale = (1 - countShare * countShare).squareRoot()
    dimension = block * classCount
    blockSize = block
    self.shape = shape
    self.mechanism = mechanism
    features = { images, labels, target in
      let count = images.shape[0]
      let arena = Arena()
      let features = arena.make(Shape(count, featureCount))
      write(images, labels, features)
      for example in 0..<count {
        let place = target.pointer + example * block
        let source = features.pointer + example * featureCount
        for index in 0..<featureCount { place[index] = scale * source[index] }
        place[featureCount] = countShare
      }
    }
  }

  /// The sum without noise, which needs the administrator's permission; nil if it was given up.
  public func unprotected(
    over examples: PrivateExamples, _ permission: UnprotectedTraining,
    unless shouldStop: () -> Bool = { false }
  ) -> [Double]? {
    let grid = grid
    return sum(of: examples.source, in: grid, unless: shouldStop)?.map { Double($0) * grid.step }
  }

  /// The sum with noise; the ledger was charged for the mechanism's event before.
  ///
  /// - Parameter shouldStop: asked before every block of examples. It must not depend on the images.
  /// - Returns: nil if it was given up: no noise was drawn then, and the unfinished sum is forgotten, so that
  ///   nothing that was computed from the images is left.
  public func noised(
    over examples: PrivateExamples, noise source: NoiseStream,
    unless shouldStop: () -> Bool = { false }
  ) -> Releasable<[Double]>? {
    let grid = grid
    guard let sum = sum(of: examples.source, in: grid, unless: shouldStop) else { return nil }
    return Releasable(mechanism.noised(sum, in: grid, noise: source), .paidFor)
  }

  private var grid: NoiseGrid { mechanism.sumGrid }

  /// The sum of the units' clipped vectors in whole steps; nil if it was given up.
  private func sum(
    of examples: any ExampleSource, in grid: NoiseGrid, unless shouldStop: () -> Bool
  ) -> [Int]? {
    precondition(
      examples.keepsUnitsTogether,
      "examples of one unit must be adjacent: otherwise each would be clipped separately")
    var sum = [Int](repeating: 0, count: dimension)
    let units = examples.microBatches(of: 1)
    let arena = Arena()
    let own = Arena(blockByteCount: 1 << 16)
    var next = 0
    while next < units.count {
      if shouldStop() { return nil }
      var end = next
      while end < units.count,
        units[end].upperBound - units[next].lowerBound <= block || end == next
      {
        end += 1
      }
      let range = units[next].lowerBound..<units[end - 1].upperBound
      arena.reset()
      let images = arena.make(Shape([range.count] + shape.extents))
      examples.fill(images, from: range)
      let labels = examples.labels(in: range)
      let vectors = arena.make(Shape(range.count, blockSize))
      features(images, labels, vectors)
      for part in units[next..<end] {
        // Only the blocks of a unit's classes, so that many classes cost no time.
        let classes = part.map {
          dimension == blockSize || labels.isEmpty ? 0 : labels[$0 - range.lowerBound]
        }
        let blocks = Set(classes).sorted()
        own.reset()
        let contribution = own.makeZeros(Shape(blocks.count * blockSize))
        for (example, label) in zip(part, classes) {
          let place = (blocks.firstIndex(of: label) ?? 0) * blockSize
          let vector = vectors.pointer + (example - range.lowerBound) * blockSize
          for index in 0..<blockSize { contribution.pointer[place + index] += vector[index] }
        }
        grid.add(contribution, to: &sum, blocks: blocks, of: blockSize)
      }
      next = end
    }
    return sum
  }
}
