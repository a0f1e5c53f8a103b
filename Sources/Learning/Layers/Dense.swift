public import Compute

/// A matrix product with bias over all numbers of an example.
///
/// An example's weight gradient is the outer product of its input x and its output gradient g, so
/// its squared norm is exactly ‖x‖²·‖g‖²; the bias adds ‖g‖².
public final class Dense: PerExampleLayer {
  /// The shape of one input example; its numbers are read in memory order.
  public let inputShape: Shape
  private let plan: ConvolutionPlan
  private let store: ParameterStore
  private let weights: Parameter
  private let bias: Parameter
  private var input: Tensor?
  private var outputGradient: Tensor?

  /// Creates a dense layer of `outputs` numbers named `name` with parameters in `store`.
  public init(
    _ outputs: Int, input: Shape, name: String, initialization: Initialization,
    parameters store: ParameterStore, on machine: Machine
  ) {
    inputShape = input
    self.store = store
    plan = ConvolutionPlan(.dense(inputs: input.count, outputs: outputs), on: machine)
    weights = store.declare("\(name).weights", Shape(input.count, outputs), initialization)
    bias = store.declare("\(name).bias", Shape(outputs), .zeros)
  }

  /// What `describe` prints.
  public var summary: String { "dense \(inputShape.count)→\(outputShape.count)" }

  /// The shape of one output example.
  public var outputShape: Shape { bias.shape }

  /// Repacks data that depend on the parameters.
  public func parametersChanged() {
    plan.setWeights(store.values(of: weights))
  }

  /// Computes the outputs of a micro-batch.
  public func forward(_ input: Tensor, in pass: Pass) -> Tensor {
    self.input = input
    let output = pass.make(outputShape)
    plan.forward(input, bias: store.values(of: bias), into: output)
    return output
  }

  /// Computes the input's gradient, if it is needed, and keeps what `addGradient` needs.
  public func backward(
    _ outputGradient: Tensor, needsInputGradient: Bool, in pass: Pass
  ) -> Tensor? {
    self.outputGradient = outputGradient
    guard needsInputGradient else { return nil }
    let inputGradient = pass.make(inputShape)
    plan.backwardData(outputGradient, into: inputGradient)
    return inputGradient
  }

  /// Adds each example's squared norm of the parameters' gradient.
  public func addSquaredGradientNorms(
    to norms: UnsafeMutableBufferPointer<Double>, in pass: Pass
  ) {
    guard let input, let outputGradient else { preconditionFailure("norms before backward") }
    let inputs = pass.squaredNorms(of: input)
    let gradients = pass.squaredNorms(of: outputGradient)
    for index in norms.indices { norms[index] += (inputs[index] + 1) * gradients[index] }
  }

  /// Adds Σᵢ weightᵢ · gradientᵢ to the store.
  public func addGradient(weightedBy weights: Tensor?, in pass: Pass) {
    guard let input, let outputGradient else { preconditionFailure("gradient before backward") }
    plan.addWeightGradient(
      input: input, outputGradient: outputGradient, exampleWeights: weights,
      into: store.gradient(of: self.weights))
    pass.machine.addWeightedRows(
      outputGradient, weights: weights, to: store.gradient(of: bias))
  }
}

extension LayerBuilder {
  /// Appends a dense layer with `outputs` numbers, for any input shape.
  ///
  /// Weights start from `initialization`, by default normal with mean zero and deviation
  /// √(2 / inputs) (He et al., arXiv 1502.01852); biases start at zero.
  public mutating func dense(_ outputs: Int, initialization: Initialization? = nil) {
    let deviation = (2 / Float(shape.count)).squareRoot()
    append(
      Dense(
        outputs, input: shape, name: name("dense"),
        initialization: initialization ?? .normal(standardDeviation: deviation),
        parameters: parameters, on: machine))
  }
}
