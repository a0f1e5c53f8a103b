public import Compute

/// The first layer of a network whose later layers need the images of a pass or noise of their own for each.
///
/// It changes nothing. It remembers the images, with which a loss compares the outputs, and gives each image a
/// key that follows from its numbers alone.
///
/// Noise that is drawn from such a key is a function of the image. So the gradient of an image does not depend on
/// the other images of its batch, nor on its place among them. With noise by place, an additional image would
/// move all later ones to other noise, and the sum of their gradients by more than its own share.
public final class KeyedImages: ParameterFreeLayer {
  /// The shape of one example.
  public let inputShape: Shape
  /// The images of the last forward pass.
  public private(set) var input: Tensor?
  /// The key of each image of the last forward pass.
  public private(set) var keys: [UInt64] = []

  /// Creates the layer for examples of shape `input`.
  public init(input: Shape) {
    inputShape = input
  }

  /// What `describe` prints.
  public var summary: String { "keys of images" }

  /// The shape of one output example.
  public var outputShape: Shape { inputShape }

  /// Returns the input itself.
  public func forward(_ input: Tensor, in pass: Pass) -> Tensor {
    self.input = input
    let size = inputShape.count
    keys = (0..<pass.exampleCount).map { example in
      Self.key(of: input.pointer + example * size, count: size)
    }
    return input
  }

  /// Returns the output's gradient, if it is needed.
  public func backward(
    _ outputGradient: Tensor, needsInputGradient: Bool, in pass: Pass
  ) -> Tensor? {
    needsInputGradient ? outputGradient : nil
  }

  /// A hash of the bits of an image's numbers (FNV-1a by words, Fowler, Noll and Vo).
  private static func key(of image: UnsafePointer<Float>, count: Int) -> UInt64 {
    var key: UInt64 = 0xCBF2_9CE4_8422_2325
    for index in 0..<count {
      key = (key ^ UInt64(image[index].bitPattern)) &* 0x0000_0100_0000_01B3
      key ^= key >> 29
    }
    return key
  }
}
