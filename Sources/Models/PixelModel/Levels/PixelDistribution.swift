import Compute

/// A pixel of a quantised image, and the memory of the preceding pixels.
struct PixelPlace {
  /// The image, height × width × channels; the pixel itself may not be drawn yet.
  let image: UnsafePointer<Float>
  /// The pixel's number, row by row.
  let position: Int
  /// The state that `PixelDistribution.remember` left after the previous pixel.
  let memory: UnsafePointer<Float>

  /// The channels of the pixel.
  func pixel(_ channelCount: Int) -> UnsafePointer<Float> { image + position * channelCount }
}

/// Maps a network's outputs at a pixel to a distribution over the pixel's levels.
protocol PixelDistribution: Sendable {
  /// The number of network outputs per pixel.
  var outputCount: Int { get }
  /// The number of channel groups that the network must distinguish: see `GatedStackLayout.groupCount`.
  var groupCount: Int { get }
  /// The channels of a pixel that are drawn together, in order.
  var steps: [Range<Int>] { get }
  /// The size of the memory of an image's earlier pixels, all zero before the first.
  var memoryCount: Int { get }
  /// Adds a pixel to the memory; called once for each pixel, in order.
  func remember(_ place: PixelPlace, in memory: UnsafeMutablePointer<Float>)
  /// Minus the natural logarithm of the probability of a pixel whose channels lie on levels, and,
  /// if requested, its gradient with respect to the outputs.
  func loss(
    of place: PixelPlace, outputs: UnsafePointer<Float>,
    gradient: UnsafeMutablePointer<Float>?
  ) -> Double
  /// Draws the channels of one step into `pixel`, given its earlier channels.
  ///
  /// The temperature divides logits and multiplies scales; one is the model itself.
  func draw(
    _ channels: Range<Int>, at place: PixelPlace, outputs: UnsafePointer<Float>,
    temperature: Double, from stream: inout SeededStream, into pixel: UnsafeMutablePointer<Float>)
}

extension PixelDistribution {
  var memoryCount: Int { 0 }

  func remember(_ place: PixelPlace, in memory: UnsafeMutablePointer<Float>) {}
}
