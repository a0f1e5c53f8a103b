import Compute

/// What the first block of a gated autoregressive network is told of each pixel: the values of its
/// channels, its row and column, and the waves of each channel's level, in this order.
struct PixelPlanes {
  /// Numbers per pixel.
  let count: Int
  private let layout: GatedStackLayout
  /// The waves of every level, levels × waves of a channel; empty if there are none.
  private let table: [Float]

  init(_ layout: GatedStackLayout) {
    self.layout = layout
    count = layout.planeCount
    table = layout.waves?.table ?? []
  }

  /// Writes the planes of the pixel whose channels stand at `source`.
  func write(
    _ source: UnsafePointer<Float>, row: Int, column: Int, to target: UnsafeMutablePointer<Float>
  ) {
    let own = layout.imageChannels
    target.update(from: source, count: own)
    (target[own], target[own + 1]) = layout.coordinates(row: row, column: column)
    guard let waves = layout.waves else { return }
    var place = target + own + GatedStackLayout.coordinateCount
    for channel in 0..<own {
      let first = waves.levels.level(of: source[channel]) * waves.count
      for index in 0..<waves.count { place[index] = table[first + index] }
      place += waves.count
    }
  }
}

extension GatedStackLayout {
  /// Planes that tell a pixel its row and column, from −1 to 1.
  package static let coordinateCount = 2

  /// Planes that the first block takes.
  package var planeCount: Int {
    imageChannels * (1 + (waves?.count ?? 0)) + Self.coordinateCount
  }

  /// The channel of the image that a plane tells of; nil for rows and columns, which are no secret.
  func imageChannel(ofPlane plane: Int) -> Int? {
    guard plane >= imageChannels else { return plane }
    let wave = plane - imageChannels - Self.coordinateCount
    return wave < 0 ? nil : wave / (waves?.count ?? 1)
  }

  /// The coordinate planes' values at a pixel.
  func coordinates(row: Int, column: Int) -> (Float, Float) {
    (
      (2 * Float(row) + 1) / Float(height) - 1, (2 * Float(column) + 1) / Float(width) - 1
    )
  }
}
