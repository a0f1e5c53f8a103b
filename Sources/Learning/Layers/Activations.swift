public import Compute

/// Leaky rectifier: x where x > 0, slope·x elsewhere.
public final class LeakyReLU: ParameterFreeLayer, EpilogueLayer {
  /// The factor of negative inputs; zero makes it the plain rectifier.
  public let slope: Float
  /// The shape of one example.
  public let inputShape: Shape
  /// The output has the same sign as the input, so backward needs no copy of the input.
  private var output: Tensor?

  /// Creates a rectifier for examples of shape `input`.
  public init(slope: Float, input: Shape) {
    precondition(slope >= 0, "the output has the input's sign only if the slope is not negative")
    self.slope = slope
    inputShape = input
  }

  /// What `describe` prints.
  public var summary: String { slope == 0 ? "ReLU" : "leaky ReLU \(slope)" }

  /// The shape of one output example.
  public var outputShape: Shape { inputShape }

  /// Computes the outputs of a micro-batch.
  public func forward(_ input: Tensor, in pass: Pass) -> Tensor {
    let output = pass.make(inputShape)
    pass.machine.leakyReLU(input, slope: slope, into: output)
    self.output = output
    return output
  }

  /// Computes the input's gradient, if it is needed, and keeps what `addGradient` needs.
  public func backward(
    _ outputGradient: Tensor, needsInputGradient: Bool, in pass: Pass
  ) -> Tensor? {
    guard needsInputGradient else { return nil }
    guard let output else { preconditionFailure("backward before forward") }
    let inputGradient = pass.make(inputShape)
    pass.machine.leakyReLUBackward(
      outputGradient, input: output, slope: slope, into: inputGradient)
    return inputGradient
  }

  func step(in pass: Pass) -> EpilogueStep { .leakyReLU(slope: slope) }

  func take(output: Tensor) {
    self.output = output
  }

  var remembersOutput: Bool { true }

  var backwardStep: EpilogueStep? {
    output.map { .leakyReLUGradient(output: $0, slope: slope) }
  }
}

/// Hyperbolic tangent.
public final class Tanh: ParameterFreeLayer {
  /// The shape of one example.
  public let inputShape: Shape
  private var output: Tensor?

  /// Creates the layer for examples of shape `input`.
  public init(input: Shape) {
    inputShape = input
  }

  /// What `describe` prints.
  public var summary: String { "tanh" }

  /// The shape of one output example.
  public var outputShape: Shape { inputShape }

  /// Computes the outputs of a micro-batch.
  public func forward(_ input: Tensor, in pass: Pass) -> Tensor {
    let output = pass.make(inputShape)
    pass.machine.tanh(input, into: output)
    self.output = output
    return output
  }

  /// Computes the input's gradient, if it is needed, and keeps what `addGradient` needs.
  public func backward(
    _ outputGradient: Tensor, needsInputGradient: Bool, in pass: Pass
  ) -> Tensor? {
    guard needsInputGradient else { return nil }
    guard let output else { preconditionFailure("backward before forward") }
    let inputGradient = pass.make(inputShape)
    pass.machine.tanhBackward(outputGradient, output: output, into: inputGradient)
    return inputGradient
  }
}

extension LayerBuilder {
  /// Appends a leaky rectifier.
  public mutating func leakyReLU(_ slope: Float = 0.2) {
    append(LeakyReLU(slope: slope, input: shape))
  }

  /// Appends a hyperbolic tangent.
  public mutating func tanh() {
    append(Tanh(input: shape))
  }
}
