public import Compute
public import Learning

/// Images that a seeded program draws: a model may learn from them at no privacy cost, because they show no
/// person.
///
/// Natural images share statistics that need no private image to be learnt: edges of objects that hide one
/// another, strokes on a plain ground, soft shading, textures whose spectrum falls with frequency. Networks
/// that have seen such images need fewer noisy steps ("Learning to See by Looking at Noise",
/// arXiv 2106.05963; dead leaves: Lee, Mumford and Huang 2001).
public struct ProceduralImages: ExampleSource {
  /// What an image shows.
  enum Kind: CaseIterable {
    /// Discs and boxes that hide one another.
    case deadLeaves
    /// Thick curved lines on a plain ground.
    case strokes
    /// Few large shapes on a plain ground.
    case shapes
    /// Soft shaded bumps.
    case blobs
    /// Waves whose amplitude falls with frequency.
    case texture
  }

  /// The number of images.
  public let count: Int
  private let format: ImageSpecification
  private let seed: UInt64

  /// The first `count` images of a seed, in the form of `format`.
  public init(count: Int, format: ImageSpecification, seed: UInt64) {
    self.count = count
    self.format = format
    self.seed = seed
  }

  /// Classes by lot: what is drawn does not depend on them, so a network learns to ignore them.
  public func labels(in range: Range<Int>) -> [Int] {
    guard format.classes.count > 1 else { return [] }
    return range.map { index in
      var random = stream(of: index)
      return Int(random.next() % UInt64(format.classes.count))
    }
  }

  public func fill(_ target: Tensor, from range: Range<Int>) {
    let size = format.shape.count
    for (place, index) in range.enumerated() {
      var random = stream(of: index)
      // The first draw is the label's.
      _ = random.next()
      var canvas = ProceduralCanvas(format)
      canvas.draw(Kind.allCases[Int(random.next() % UInt64(Kind.allCases.count))], &random)
      canvas.copy(to: target.pointer + place * size)
    }
  }

  private func stream(of index: Int) -> SeededStream {
    SeededStream(seed: (seed ^ UInt64(truncatingIfNeeded: index)) &* 0x9E37_79B9_7F4A_7C15 &+ 1)
  }
}
