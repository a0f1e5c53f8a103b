/// The position of a pixel as Fourier features of its row and of its column: attention compares
/// positions by dot products, which cannot single out a position from plain coordinates.
struct PositionCodes {
  /// Numbers per pixel.
  let count: Int
  /// height · width × count.
  private let table: [Float]

  init(height: Int, width: Int) {
    let rows = Self.features(height)
    let columns = Self.features(width)
    count = rows.count + columns.count
    let (ofRow, ofColumn) = (rows.table, columns.table)
    var table: [Float] = []
    for row in 0..<height {
      for column in 0..<width {
        table += ofRow[(row * rows.count)..<((row + 1) * rows.count)]
        table += ofColumn[(column * columns.count)..<((column + 1) * columns.count)]
      }
    }
    self.table = table
  }

  /// Numbers per pixel of an image of this size.
  static func count(height: Int, width: Int) -> Int {
    features(height).count + features(width).count
  }

  private static func features(_ extent: Int) -> FourierFeatures {
    var bits = 1
    while 1 << bits < extent { bits += 1 }
    return FourierFeatures(bits: bits, octaves: bits)
  }

  /// Writes a stream's numbers at a pixel, followed by the codes.
  func write(
    _ stream: UnsafePointer<Float>, channels: Int, position: Int,
    to target: UnsafeMutablePointer<Float>
  ) {
    target.update(from: stream, count: channels)
    for index in 0..<count { target[channels + index] = table[position * count + index] }
  }
}
