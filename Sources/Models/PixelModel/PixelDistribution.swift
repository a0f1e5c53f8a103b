import Compute

/// How a network's outputs at a pixel become a distribution over the pixel's levels.
protocol PixelDistribution: Sendable {
  /// Numbers per pixel that it takes.
  var outputCount: Int { get }
  /// Groups of channels that the network must tell apart: see `GatedStackLayout.groupCount`.
  var groupCount: Int { get }
  /// The channels of a pixel that are drawn together, in order.
  var steps: [Range<Int>] { get }
  /// Minus the natural logarithm of the probability of a pixel whose channels lie on levels, and,
  /// if wanted, its gradient with respect to the outputs.
  func loss(
    of pixel: UnsafePointer<Float>, outputs: UnsafePointer<Float>,
    gradient: UnsafeMutablePointer<Float>?
  ) -> Double
  /// Draws the channels of one step, given the earlier channels of `pixel`.
  ///
  /// The temperature divides logits and multiplies scales; one is the model itself.
  func draw(
    _ channels: Range<Int>, outputs: UnsafePointer<Float>, temperature: Double,
    from stream: inout SeededStream, into pixel: UnsafeMutablePointer<Float>)
}
