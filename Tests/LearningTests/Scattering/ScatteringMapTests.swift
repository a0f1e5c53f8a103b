import Compute
import TestSupport
import Testing

@testable import Learning

/// Features that a private teacher reads: fixed, and of each image alone.
@Suite struct ScatteringMapTests {
  private static let shape = Shape(12, 10, 1)

  private func images(_ count: Int, _ shape: Shape = Self.shape, seed: UInt64 = 3) -> Tensor {
    let memory = Arena()
    arenas.append(memory)
    let images = memory.make(shape.batched(count))
    var stream = SeededStream(seed: seed)
    for index in 0..<images.count { images.pointer[index] = Float(2 * stream.uniform() - 1) }
    return images
  }

  private final class Memory {
    var arenas: [Arena] = []
    func append(_ arena: Arena) { arenas.append(arena) }
  }
  private let arenas = Memory()

  private func features(of images: Tensor, _ map: ScatteringMap) -> [[Float]] {
    let count = images.shape[0]
    let memory = Arena()
    let target = memory.make(Shape(count, map.dimension))
    map.write(of: images, to: target)
    return (0..<count).map { target.examples(from: $0, count: 1).array }
  }

  /// If a statistic of the batch entered, one more image would change the features of all others.
  @Test func featuresOfAnImageDependOnThatImageAlone() {
    let all = images(70)
    let map = ScatteringMap(of: Self.shape, on: Machine(threadCount: 3))
    let other = ScatteringMap(of: Self.shape, on: Machine(threadCount: 1))
    let together = features(of: all, map)
    for index in [0, 31, 32, 69] {
      let alone = features(of: all.examples(from: index, count: 1), other)
      #expect(alone == [together[index]])
    }
  }

  @Test(arguments: [Shape(12, 10, 1), Shape(28, 28, 1), Shape(17, 33, 3), Shape(64, 50, 3)])
  func noFeaturesAreLongerThanTheCommonNorm(_ shape: Shape) {
    let map = ScatteringMap(of: shape, on: Machine(threadCount: 2))
    for values in features(of: images(3, shape), map) {
      #expect(values.count == map.dimension)
      let norm = values.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
      #expect(norm < 8.001 && norm > 2, "\(norm)")
    }
  }

  @Test func theGridIsCoarseAndLargeImagesAreReducedFirst() {
    let machine = Machine(threadCount: 1)
    let digits = ScatteringMap(of: Shape(28, 28, 1), on: machine)
    #expect(digits.rows == 7 && digits.columns == 7 && digits.dimension == 81 * 49)
    let photographs = ScatteringMap(of: Shape(32, 32, 3), on: machine)
    #expect(photographs.dimension == 3 * 81 * 64)
    #expect(ScatteringMap(of: Shape(64, 64, 3), on: machine).dimension == 3 * 81 * 64)
    #expect(ScatteringMap(of: Shape(256, 128, 1), on: machine).dimension <= 81 * 10 * 5)
  }

  /// Features follow a picture only coarsely: what moves by a pixel stays nearer than what turns by a right
  /// angle.
  @Test func featuresTellDirectionsAndForgetSmallShifts() {
    let shape = Shape(16, 16, 1)
    let memory = Arena()
    let pictures = memory.make(shape.batched(3))
    for row in 0..<16 {
      for column in 0..<16 {
        let place = row * 16 + column
        pictures.pointer[place] = column % 4 < 2 ? 1 : -1
        pictures.pointer[256 + place] = (column + 1) % 4 < 2 ? 1 : -1
        pictures.pointer[512 + place] = row % 4 < 2 ? 1 : -1
      }
    }
    let values = features(of: pictures, ScatteringMap(of: shape, on: Machine(threadCount: 1)))
    func distance(_ first: Int, _ second: Int) -> Double {
      zip(values[first], values[second]).reduce(0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) }
    }
    #expect(distance(0, 1) < 0.3 * distance(0, 2), "\(distance(0, 1)), \(distance(0, 2))")
  }

  @Test func anImageThatIsNotANumberSpoilsItsOwnFeaturesAlone() {
    let all = images(3)
    let map = ScatteringMap(of: Self.shape, on: Machine(threadCount: 1))
    let before = features(of: all, map)
    all.pointer[Self.shape.count + 5] = .nan
    let after = features(of: all, map)
    #expect(after[0] == before[0] && after[2] == before[2])
    #expect(after[1].contains { !$0.isFinite })
  }

  @Test func anImageWithoutContrastHasFiniteFeatures() {
    let memory = Arena()
    for value in [-1, 0, 1] as [Float] {
      let plain = memory.make(Self.shape.batched(1))
      plain.fill(value)
      let values = features(
        of: plain, ScatteringMap(of: Self.shape, on: Machine(threadCount: 1)))[0]
      #expect(values.allSatisfy { $0.isFinite })
      #expect(values.reduce(0) { $0 + $1 * $1 } < 64.1)
    }
  }
}
