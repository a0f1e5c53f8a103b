public import Compute

/// The same numbers under another shape; nothing is copied.
public final class Reshape: ParameterFreeLayer {
  /// The shape of one input example.
  public let inputShape: Shape
  /// The shape of one output example.
  public let outputShape: Shape

  /// Creates a view of `input` as `output`, which has the same number of elements.
  public init(_ output: Shape, input: Shape) {
    precondition(input.count == output.count, "cannot view \(input) as \(output)")
    inputShape = input
    outputShape = output
  }

  /// What `describe` prints.
  public var summary: String { "reshape" }

  /// Computes the outputs of a micro-batch.
  public func forward(_ input: Tensor, in pass: Pass) -> Tensor {
    input.reshaped(outputShape.batched(pass.exampleCount))
  }

  /// Computes the input's gradient, if it is needed, and keeps what `addGradient` needs.
  public func backward(
    _ outputGradient: Tensor, needsInputGradient: Bool, in pass: Pass
  ) -> Tensor? {
    needsInputGradient ? outputGradient.reshaped(inputShape.batched(pass.exampleCount)) : nil
  }
}

extension LayerBuilder {
  /// Appends a view of each example as `shape`.
  public mutating func reshape(_ shape: Shape) {
    append(Reshape(shape, input: self.shape))
  }
}
