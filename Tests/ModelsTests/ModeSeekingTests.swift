import Compute
import Testing

@testable import Models

/// The term that keeps a generator from drawing one image per class.
@Suite struct ModeSeekingTests {
  private static let latents = LatentVectors(size: 3, count: 9, classCount: 2, seed: 4)

  private let arena = Arena()

  private func images(_ count: Int) -> Tensor {
    var stream = SeededStream(seed: 8)
    let images = arena.makeZeros(Shape(count, 2, 2, 1))
    for index in 0..<images.shape.count { images.pointer[index] = Float(stream.gaussian()) }
    return images
  }

  /// The term as the paper states it, summed over pairs.
  private static func value(_ images: Tensor, _ range: Range<Int>, weight: Float) -> Double {
    latents.pairsOfOneClass(in: range).reduce(0) { sum, pair in
      var difference = 0.0
      for pixel in 0..<4 {
        difference += Double(
          abs(
            images.pointer[4 * (pair.0 - range.lowerBound) + pixel]
              - images.pointer[4 * (pair.1 - range.lowerBound) + pixel]))
      }
      return sum + Double(weight)
        / (difference / 4 / Double(latents.distance(pair.0, pair.1)) + Double(ModeSeeking.smallest))
    }
  }

  @Test func pairsAreDisjointAndOfOneClass() {
    for range in [0..<9, 3..<8] {
      let pairs = Self.latents.pairsOfOneClass(in: range)
      let places = pairs.flatMap { [$0.0, $0.1] }
      #expect(Set(places).count == places.count && places.allSatisfy(range.contains))
      let labels = Self.latents.labels(in: 0..<9)
      #expect(pairs.allSatisfy { labels[$0.0] == labels[$0.1] })
      // At most one of each class is left over.
      #expect(pairs.count >= (range.count - 2) / 2)
    }
  }

  @Test func theGradientIsThatOfTheTerm() {
    let range = 3..<9
    let images = images(range.count)
    let gradient = arena.makeZeros(images.shape)
    ModeSeeking(weight: 0.7).addGradient(to: gradient, of: images, range, Self.latents)
    let step: Float = 1e-3
    var largest = 0.0
    for index in 0..<images.shape.count {
      let own = images.pointer[index]
      images.pointer[index] = own + step
      let above = Self.value(images, range, weight: 0.7)
      images.pointer[index] = own - step
      let below = Self.value(images, range, weight: 0.7)
      images.pointer[index] = own
      let expected = (above - below) / (2 * Double(step))
      largest = max(largest, abs(expected))
      #expect(abs(expected - Double(gradient.pointer[index])) < 0.01 * max(0.1, abs(expected)))
    }
    #expect(largest > 0.05)
  }

  @Test func imagesThatAreEqualStayFinite() {
    let images = arena.makeZeros(Shape(9, 2, 2, 1))
    let gradient = arena.makeZeros(images.shape)
    ModeSeeking(weight: 1).addGradient(to: gradient, of: images, 0..<9, Self.latents)
    #expect(gradient.array.allSatisfy { $0 == 0 })
  }
}
