import Datasets
import Testing

@Suite struct ImageTransformTests {
  @Test func everyTransformEqualsTheExactReference() throws {
    let golden = try GoldenImages.load()
    #expect(golden.transforms.count == 80)
    let codec = ImageCodec()
    for reference in golden.transforms {
      let (image, orientation) = try codec.decode(GoldenImages.bytes(reference.image))
      let transform = ImageTransform(
        height: reference.height, width: reference.width, channels: reference.channels,
        fit: reference.fit)
      let pixels = try #require(transform.pixels(of: image, orientation: orientation))
      let worst = zip(pixels, reference.pixels).map { abs(Int($0) - $1) }.max() ?? 0
      #expect(pixels.count == reference.pixels.count)
      #expect(worst <= reference.tolerance, "\(reference.image) to \(transform)")
    }
  }

  @Test func anImageOfTheDeclaredFormStaysUnchanged() {
    let shape = ImageShape(height: 5, width: 4, channels: 3)
    let bytes = (0..<60).map { UInt8($0 * 4) }
    let transform = ImageTransform(height: 5, width: 4, channels: .rgb)
    #expect(transform.pixels(of: Image(shape: shape, bytes: bytes)) == bytes)
    // The same through the resizing path, which 16-bit samples of equal brightness take.
    let words = bytes.map { UInt16($0) * 257 }
    #expect(transform.pixels(of: Image(shape: shape, words: words)) == bytes)
  }

  @Test func greyInColourBecomesTheSameGrey() {
    let transform = ImageTransform(height: 16, width: 16, channels: .grey)
    let bytes = (0..<256).flatMap { [UInt8](repeating: UInt8($0), count: 3) }
    let image = Image(shape: ImageShape(height: 16, width: 16, channels: 3), bytes: bytes)
    #expect(transform.pixels(of: image) == (0..<256).map { UInt8($0) })
  }

  @Test func fullyTransparentPixelsAreWhite() {
    let image = Image(
      shape: ImageShape(height: 1, width: 2, channels: 4), bytes: [10, 20, 30, 0, 10, 20, 30, 255])
    let transform = ImageTransform(height: 1, width: 2, channels: .rgb)
    #expect(transform.pixels(of: image) == [255, 255, 255, 10, 20, 30])
  }

  @Test func aLargePhotographKeepsItsMeanBrightness() throws {
    let shape = ImageShape(height: 601, width: 799, channels: 1)
    let image = Image(
      shape: shape, bytes: (0..<shape.sampleCount).map { UInt8(truncatingIfNeeded: $0 &* 31) })
    let transform = ImageTransform(height: 1, width: 1, channels: .grey, fit: .stretch)
    let mean = Double(image.numbers.reduce(0, +)) / Double(shape.sampleCount)
    #expect(try #require(transform.pixels(of: image)) == [UInt8(mean.rounded())])
  }

  @Test func anImageMuchSmallerThanTheTargetIsRefused() {
    let transform = ImageTransform(
      height: 8, width: 8, channels: .grey, maximumEnlargement: 2)
    func image(_ height: Int, _ width: Int) -> Image {
      Image(
        shape: ImageShape(height: height, width: width, channels: 1),
        bytes: [UInt8](repeating: 7, count: height * width))
    }
    #expect(transform.pixels(of: image(3, 8)) == nil)
    #expect(transform.pixels(of: image(100, 3)) == nil)
    #expect(transform.pixels(of: image(4, 4)) == [UInt8](repeating: 7, count: 64))
  }

  @Test(arguments: 1...8) func orientationMovesTheCornerAsExifDefines(orientation: Int) throws {
    // Stored as 2 × 3; the corner that EXIF puts at the top left of the upright image must come first.
    let image = Image(
      shape: ImageShape(height: 2, width: 3, channels: 1), bytes: [1, 2, 3, 4, 5, 6])
    let upright: [Int: [UInt8]] = [
      1: [1, 2, 3, 4, 5, 6], 2: [3, 2, 1, 6, 5, 4], 3: [6, 5, 4, 3, 2, 1], 4: [4, 5, 6, 1, 2, 3],
      5: [1, 4, 2, 5, 3, 6], 6: [4, 1, 5, 2, 6, 3], 7: [6, 3, 5, 2, 4, 1], 8: [3, 6, 2, 5, 1, 4],
    ]
    let turned = orientation >= 5
    let transform = ImageTransform(
      height: turned ? 3 : 2, width: turned ? 2 : 3, channels: .grey)
    #expect(transform.pixels(of: image, orientation: orientation) == upright[orientation])
  }
}
