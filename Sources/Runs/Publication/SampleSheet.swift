import Compute
package import Datasets

/// A picture of sample images: one row for each class, enlarged so that people can see them.
package struct SampleSheet {
  /// The number of samples of each class, side by side.
  package static let perClass = 12
  /// The gap between samples in pixels.
  private static let gap = 2
  /// The side of the square that each pixel of a sample becomes, so that small images can be seen.
  private let scale: Int
  private let shape: ImageShape
  private let rowCount: Int
  private var pixels: [UInt8]

  /// An empty sheet for samples of `shape` in `classCount` classes.
  package init(shape: ImageShape, classCount: Int) {
    self.shape = shape
    rowCount = max(1, classCount)
    scale = max(1, 64 / max(shape.height, shape.width))
    pixels = []
    pixels = [UInt8](
      repeating: 255, count: sheetShape.height * sheetShape.width * shape.channels)
  }

  /// The labels of the samples, in the order of the sheet.
  var labels: [Int] { (0..<rowCount * Self.perClass).map { $0 / Self.perClass } }

  private var cell: (height: Int, width: Int) {
    (shape.height * scale + Self.gap, shape.width * scale + Self.gap)
  }

  private var sheetShape: ImageShape {
    ImageShape(
      height: rowCount * cell.height + Self.gap, width: Self.perClass * cell.width + Self.gap,
      channels: shape.channels)
  }

  /// Places sample number `index`; `sample` is height × width × channels in −1...1.
  mutating func put(_ sample: UnsafePointer<Float>, at index: Int) {
    put(at: index) { PixelScale.byte(of: sample[$0]) }
  }

  /// Places image number `index`; `bytes` are height × width × channels.
  package mutating func put(bytes: [UInt8], at index: Int) {
    put(at: index) { bytes[$0] }
  }

  private mutating func put(at index: Int, _ sample: (Int) -> UInt8) {
    let top = index / Self.perClass * cell.height + Self.gap
    let left = index % Self.perClass * cell.width + Self.gap
    for row in 0..<shape.height * scale {
      for column in 0..<shape.width * scale {
        let source = ((row / scale) * shape.width + column / scale) * shape.channels
        let target = ((top + row) * sheetShape.width + left + column) * shape.channels
        for channel in 0..<shape.channels {
          pixels[target + channel] = sample(source + channel)
        }
      }
    }
  }

  /// The sheet as a picture.
  package var image: Image { Image(shape: sheetShape, bytes: pixels) }

  /// Draws the sheet's samples from a model.
  mutating func draw(
    _ sample: (_ labels: [Int], _ receive: (Int, Tensor) throws -> Void) throws -> Void
  ) rethrows {
    let size = shape.sampleCount
    try sample(labels) { first, images in
      for place in 0..<images.shape[0] {
        put(images.pointer + place * size, at: first + place)
      }
    }
  }
}
