import CKernels

/// A convolution made ready for one machine: forward, both backward passes, and what private
/// training asks of them.
///
/// One plan serves one layer: `setWeights` takes them after each update, the other verbs only
/// read. Transposed convolution uses the same plan with the roles of input and output exchanged.
/// Results are bit-identical for any number of threads and any size of batch.
public final class ConvolutionPlan: @unchecked Sendable {
  /// The sizes.
  public let geometry: ConvolutionGeometry

  private let machine: Machine
  /// The same sums in their simplest form: a kernel as large as the input is a dense layer.
  private let shape: ConvolutionGeometry
  private let weights: FloatStorage
  private lazy var forwardProduct = ImageProduct(forward: shape, on: machine)
  private lazy var backwardProduct = ImageProduct(backward: shape, on: machine)
  private lazy var gradient = WeightGradient(shape, on: machine)
  private var forwardIsPacked = false, backwardIsPacked = false

  /// Prepares a convolution of the given sizes on `machine`; the weights are zero.
  public init(_ geometry: ConvolutionGeometry, on machine: Machine) {
    self.geometry = geometry
    self.machine = machine
    shape = geometry.simplified
    weights = FloatStorage(count: geometry.weightCount)
  }

  /// Takes new weights, kernel height × kernel width × input channels × output channels.
  public func setWeights(_ weights: Tensor) {
    precondition(weights.count == geometry.weightCount, "weights of shape \(weights.shape)")
    self.weights.base.update(from: weights.pointer, count: weights.count)
    forwardIsPacked = false
    backwardIsPacked = false
  }

  /// Computes `output` (batch × output shape) from `input` (batch × input shape), plus `bias`
  /// (output channels) if there is one.
  public func forward(_ input: Tensor, bias: Tensor?, into output: Tensor) {
    let exampleCount = batchSize(input: input, output: output)
    precondition(bias.map { $0.count == geometry.outputChannels } ?? true, "bias of another size")
    if !forwardIsPacked {
      forwardProduct.packForward(weights.base, shape)
      forwardIsPacked = true
    }
    forwardProduct.run(
      input.pointer, bias: bias?.pointer, into: output.pointer, exampleCount: exampleCount)
  }

  /// Computes the gradient of the input (batch × input shape) from that of the output, plus `bias`
  /// (input channels), which a transposed convolution adds, if there is one.
  public func backwardData(
    _ outputGradient: Tensor, bias: Tensor? = nil, into inputGradient: Tensor
  ) {
    let exampleCount = batchSize(input: inputGradient, output: outputGradient)
    precondition(bias.map { $0.count == geometry.inputChannels } ?? true, "bias of another size")
    if !backwardIsPacked {
      backwardProduct.packBackward(weights.base, shape)
      backwardIsPacked = true
    }
    // A dense shape has one pixel whose channels are all the inputs: repeat the bias over them.
    guard let bias, shape.inputChannels != geometry.inputChannels else {
      backwardProduct.run(
        outputGradient.pointer, bias: bias?.pointer, into: inputGradient.pointer,
        exampleCount: exampleCount)
      return
    }
    let repeated = (0..<shape.inputChannels).map { bias.pointer[$0 % bias.count] }
    repeated.withUnsafeBufferPointer {
      backwardProduct.run(
        outputGradient.pointer, bias: $0.baseAddress, into: inputGradient.pointer,
        exampleCount: exampleCount)
    }
  }

  /// Adds Σᵢ wᵢ·gᵢ to `weightGradient`, where gᵢ is the weight gradient of example i and wᵢ its
  /// entry in `exampleWeights` (one if there are none).
  public func addWeightGradient(
    input: Tensor, outputGradient: Tensor, exampleWeights: Tensor? = nil,
    into weightGradient: Tensor
  ) {
    let exampleCount = batchSize(input: input, output: outputGradient)
    precondition(weightGradient.count == geometry.weightCount, "gradient of another size")
    precondition(exampleWeights.map { $0.count == exampleCount } ?? true, "one weight per example")
    gradient.addSum(
      input: input.pointer, outputGradient: outputGradient.pointer,
      exampleWeights: exampleWeights?.pointer, exampleCount: exampleCount,
      into: weightGradient.pointer)
  }

  /// Writes each example's weight gradient into its row of `gradients` (batch × weight count).
  public func exampleWeightGradients(
    input: Tensor, outputGradient: Tensor, into gradients: Tensor
  ) {
    let exampleCount = batchSize(input: input, output: outputGradient)
    let weightCount = geometry.weightCount
    precondition(gradients.count == exampleCount * weightCount, "gradients of another size")
    let base = gradients.pointer
    machine.threads.forEach(exampleCount) { example, worker in
      gradient.writeExample(
        example, input: input.pointer, outputGradient: outputGradient.pointer,
        into: base + example * weightCount, scratch: machine.scratch(worker))
    }
  }

  /// Adds the squared norm of each example's weight gradient to `norms`: by Gram matrices over
  /// positions, ‖Σₚ xₚ gₚᵀ‖² = Σₚᵩ (xₚ·xᵩ)(gₚ·gᵩ) (arXiv 2205.10683), or by building one example's
  /// gradient at a time in scratch memory, whichever `prefersGramNorms` says.
  public func addSquaredNorms(
    input: Tensor, outputGradient: Tensor, to norms: UnsafeMutableBufferPointer<Double>
  ) {
    addSquaredNorms(
      input: input, outputGradient: outputGradient, usingGram: prefersGramNorms, to: norms)
  }

  func addSquaredNorms(
    input: Tensor, outputGradient: Tensor, usingGram: Bool,
    to norms: UnsafeMutableBufferPointer<Double>
  ) {
    let exampleCount = batchSize(input: input, output: outputGradient)
    precondition(norms.count == exampleCount, "\(norms.count) norms for \(exampleCount) examples")
    machine.threads.forEach(exampleCount) { example, worker in
      norms[example] += gradient.squaredNorm(
        ofExample: example, input: input.pointer, outputGradient: outputGradient.pointer,
        usingGram: usingGram, scratch: machine.scratch(worker))
    }
  }

  /// Whether Gram matrices are cheaper than building each example's gradient: about
  /// P²(K + C)/2 against P·K·C multiply-adds.
  public var prefersGramNorms: Bool {
    let positions = shape.positionCount
    return positions * (shape.patchLength + shape.outputChannels)
      < 2 * shape.patchLength * shape.outputChannels
  }

  private func batchSize(input: Tensor, output: Tensor) -> Int {
    let exampleCount = input.count / geometry.inputShape.count
    precondition(
      exampleCount * geometry.inputShape.count == input.count
        && exampleCount * geometry.outputShape.count == output.count,
      "\(input.shape) and \(output.shape) are not batches of \(geometry.inputShape) and "
        + "\(geometry.outputShape)")
    return exampleCount
  }
}

extension ConvolutionGeometry {
  /// The same sums with the least structure: a kernel that covers the input exactly is dense.
  var simplified: ConvolutionGeometry {
    guard kernelHeight == inputHeight, kernelWidth == inputWidth, padding == .all(0) else {
      return self
    }
    return .dense(inputs: patchLength, outputs: outputChannels)
  }

  var input: ImageProduct.Extent {
    ImageProduct.Extent(height: inputHeight, width: inputWidth, channels: inputChannels)
  }

  var output: ImageProduct.Extent {
    ImageProduct.Extent(height: outputHeight, width: outputWidth, channels: outputChannels)
  }
}
