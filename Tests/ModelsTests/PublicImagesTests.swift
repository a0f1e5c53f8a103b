import Compute
import Learning
import Privacy
import TestSupport
import Testing

@testable import Models

@Suite struct PublicImagesTests {
  /// Images of 8×8 pixels: number n is everywhere n / 10 − 0.5.
  private static func plain(_ count: Int) -> PublicImages {
    PublicImages(
      withoutPeople: ImageArray(
        shape: Shape(8, 8, 1),
        values: (0..<count).flatMap { [Float](repeating: Float($0) / 10 - 0.5, count: 64) },
        classes: [Int](repeating: 0, count: count)))
  }

  private static func picked(_ prior: PriorSettings, step index: Int, seed: UInt64 = 3) -> [Float] {
    let step = FreeStep(
      phase: "pre-training", index: index, stepCount: 9, publicImages: plain(10))
    let images = prior.images(
      of: step, format: .tiny(height: 8, width: 8, classes: 2), seed: seed)
    return withExtendedLifetime(Arena()) { arena in
      let target = arena.make(Shape(images.count, 8, 8, 1))
      images.fill(target, from: 0..<images.count)
      return (0..<images.count).map { target.pointer[$0 * 64 + 17] }
    }
  }

  @Test func everyStepPicksOtherImagesAndTheSameOnesWhenItIsRepeated() {
    let prior = PriorSettings(source: .publicImages, steps: 9, batchSize: 40)
    let first = Self.picked(prior, step: 0)
    #expect(first == Self.picked(prior, step: 0))
    #expect(first != Self.picked(prior, step: 1) && first != Self.picked(prior, step: 0, seed: 4))
    // 40 picks of ten images: each is picked, with overwhelming probability.
    #expect(Set(first).count >= 9 && Set(first).isSubset(of: (0..<10).map { Float($0) / 10 - 0.5 }))
  }

  @Test func publicImagesHaveClassesByLot() {
    let images = PickedImages(400, of: Self.plain(3), classCount: 2, seed: 1)
    let labels = images.labels(in: 0..<400)
    #expect((120...280).contains(labels.count { $0 == 1 }))
    #expect(PickedImages(4, of: Self.plain(3), classCount: 1, seed: 1).labels(in: 0..<4).isEmpty)
  }

  @Test func aStageOfAMultiscaleModelSeesThemAtItsOwnSize() {
    let format = ImageSpecification(height: 8, width: 8, channels: 1, classes: [])
    let reduced = Self.plain(5).reduced(from: format, by: 2)
    let image = withExtendedLifetime(Arena()) { arena in
      let target = arena.make(Shape(1, 4, 4, 1))
      reduced.examples.fill(target, from: 3..<4)
      return target.array
    }
    #expect(reduced.count == 5 && image.allSatisfy { abs($0 + 0.2) < 1e-6 })
  }

  @Test func imagesLikeThePublicOnesBecomeLikelier() throws {
    let settings = PixelModelSettings(
      channels: 8, depth: 1, firstKernel: 3, bits: 3,
      prior: PriorSettings(source: .publicImages, steps: 60, batchSize: 8, learningRate: 0.01))
    #expect(settings.usesPublicImages)
    let model = try PixelModel(
      settings, for: .tiny(height: 8, width: 8), seed: 3, on: Machine(threadCount: 1))
    let images = Self.plain(10)
    let before = model.bitsPerDimension(of: images.examples)
    for step in 0..<60 {
      _ = try model.work(
        FreeStep(phase: "pre-training", index: step, stepCount: 60, publicImages: images))
    }
    let after = model.bitsPerDimension(of: images.examples)
    #expect(after < 0.6 * before, "\(before) \(after)")
  }
}
