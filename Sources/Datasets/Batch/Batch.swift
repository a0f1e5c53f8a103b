/// How the samples of an image lie in memory.
public enum PixelArrangement: Hashable, Sendable {
  /// height × width × channels.
  case channelsLast
  /// channels × height × width.
  case channelsFirst
}

/// The images of one step, grouped by unit of privacy. Reads the snapshot's mapping; a batch of any
/// size holds indices only, so a step can go through it in micro-batches.
public struct Batch: Sendable {
  /// Where the images lie.
  public let snapshot: DatasetSnapshot
  /// Indices into the snapshot. Images of one unit of privacy follow each other.
  public let images: [Int32]
  /// Where each unit begins in `images`, and the end: one more than there are units. Everything
  /// between two entries must be clipped as one contribution.
  public let unitStarts: [Int]

  init(snapshot: DatasetSnapshot, images: [Int32], unitStarts: [Int]) {
    self.snapshot = snapshot
    self.images = images
    self.unitStarts = unitStarts
  }

  /// A batch of given images, each its own unit; for plain evaluation.
  public init(snapshot: DatasetSnapshot, images: [Int32]) {
    self.init(snapshot: snapshot, images: images, unitStarts: Array(0...images.count))
  }

  /// Images; private.
  public var count: Int { images.count }
  /// Units of privacy; private.
  public var unitCount: Int { unitStarts.count - 1 }

  /// The class of each image of `range`, positions in the batch.
  public func labels(_ range: Range<Int>) -> [Int32] {
    images[range].map { Int32(snapshot.label(of: Int($0))) }
  }

  /// Writes the images of `range` (positions in the batch), scaled to -1...1 by constants
  /// (v - 127.5) / 127.5, which owe nothing to the data.
  ///
  /// - Parameter pixels: range.count × height × width × channels numbers, or channels first.
  public func fill(
    _ range: Range<Int>, pixels: UnsafeMutablePointer<Float>, arrangement: PixelArrangement
  ) {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "positions in the batch")
    let shape = snapshot.shape
    for (place, position) in range.enumerated() {
      let source = snapshot.pixels(of: Int(images[position]))
      let target = pixels + place * shape.sampleCount
      guard let start = source.baseAddress else { continue }
      if shape.channels == 1 || arrangement == .channelsLast {
        PixelScale.toFloat(start, stride: 1, into: target, count: shape.sampleCount)
      } else {
        let plane = shape.height * shape.width
        for channel in 0..<shape.channels {
          PixelScale.toFloat(
            start + channel, stride: shape.channels, into: target + channel * plane, count: plane)
        }
      }
    }
  }
}

/// Bytes 0...255 as numbers -1...1 and back, by public constants.
public enum PixelScale {
  /// (v - 127.5) / 127.5 of `count` bytes, `stride` apart.
  static func toFloat(
    _ bytes: UnsafePointer<UInt8>, stride: Int, into numbers: UnsafeMutablePointer<Float>,
    count: Int
  ) {
    for index in 0..<count { numbers[index] = (Float(bytes[index * stride]) - 127.5) / 127.5 }
  }

  /// The byte nearest to a number of -1...1; numbers outside are clamped, NaN becomes 0.
  public static func byte(of number: Float) -> UInt8 {
    let value = (number * 127.5 + 127.5).rounded()
    guard value > 0 else { return 0 }  // false for NaN as well
    return value < 255 ? UInt8(value) : 255
  }
}

extension Image {
  /// An 8-bit image from numbers of -1...1.
  ///
  /// - Parameter numbers: shape.sampleCount numbers in `arrangement`.
  public init(
    shape: ImageShape, numbers: UnsafePointer<Float>, arrangement: PixelArrangement
  ) {
    let plane = shape.height * shape.width
    let bytes = [UInt8](unsafeUninitializedCapacity: shape.sampleCount) { bytes, count in
      for pixel in 0..<plane {
        for channel in 0..<shape.channels {
          let source =
            arrangement == .channelsLast
            ? pixel * shape.channels + channel : channel * plane + pixel
          bytes[pixel * shape.channels + channel] = PixelScale.byte(of: numbers[source])
        }
      }
      count = shape.sampleCount
    }
    self.init(shape: shape, bytes: bytes)
  }
}
