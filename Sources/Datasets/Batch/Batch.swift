public import Compute

/// The images of one step.
///
/// It stores indices only and reads the snapshot's mapping, so a step can process a batch of any size in
/// micro-batches.
public struct Batch: Sendable {
  /// The snapshot that contains the images.
  public let snapshot: DatasetSnapshot
  /// Indices into the snapshot.
  ///
  /// Images of one unit of privacy are adjacent.
  public let images: [Int32]

  /// Creates a batch of given images; those of one unit of privacy must be adjacent.
  public init(snapshot: DatasetSnapshot, images: [Int32]) {
    self.snapshot = snapshot
    self.images = images
  }

  /// The number of images.
  ///
  /// Private: never part of a release.
  public var count: Int { images.count }

  /// The unit of privacy of each image; nil if every image is a separate unit.
  ///
  /// The contributions of one unit must be clipped together.
  public var units: [Int]? {
    guard snapshot.privacyUnit == .folder else { return nil }
    return images.map { snapshot.unit(of: Int($0)) }
  }

  /// The class of each image of `range`, positions in the batch.
  public func labels(in range: Range<Int>) -> [Int] {
    images[range].map { snapshot.label(of: Int($0)) }
  }

  /// The codes of the attributes of `range`, positions in the batch: range × columns, row by row.
  public func codes(in range: Range<Int>) -> [UInt8] {
    var codes: [UInt8] = []
    codes.reserveCapacity(range.count * snapshot.columns.count)
    for image in images[range] { codes.append(contentsOf: snapshot.codes(of: Int(image))) }
    return codes
  }

  /// Writes the images of `range`, positions in the batch, into `target`
  /// (range × height × width × channels), scaled to -1...1.
  public func fill(_ target: Tensor, from range: Range<Int>) {
    precondition(target.count == range.count * snapshot.shape.sampleCount, "room for the range")
    fill(target.pointer, from: range)
  }

  /// Writes range.count × height × width × channels numbers at `target`, scaled to -1...1 by constants that do
  /// not depend on the data.
  public func fill(_ target: UnsafeMutablePointer<Float>, from range: Range<Int>) {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "positions in the batch")
    let size = snapshot.shape.sampleCount
    for (place, position) in range.enumerated() {
      let source = snapshot.pixels(of: Int(images[position]))
      let numbers = target + place * size
      for index in 0..<size { numbers[index] = PixelScale.number(of: source[index]) }
    }
  }
}

/// Bytes 0...255 as numbers -1...1 and back, by public constants.
public enum PixelScale {
  /// (byte - 127.5) / 127.5; exactly -1 for 0 and 1 for 255.
  @inline(__always)
  public static func number(of byte: UInt8) -> Float { (Float(byte) - 127.5) / 127.5 }

  /// The byte nearest to a number of -1...1; numbers outside are clamped, NaN becomes 0.
  public static func byte(of number: Float) -> UInt8 {
    let value = (number * 127.5 + 127.5).rounded()
    guard value > 0 else { return 0 }  // false for NaN as well
    return value < 255 ? UInt8(value) : 255
  }
}

extension Image {
  /// An 8-bit image from shape.sampleCount numbers of -1...1 (height × width × channels).
  public init(shape: ImageShape, numbers: UnsafePointer<Float>) {
    self.init(
      shape: shape, bytes: (0..<shape.sampleCount).map { PixelScale.byte(of: numbers[$0]) })
  }
}
