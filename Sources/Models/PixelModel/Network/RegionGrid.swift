/// A division of an image into side × side rectangles of nearly equal size, for parameters that
/// depend on the region but not on the exact pixel.
struct RegionGrid: Hashable, Sendable {
  /// Rows and columns of regions; one for the whole image.
  let side: Int
  private let height: Int, width: Int

  /// Divides an image of `height` × `width` pixels; both must be at least `side`.
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
