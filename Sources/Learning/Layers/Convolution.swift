public import Compute

/// A two-dimensional convolution with bias.
///
/// Per-example norms take one of two exact forms, whichever costs less for its sizes: Gram matrices
/// over positions, or each example's gradient built, kept for the micro-batch and reused by the
/// weighted sum (Bu et al., arXiv 2205.10683 and 2210.00038).
public final class Convolution: PerExampleLayer {
  /// The sizes.
  public let geometry: ConvolutionGeometry
  private let plan: ConvolutionPlan
  private let store: ParameterStore
  private let weights: Parameter
  private let bias: Parameter
  private var input: Tensor?
  private var outputGradient: Tensor?
  /// batch × weight count, while this micro-batch's gradients are built.
  private var exampleGradients: Tensor?
  /// batch × output channels.
  private var biasGradients: Tensor?

  /// Creates a convolution named `name` with parameters in `store`.
  public init(
    _ geometry: ConvolutionGeometry, name: String, initialization: Initialization,
    parameters store: ParameterStore, on machine: Machine
  ) {
    self.geometry = geometry
    self.store = store
    plan = ConvolutionPlan(geometry, on: machine)
    weights = store.declare("\(name).weights", geometry.weightShape, initialization)
    bias = store.declare("\(name).bias", Shape(geometry.outputChannels), .zeros)
  }

  /// What `describe` prints.
  public var summary: String {
    let g = geometry
    let norms = plan.prefersGramNorms ? "Gram" : "explicit"
    return
      "convolution \(g.inputChannels)→\(g.outputChannels), \(g.kernelHeight)×\(g.kernelWidth), "
      + "stride \(g.stride), \(norms) norms"
  }

  /// The shape of one input example.
  public var inputShape: Shape { geometry.inputShape }

  /// The shape of one output example.
  public var outputShape: Shape { geometry.outputShape }

  /// Repacks what depends on the parameters.
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
    exampleGradients = nil
    biasGradients = nil
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
    if plan.prefersGramNorms {
      plan.addSquaredNorms(input: input, outputGradient: outputGradient, to: norms)
    } else {
      let gradients = pass.make(Shape(geometry.weightCount))
      plan.exampleWeightGradients(input: input, outputGradient: outputGradient, into: gradients)
      pass.machine.addSquaredNorms(ofRows: gradients, to: norms)
      exampleGradients = gradients
    }
    let biases = sumBiases(outputGradient, in: pass)
    pass.machine.addSquaredNorms(ofRows: biases, to: norms)
    biasGradients = biases
  }

  /// Adds Σᵢ weightᵢ · gradientᵢ to the store.
  public func addGradient(weightedBy weights: Tensor?, in pass: Pass) {
    guard let input, let outputGradient else { preconditionFailure("gradient before backward") }
    let target = store.gradient(of: self.weights)
    if let exampleGradients {
      pass.machine.addWeightedRows(exampleGradients, weights: weights, to: target)
    } else {
      plan.addWeightGradient(
        input: input, outputGradient: outputGradient, exampleWeights: weights, into: target)
    }
    let biases = biasGradients ?? sumBiases(outputGradient, in: pass)
    pass.machine.addWeightedRows(biases, weights: weights, to: store.gradient(of: bias))
  }

  private func sumBiases(_ outputGradient: Tensor, in pass: Pass) -> Tensor {
    let sums = pass.make(Shape(geometry.outputChannels))
    pass.machine.sumPositions(outputGradient, channels: geometry.outputChannels, into: sums)
    return sums
  }
}

extension LayerBuilder {
  /// Appends a convolution with `channels` filters of `kernel` × `kernel`.
  ///
  /// Weights start from `initialization`, by default normal with mean zero and deviation
  /// √(2 / patch length) (He et al., arXiv 1502.01852); biases start at zero.
  public mutating func convolution(
    _ channels: Int, kernel: Int, stride: Int = 1, padding: Int = 0,
    initialization: Initialization? = nil
  ) {
    precondition(shape.rank == 3, "a convolution takes height × width × channels, not \(shape)")
    let geometry = ConvolutionGeometry(
      inputHeight: shape[0], inputWidth: shape[1], inputChannels: shape[2],
      outputChannels: channels, kernelHeight: kernel, kernelWidth: kernel, stride: stride,
      padding: .all(padding))
    let deviation = (2 / Float(geometry.patchLength)).squareRoot()
    append(
      Convolution(
        geometry, name: name("convolution"),
        initialization: initialization ?? .normal(standardDeviation: deviation),
        parameters: parameters, on: machine))
  }
}
