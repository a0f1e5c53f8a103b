import Compute

/// The input of a gated autoregressive network's first block for each pixel: the values of its
/// channels, its row and column, and the Fourier features of each channel's level, in this order.
struct PixelPlanes {
  /// Numbers per pixel.
  let count: Int
  private let layout: GatedStackLayout
  /// The Fourier features of every level, levels × features of a channel; empty if there are none.
  private let table: [Float]

  init(_ layout: GatedStackLayout) {
    self.layout = layout
    count = layout.planeCount
    table = layout.fourierFeatures?.table ?? []
  }

  /// Writes the planes of the pixel whose channels are at `source`.
  func write(
    _ source: UnsafePointer<Float>, row: Int, column: Int, to target: UnsafeMutablePointer<Float>
  ) {
    let own = layout.imageChannels
    target.update(from: source, count: own)
    (target[own], target[own + 1]) = layout.coordinates(row: row, column: column)
    guard let features = layout.fourierFeatures else { return }
    var place = target + own + GatedStackLayout.coordinateCount
    for channel in 0..<own {
      let first = features.levels.level(of: source[channel]) * features.count
      for index in 0..<features.count { place[index] = table[first + index] }
      place += features.count
    }
  }
}

extension GatedStackLayout {
  /// Planes for a pixel's row and column, from −1 to 1.
  static let coordinateCount = 2

  /// The number of input planes of the first block.
  var planeCount: Int {
    imageChannels * (1 + (fourierFeatures?.count ?? 0)) + Self.coordinateCount
  }

  /// The image channel on which a plane depends; nil for rows and columns, which need no mask.
  func imageChannel(ofPlane plane: Int) -> Int? {
    guard plane >= imageChannels else { return plane }
    let feature = plane - imageChannels - Self.coordinateCount
    return feature < 0 ? nil : feature / (fourierFeatures?.count ?? 1)
  }

  /// The coordinate planes' values at a pixel.
  func coordinates(row: Int, column: Int) -> (Float, Float) {
    (
      (2 * Float(row) + 1) / Float(height) - 1, (2 * Float(column) + 1) / Float(width) - 1
    )
  }
}
