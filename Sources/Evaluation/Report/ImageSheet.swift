import Compute
import Datasets

/// Many images in rows and columns on one picture, as a PNG file.
public struct ImageSheet: Sendable {
  /// The description of its contents.
  public let caption: String
  /// The alternative text for readers who cannot see it.
  public let alternative: String
  /// The PNG file.
  public let png: [UInt8]
  /// The picture's size in pixels.
  public let width: Int, height: Int
  /// The side of an image pixel in screen pixels.
  public let magnification: Int

  /// Draws `images` row after row, `columns` in a row, with a gap of two pixels.
  public init(_ images: LabelledImages, columns: Int, caption: String, alternative: String) {
    precondition(columns > 0, "a sheet has at least one column")
    let gap = 2
    let cellHeight = images.shape[0] + gap
    let cellWidth = images.shape[1] + gap
    let rows = max(1, (images.count + columns - 1) / columns)
    let shape = ImageShape(
      height: rows * cellHeight - gap, width: min(columns, max(1, images.count)) * cellWidth - gap,
      channels: images.shape[2])
    // Middle grey between the images shows their borders on light and dark pages alike.
    var bytes = [UInt8](repeating: 128, count: shape.sampleCount)
    let line = images.shape[1] * shape.channels
    for image in 0..<images.count {
      let top = image / columns * cellHeight
      let left = image % columns * cellWidth * shape.channels
      let pixels = images[image]
      for row in 0..<images.shape[0] {
        let target = (top + row) * shape.width * shape.channels + left
        for offset in 0..<line {
          bytes[target + offset] = pixels[pixels.startIndex + row * line + offset]
        }
      }
    }
    self.caption = caption
    self.alternative = alternative
    png = PNGEncoder().encode(Image(shape: shape, bytes: bytes))
    width = shape.width
    height = shape.height
    magnification = images.shape[1] <= 40 ? 2 : 1
  }
}
