import Compute

/// A layer whose results come from a product, which can do more to each number while the caches hold
/// it: what the layers after it would do in passes over memory of their own.
protocol ProductLayer: Layer {
  /// As `forward`, then `epilogue` to every output.
  func forward(_ input: Tensor, epilogue: [EpilogueStep], in pass: Pass) -> Tensor
  /// As `backward`, then `epilogue` to every number of the input's gradient.
  func backward(
    _ outputGradient: Tensor, needsInputGradient: Bool, epilogue: [EpilogueStep], in pass: Pass
  ) -> Tensor?
}

/// A layer that looks at one number at a time, so that a product before it can do its work.
protocol EpilogueLayer: Layer {
  /// What makes this layer's output of its input.
  func step(in pass: Pass) -> EpilogueStep
  /// Takes the output that the step gave, in the place of `forward`: what the layers after it make of
  /// that output too, unless this one remembers its output.
  func take(output: Tensor)
  /// Whether `backward` needs the output as it was, so that no later step may join this layer's.
  var remembersOutput: Bool { get }
  /// What makes the input's gradient of the output's, in the place of `backward`; nil if the layer
  /// has to see the output's gradient itself.
  var backwardStep: EpilogueStep? { get }
}
