public import Compute

/// A transposed convolution with bias: the adjoint of a convolution, which enlarges images.
///
/// It uses the plan of the convolution that it transposes, with input and output exchanged: its
/// forward pass is that plan's backward pass over data, and vice versa.
public final class TransposedConvolution: PerExampleLayer, ProductLayer {
  /// The sizes of the convolution that is transposed: its input is this layer's output.
  public let geometry: ConvolutionGeometry
  private let store: ParameterStore
  private let weights: ConvolutionWeights
  private let bias: Parameter
  private var input: Tensor?
  private var outputGradient: Tensor?
  /// batch × output channels.
  private var biasGradients: Tensor?

  /// Creates the transpose of the convolution `geometry`, named `name`, with parameters in `store`.
  public init(
    transposing geometry: ConvolutionGeometry, name: String, initialization: Initialization,
    parameters store: ParameterStore, on machine: Machine
  ) {
    self.geometry = geometry
    self.store = store
    weights = ConvolutionWeights(
      geometry, name: "\(name).weights", initialization: initialization, parameters: store,
      on: machine)
    bias = store.declare("\(name).bias", Shape(geometry.inputChannels), .zeros)
  }

  /// What `describe` prints.
  public var summary: String {
    let g = geometry
    return
      "transposed convolution \(g.outputChannels)→\(g.inputChannels), "
      + "\(g.kernelHeight)×\(g.kernelWidth), stride \(g.stride), \(weights.normForm)"
  }

  /// The shape of one input example.
  public var inputShape: Shape { geometry.outputShape }

  /// The shape of one output example.
  public var outputShape: Shape { geometry.inputShape }

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
    weights.plan.backwardData(
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
    weights.plan.forward(outputGradient, bias: nil, epilogue: epilogue, into: inputGradient)
    return inputGradient
  }

  /// Adds each example's squared norm of the parameters' gradient.
  public func addSquaredGradientNorms(
    to norms: UnsafeMutableBufferPointer<Double>, in pass: Pass
  ) {
    guard let input, let outputGradient else { preconditionFailure("norms before backward") }
    weights.addSquaredNorms(image: outputGradient, features: input, to: norms, in: pass)
    let biases = sumBiases(outputGradient, in: pass)
    pass.machine.addSquaredNorms(ofRows: biases, to: norms)
    biasGradients = biases
  }

  /// Adds Σᵢ weightᵢ · gradientᵢ to the store.
  public func addGradient(weightedBy weights: Tensor?, in pass: Pass) {
    guard let input, let outputGradient else { preconditionFailure("gradient before backward") }
    self.weights.addGradient(
      image: outputGradient, features: input, weightedBy: weights, in: pass)
    let biases = biasGradients ?? sumBiases(outputGradient, in: pass)
    pass.machine.addWeightedRows(biases, weights: weights, to: store.gradient(of: bias))
  }

  private func sumBiases(_ outputGradient: Tensor, in pass: Pass) -> Tensor {
    let sums = pass.make(Shape(geometry.inputChannels))
    pass.machine.sumPositions(outputGradient, channels: geometry.inputChannels, into: sums)
    return sums
  }
}

extension LayerBuilder {
  /// Appends a transposed convolution with `channels` outputs.
  ///
  /// Rows and columns become (n − 1)·stride − 2·padding + kernel + outputPadding, as in PyTorch.
  /// Weights start from `initialization`, by default normal with mean zero and deviation
  /// √(2·stride² / (kernel²·input channels)): an output reads kernel²/stride² taps on average (He et
  /// al., arXiv 1502.01852).
  public mutating func transposedConvolution(
    _ channels: Int, kernel: Int, stride: Int = 1, padding: Int = 0, outputPadding: Int = 0,
    initialization: Initialization? = nil
  ) {
    let growth = kernel + outputPadding - 2 * padding
    transposedConvolution(
      channels, kernel: kernel, stride: stride, padding: padding,
      outputHeight: (shape[0] - 1) * stride + growth,
      outputWidth: (shape[1] - 1) * stride + growth, initialization: initialization)
  }

  /// Appends a transposed convolution whose output has a chosen size.
  ///
  /// The convolution with this kernel, stride and padding must map that size to the current one.
  public mutating func transposedConvolution(
    _ channels: Int, kernel: Int, stride: Int, padding: Int, outputHeight: Int, outputWidth: Int,
    initialization: Initialization? = nil
  ) {
    precondition(
      shape.rank == 3, "a transposed convolution takes height × width × channels, not \(shape)")
    let geometry = ConvolutionGeometry(
      inputHeight: outputHeight, inputWidth: outputWidth, inputChannels: channels,
      outputChannels: shape[2], kernelHeight: kernel, kernelWidth: kernel, stride: stride,
      padding: .all(padding))
    precondition(
      geometry.outputShape == shape,
      "a convolution of \(outputHeight)×\(outputWidth) outputs \(geometry.outputShape), not \(shape)"
    )
    let taps = Float(kernel * kernel * shape[2]) / Float(stride * stride)
    append(
      TransposedConvolution(
        transposing: geometry, name: name("transposedConvolution"),
        initialization: initialization ?? .normal(standardDeviation: (2 / taps).squareRoot()),
        parameters: parameters, on: machine))
  }
}
