public import Compute

/// A two-dimensional convolution with bias.
///
/// Per-example norms have two exact forms, and the cheaper one for the sizes is used: Gram matrices
/// over positions, or each example's gradient, which is built, kept for the micro-batch and reused
/// by the weighted sum (Bu et al., arXiv 2205.10683 and 2210.00038).
public final class Convolution: PerExampleLayer, ProductLayer {
  /// The sizes.
  public let geometry: ConvolutionGeometry
  private let store: ParameterStore
  private let weights: ConvolutionWeights
  private let bias: Parameter
  private var input: Tensor?
  private var outputGradient: Tensor?
  /// batch × output channels.
  private var biasGradients: Tensor?

  /// Creates a convolution named `name` with parameters in `store`.
  public init(
    _ geometry: ConvolutionGeometry, name: String, initialization: Initialization,
    parameters store: ParameterStore, on machine: Machine
  ) {
    self.geometry = geometry
    self.store = store
    weights = ConvolutionWeights(
      geometry, name: "\(name).weights", initialization: initialization, parameters: store,
      on: machine)
    bias = store.declare("\(name).bias", Shape(geometry.outputChannels), .zeros)
  }

  /// What `describe` prints.
  public var summary: String {
    let g = geometry
    return
      "convolution \(g.inputChannels)→\(g.outputChannels), \(g.kernelHeight)×\(g.kernelWidth), "
      + "stride \(g.stride), \(weights.normForm)"
  }

  /// The shape of one input example.
  public var inputShape: Shape { geometry.inputShape }

  /// The shape of one output example.
  public var outputShape: Shape { geometry.outputShape }

  /// Repacks data that depend on the parameters.
  public func parametersChanged() {
    weights.parametersChanged()
  }

  /// Computes the outputs of a micro-batch.
  public func forward(_ input: Tensor, in pass: Pass) -> Tensor {
    forward(input, epilogue: [], in: pass)
  }

  func forward(_ input: Tensor, epilogue: [EpilogueStep], in pass: Pass) -> Tensor {
    self.input = input
    let output = pass.make(outputShape)
    weights.plan.forward(
      input, bias: store.values(of: bias), epilogue: epilogue, into: output)
    return output
  }

  /// Computes the input's gradient, if it is needed, and keeps what `addGradient` needs.
  public func backward(
    _ outputGradient: Tensor, needsInputGradient: Bool, in pass: Pass
  ) -> Tensor? {
    backward(outputGradient, needsInputGradient: needsInputGradient, epilogue: [], in: pass)
  }

  func backward(
    _ outputGradient: Tensor, needsInputGradient: Bool, epilogue: [EpilogueStep], in pass: Pass
  ) -> Tensor? {
    self.outputGradient = outputGradient
    weights.begin()
    biasGradients = nil
    guard needsInputGradient else { return nil }
    let inputGradient = pass.make(inputShape)
    weights.plan.backwardData(outputGradient, epilogue: epilogue, into: inputGradient)
    return inputGradient
  }

  /// Adds each example's squared norm of the parameters' gradient.
  public func addSquaredGradientNorms(
    to norms: UnsafeMutableBufferPointer<Double>, in pass: Pass
  ) {
    guard let input, let outputGradient else { preconditionFailure("norms before backward") }
    weights.addSquaredNorms(image: input, features: outputGradient, to: norms, in: pass)
    let biases = sumBiases(outputGradient, in: pass)
    pass.machine.addSquaredNorms(ofRows: biases, to: norms)
    biasGradients = biases
  }

  /// Adds Σᵢ weightᵢ · gradientᵢ to the store.
  public func addGradient(weightedBy weights: Tensor?, in pass: Pass) {
    guard let input, let outputGradient else { preconditionFailure("gradient before backward") }
    self.weights.addGradient(
      image: input, features: outputGradient, weightedBy: weights, in: pass)
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
