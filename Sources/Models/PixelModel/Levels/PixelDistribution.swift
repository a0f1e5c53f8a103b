import Compute

/// A pixel of an image on levels, and what is remembered of the pixels before it.
struct PixelPlace {
  /// The image, height × width × channels; the pixel itself may not be drawn yet.
  let image: UnsafePointer<Float>
  /// The pixel's number, row by row.
  let position: Int
  /// As `PixelDistribution.remember` left it behind the pixel before.
  let memory: UnsafePointer<Float>

  /// The channels of the pixel.
  func pixel(_ channelCount: Int) -> UnsafePointer<Float> { image + position * channelCount }
}

/// How a network's outputs at a pixel become a distribution over the pixel's levels.
protocol PixelDistribution: Sendable {
  /// Numbers per pixel that it takes.
  var outputCount: Int { get }
  /// Groups of channels that the network must tell apart: see `GatedStackLayout.groupCount`.
  var groupCount: Int { get }
  /// The channels of a pixel that are drawn together, in order.
  var steps: [Range<Int>] { get }
  /// Numbers that are remembered of an image's earlier pixels, all zero before the first.
  var memoryCount: Int { get }
  /// Takes a pixel into what is remembered; called once for each pixel, in order.
  func remember(_ place: PixelPlace, in memory: UnsafeMutablePointer<Float>)
  /// Minus the natural logarithm of the probability of a pixel whose channels lie on levels, and,
  /// if wanted, its gradient with respect to the outputs.
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
