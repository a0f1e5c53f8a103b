import Compute
import Testing

@testable import Evaluation

@Suite struct FeatureTests {
  let machine = Machine(threadCount: 2)

  /// The same image as in the golden script.
  private func image(channels: Int) -> LabelledImages {
    var bytes: [UInt8] = []
    for row in 0..<16 {
      for column in 0..<13 {
        for channel in 0..<channels {
          let value =
            row * row * (3 + channel) + 7 * column * (channel + 1) + 5 * row * column
          bytes.append(UInt8(value % 256))
        }
      }
    }
    return LabelledImages(
      shape: Shape(16, 13, channels), classNames: ["all"], labels: [0], pixels: bytes)
  }

  private func noise(_ count: Int, _ shape: Shape) -> LabelledImages {
    var stream = SeededStream(seed: 5)
    return LabelledImages(
      shape: shape, classNames: ["all"], labels: [Int](repeating: 0, count: count),
      pixels: (0..<(count * shape.count)).map { _ in UInt8(stream.next() & 255) })
  }

  @Test(arguments: [1, 3])
  func scatteringAgreesWithItsDefinition(channels: Int) throws {
    let golden = try GoldenFile("scattering.csv").rows.filter { $0[0] == "\(channels)" }
      .map { try #require(Double($0[2])) }
    let features = Scattering(on: machine).features(of: image(channels: channels))
    #expect(features.width == golden.count && features.width == 162 * channels)
    for (value, expected) in zip(features.values, golden) {
      #expect(isClose(Double(value), expected, relative: 1e-4, absolute: 2e-5))
    }
  }

  @Test func randomConvolutionsOfVersionOneHaveTheseValues() {
    let features = RandomConvolutions(on: machine).features(of: image(channels: 1))
    #expect(features.width == 512)
    let expected = RandomConvolutionsPin.values
    for (index, value) in expected {
      #expect(isClose(Double(features.values[index]), value, relative: 1e-3, absolute: 1e-5))
    }
  }

  @Test func featuresOfAnImageDoNotDependOnOtherImagesOrThreads() {
    let images = noise(150, Shape(28, 28, 1))
    let single = Machine(threadCount: 1)
    let part = images.images(at: 70..<80)
    #expect(
      Scattering(on: machine).features(of: images).rows(70..<80).values
        == Scattering(on: single).features(of: part).values)
    #expect(
      RandomConvolutions(on: machine).features(of: images).rows(70..<80).values
        == RandomConvolutions(on: single).features(of: part).values)
  }

  @Test func spectrumAgreesWithNumpy() throws {
    let golden = try GoldenFile("spectrum.csv").rows.map { try #require(Double($0[1])) }
    let statistics = PixelStatistics(image(channels: 3), on: machine.threads)
    #expect(statistics.spectrum.count == golden.count)
    for (value, expected) in zip(statistics.spectrum, golden) {
      #expect(isClose(value, expected, relative: 1e-9))
    }
  }

  @Test func pixelStatisticsOfKnownImages() {
    let half = LabelledImages(
      shape: Shape(2, 2, 1), classNames: ["all"], labels: [0], pixels: [0, 255, 0, 255])
    let statistics = PixelStatistics(half, on: machine.threads)
    #expect(isClose(statistics.mean, 0.5, relative: 1e-12))
    #expect(isClose(statistics.deviation, 0.5, relative: 1e-12))
    #expect(statistics.histogram[0] == 0.5 && statistics.histogram[31] == 0.5)
    let dark = LabelledImages(
      shape: Shape(2, 2, 1), classNames: ["all"], labels: [0], pixels: [0, 0, 0, 0])
    #expect(
      statistics.histogramDistance(to: PixelStatistics(dark, on: machine.threads)) == 0.5)
  }

  @Test func degradedImagesHaveTheStatedDegradation() throws {
    let images = noise(300, Shape(14, 14, 1))
    let blurred = try #require(SpoiltImages.blurred.applied(to: images, seed: 1))
    let before = PixelStatistics(images, on: machine.threads)
    let after = PixelStatistics(blurred, on: machine.threads)
    #expect(
      after.deviation < 0.8 * before.deviation && isClose(after.mean, before.mean, relative: 0.02))
    let copied = try #require(SpoiltImages.copied.applied(to: images, seed: 1))
    #expect(copied.count == 300 && Set((0..<300).map { copied[$0] }).count == 100)
    #expect(SpoiltImages.classDropped.applied(to: images, seed: 1) == nil)
    let classes = LabelledImages(
      shape: images.shape, classNames: ["a", "b"], labels: (0..<300).map { $0 % 3 == 0 ? 1 : 0 },
      pixels: images.pixels)
    let dropped = try #require(SpoiltImages.classDropped.applied(to: classes, seed: 1))
    #expect(dropped.classCounts == [0, 300])
  }
}
