import Compute
import Learning

/// Images at a fraction of their size: each pixel is the mean of a square.
struct ReducedImages: ExampleSource {
  let images: any ExampleSource
  /// The form of the images before.
  let format: ImageSpecification
  /// Rows and columns of the square that becomes one pixel.
  let factor: Int

  var count: Int { images.count }
  var units: [Int]? { images.units }

  func labels(in range: Range<Int>) -> [Int] { images.labels(in: range) }

  func fill(_ target: Tensor, from range: Range<Int>) {
    guard factor > 1 else { return images.fill(target, from: range) }
    let arena = Arena()
    let full = arena.make(Shape([range.count] + format.shape.extents))
    images.fill(full, from: range)
    let (height, width, channels) = (
      format.height / factor, format.width / factor, format.channels
    )
    let scale = 1 / Float(factor * factor)
    for example in 0..<range.count {
      let source = full.pointer + example * format.shape.count
      let place = target.pointer + example * height * width * channels
      for row in 0..<height {
        for column in 0..<width {
          for channel in 0..<channels {
            var total: Float = 0
            for y in (row * factor)..<((row + 1) * factor) {
              for x in (column * factor)..<((column + 1) * factor) {
                total += source[(y * format.width + x) * channels + channel]
              }
            }
            place[(row * width + column) * channels + channel] = scale * total
          }
        }
      }
    }
  }
}

/// The order of the four pixels of a block, 2×2 pixels of an image that are one pixel of the coarse one.
///
/// A pixel is predicted from the coarse image and from the corners before it, for all blocks at once (Reed and others
/// 2017, "Parallel multiscale autoregressive density estimation", arXiv 1703.03664).
enum BlockCorner {
  /// Row and column of each corner within its block, in the order in which they are drawn.
  static let places: [(row: Int, column: Int)] = [(0, 0), (1, 1), (0, 1), (1, 0)]
  static let count = 4
}

/// Images as blocks, the form that an upsampler reads: for each coarse pixel its channels, then those of the four
/// corners.
///
/// The label of an example holds its class and the corner that it teaches.
struct BlockExamples: ExampleSource {
  /// Images at twice the coarse size.
  let images: any ExampleSource
  /// The form of the coarse images.
  let coarse: ImageSpecification
  /// The levels of the coarse image, as the stage before draws them.
  let coarseLevels: PixelLevels
  /// The levels of the corners.
  let levels: PixelLevels
  /// The corner of each example.
  let corners: [Int]

  var count: Int { images.count }
  var units: [Int]? { images.units }

  func labels(in range: Range<Int>) -> [Int] {
    let classes = images.labels(in: range)
    return range.enumerated().map { place, index in
      Self.label(ofClass: classes.isEmpty ? 0 : classes[place], corner: corners[index])
    }
  }

  /// The label of a class and a corner.
  static func label(ofClass label: Int, corner: Int) -> Int { label * BlockCorner.count + corner }

  func fill(_ target: Tensor, from range: Range<Int>) {
    let arena = Arena()
    let (height, width, channels) = (coarse.height, coarse.width, coarse.channels)
    let size = BlockCorner.count * height * width * channels
    let fine = arena.make(Shape(range.count, 2 * height, 2 * width, channels))
    images.fill(fine, from: range)
    let block = channels * (1 + BlockCorner.count)
    for example in 0..<range.count {
      let source = fine.pointer + example * size
      for position in 0..<(height * width) {
        let (row, column) = (position / width, position % width)
        let place = target.pointer + (example * height * width + position) * block
        for channel in 0..<channels {
          var total: Float = 0
          for (corner, offset) in BlockCorner.places.enumerated() {
            let pixel = (2 * row + offset.row) * 2 * width + 2 * column + offset.column
            let value = source[pixel * channels + channel]
            total += value
            place[channels * (1 + corner) + channel] = levels.value(of: levels.level(of: value))
          }
          place[channel] = coarseLevels.value(of: coarseLevels.level(of: 0.25 * total))
        }
      }
    }
  }
}
