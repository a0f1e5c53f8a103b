import Compute
import Datasets

/// The levels that a channel of a pixel may take, evenly spaced over [−1, 1].
///
/// Black and white are levels themselves: level k represents 2k/(count − 1) − 1, and a value is
/// rounded to the nearest level. With 256 levels this is exact for 8-bit images. With fewer, each
/// level is the centre of its bin and the first and last bins are half as wide, so that drawn
/// images keep pure black and white.
public struct PixelLevels: Hashable, Sendable {
  /// Number of levels, 2 to 256.
  public let count: Int

  /// The levels of so many bits, 1 to 8.
  public init(bits: Int) {
    count = 1 << bits
  }

  /// Half the distance between neighbours.
  var halfWidth: Double { 1 / Double(count - 1) }

  /// The nearest level; the first level for NaN, which a diverged model may draw.
  func level(of value: Float) -> Int {
    let scaled = ((value + 1) * 0.5 * Float(count - 1)).rounded()
    guard scaled > 0 else { return 0 }
    return scaled < Float(count - 1) ? Int(scaled) : count - 1
  }

  /// The value of a level.
  func value(of level: Int) -> Float {
    Float(2 * level) / Float(count - 1) - 1
  }

  /// The byte of the level that is nearest to a byte.
  public func nearest(to byte: UInt8) -> UInt8 {
    PixelScale.byte(of: value(of: level(of: PixelScale.number(of: byte))))
  }

  /// Replaces every element by its nearest level's value.
  func quantize(_ images: Tensor) {
    for index in 0..<images.count {
      images.pointer[index] = value(of: level(of: images.pointer[index]))
    }
  }
}
