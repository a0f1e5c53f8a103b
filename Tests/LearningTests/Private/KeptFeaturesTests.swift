import Compute
import Privacy
import TestSupport
import Testing

@testable import Learning

/// Features of private images are computed once, and kept ones are those of the same image.
@Suite struct KeptFeaturesTests {
  private static let shape = Shape(8, 8, 1)

  /// A collection of images, and a batch of some of them.
  private final class Collection {
    let values: [[Float]]
    init(_ count: Int, seed: UInt64) {
      var stream = SeededStream(seed: seed)
      values = (0..<count).map { _ in
        (0..<shape.count).map { _ in Float(2 * stream.uniform() - 1) }
      }
    }
  }

  private struct Batch: ExampleSource {
    let collection: Collection
    let chosen: [Int]
    var isLasting = true
    var count: Int { chosen.count }
    func labels(in range: Range<Int>) -> [Int] { range.map { chosen[$0] % 2 } }
    func fill(_ target: Tensor, from range: Range<Int>) {
      target.assign(range.flatMap { collection.values[chosen[$0]] })
    }
    func places(in range: Range<Int>) -> ExamplePlaces? {
      isLasting ? ExamplePlaces(in: collection, Array(chosen[range])) : nil
    }
  }

  private func kept(rows: Int = 1000) -> KeptFeatures {
    let map = ScatteringMap(of: Self.shape, on: Machine(threadCount: 1))
    return KeptFeatures(by: map, mostBytes: rows * map.dimension * 2)
  }

  private func read(
    _ features: KeptFeatures, _ chosen: [Int], of collection: Collection, isLasting: Bool = true
  ) -> [Float] {
    let batch = PrivateExamples(
      Batch(collection: collection, chosen: chosen, isLasting: isLasting))
    let arena = Arena()
    let target = arena.make(Shape(chosen.count, features.dimension))
    batch.features(keptIn: features).source.fill(target, from: 0..<chosen.count)
    return target.array
  }

  @Test(arguments: [1000, 5, 0]) func whatIsKeptEqualsWhatIsComputedAnew(_ rows: Int) {
    let images = Collection(20, seed: 1)
    let features = kept(rows: rows)
    for chosen in [[3, 4, 5], [5, 3, 9, 4], [0, 1, 2, 3, 19, 18], [19, 9, 0]] {
      let fresh = read(kept(), chosen, of: images, isLasting: false)
      #expect(read(features, chosen, of: images) == fresh)
    }
    #expect(features.count == min(rows, 9))
  }

  @Test func imagesOfNoCollectionAreNotKept() {
    let features = kept()
    _ = read(features, [1, 2], of: Collection(3, seed: 1), isLasting: false)
    #expect(features.count == 0)
  }

  @Test func anotherCollectionHasFeaturesOfItsOwn() {
    let features = kept()
    let first = Collection(3, seed: 1)
    let second = Collection(3, seed: 2)
    let before = read(features, [0, 1, 2], of: first)
    let after = read(features, [0, 1, 2], of: second)
    #expect(after != before)
    #expect(after == read(kept(), [0, 1, 2], of: second))
    #expect(features.count == 3)
  }

  @Test func nothingIsLeftOfWhatIsForgotten() {
    let features = kept()
    _ = read(features, [0, 1], of: Collection(2, seed: 1))
    features.forget()
    #expect(features.count == 0)
  }

  @Test func featuresKeepLabelsAndUnits() {
    let source = ArrayExamples(
      [[Float]](repeating: [Float](repeating: 0.5, count: 64), count: 3), labels: [1, 0, 1],
      units: [7, 7, 8])
    let features = PrivateExamples(source).features(keptIn: kept()).source
    #expect(features.count == 3 && features.units == [7, 7, 8])
    #expect(features.labels(in: 1..<3) == [0, 1])
  }

  @Test func aNumberThatIsNoneStaysOne() {
    let features = kept()
    let arena = Arena()
    let image = arena.make(Self.shape.batched(1))
    image.fill(.infinity)
    let target = arena.make(Shape(1, features.dimension))
    features.write(of: image, to: target)
    #expect(target.array.contains { !$0.isFinite })
  }
}
