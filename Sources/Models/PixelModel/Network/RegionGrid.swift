/// A division of an image into side × side rectangles of nearly equal size, for what a network
/// learns of a place without learning it of every pixel.
struct RegionGrid: Hashable, Sendable {
  /// Rows and columns of regions; one for the whole image.
  let side: Int
  private let height: Int, width: Int

  /// Divides an image of `height` × `width` pixels, which has `side` of each at least.
  init(side: Int, height: Int, width: Int) {
    precondition(
      side > 0 && side <= min(height, width), "\(side) regions a side of \(height)×\(width)")
    self.side = side
    self.height = height
    self.width = width
  }

  /// The number of regions.
  var count: Int { side * side }

  /// The region of a pixel, by rows.
  func region(row: Int, column: Int) -> Int {
    row * side / height * side + column * side / width
  }
}
