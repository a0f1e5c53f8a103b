import Compute

/// A layer computed by a product that can apply further steps to each number while it is in the
/// cache, in place of separate passes over memory by the following layers.
protocol ProductLayer: Layer {
  /// Like `forward`, then applies `epilogue` to every output.
  func forward(_ input: Tensor, epilogue: [EpilogueStep], in pass: Pass) -> Tensor
  /// Like `backward`, then applies `epilogue` to every number of the input's gradient.
  func backward(
    _ outputGradient: Tensor, needsInputGradient: Bool, epilogue: [EpilogueStep], in pass: Pass
  ) -> Tensor?
}

/// An element-wise layer, whose work a preceding product can do.
protocol EpilogueLayer: Layer {
  /// The step that computes this layer's output from its input.
  func step(in pass: Pass) -> EpilogueStep
  /// Receives the output of the step, in place of `forward`, including the steps of later layers
  /// unless this layer remembers its output.
  func take(output: Tensor)
  /// Whether `backward` needs the unchanged output, so that no later step may follow this layer's step.
  var remembersOutput: Bool { get }
  /// The step that computes the input's gradient from the output's, in place of `backward`; nil if
  /// the layer must see the output's gradient itself.
  var backwardStep: EpilogueStep? { get }
}
