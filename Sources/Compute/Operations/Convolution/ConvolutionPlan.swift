import CKernels

/// A convolution made ready for one machine: forward, both backward passes, and what private
/// training asks of them.
///
/// One plan serves one layer: `setWeights` takes them after each update, the other verbs only
/// read. Transposed convolution uses the same plan with the roles of input and output exchanged.
/// Results are bit-identical for any number of threads, and those of an example for any size of batch.
public final class ConvolutionPlan: @unchecked Sendable {
  /// The sizes.
  public let geometry: ConvolutionGeometry

  private let machine: Machine
  /// The same sums in their simplest form: a kernel as large as the input is a dense layer.
  private let shape: ConvolutionGeometry
  /// The products in use; each holds the weights packed in its own way.
  private var forwardProduct: (any ConvolutionProduct)?
  private var backwardProduct: (any ConvolutionProduct)?
  /// The forms of outputs, and of both gradients.
  private let forwardForm: Form, backwardForm: Form
  private lazy var gradient = PatchGradient(shape, on: machine)
  /// Whether `addWeightGradient` may use Winograd's form.
  private let usesWinogradGradient: Bool
  private lazy var winogradGradient: WinogradGradient? =
    usesWinogradGradient ? WinogradGradient(shape, on: machine) : nil
  /// The weights as they were given, for a product that is not in use yet.
  private var spareWeights: FloatStorage?

  /// The form in which outputs, or gradients, are computed; <doc:FormsOfConvolution> explains them.
  public enum Form: Sendable {
    /// Winograd's where it takes less time, patches times filters elsewhere.
    case fastest
    /// Patches times filters, tap by tap: a weight of zero cuts its connection completely, while
    /// Winograd's sums of taps would let rounding through it.
    case patch
    /// Winograd's wherever filters are small enough for it.
    case winograd

    /// Whether Winograd's form is the one, given where it takes less time and where it can be computed.
    func usesWinograd(
      ifPreferred isPreferred: @autoclosure () -> Bool,
      ifPossible isPossible: @autoclosure () -> Bool
    ) -> Bool {
      switch self {
      case .fastest: isPreferred()
      case .patch: false
      case .winograd: isPossible()
      }
    }
  }

  /// Prepares a convolution of the given sizes on `machine`; the weights are zero.
  ///
  /// Gradients are computed in the same form as outputs, unless `backwardForm` says otherwise.
  public init(
    _ geometry: ConvolutionGeometry, form: Form = .fastest,
    backwardForm: Form? = nil, on machine: Machine
  ) {
    self.geometry = geometry
    self.machine = machine
    forwardForm = form
    self.backwardForm = backwardForm ?? form
    let shape = geometry.simplified
    self.shape = shape
    usesWinogradGradient = self.backwardForm.usesWinograd(
      ifPreferred: WinogradGradient.isPreferred(for: shape),
      ifPossible: WinogradGradient.canCompute(shape))
  }

  /// Takes new weights, kernel height × kernel width × input channels × output channels.
  public func setWeights(_ weights: Tensor) {
    precondition(weights.count == geometry.weightCount, "weights of shape \(weights.shape)")
    forwardProduct?.packForward(weights.pointer, shape)
    backwardProduct?.packBackward(weights.pointer, shape)
    guard forwardProduct == nil || backwardProduct == nil else {
      spareWeights = nil
      return
    }
    let spare = spareWeights ?? FloatStorage(count: weights.count)
    spare.base.update(from: weights.pointer, count: weights.count)
    spareWeights = spare
  }

  /// Computes `output` (batch × output shape) from `input` (batch × input shape), plus `bias`
  /// (output channels) if there is one, and runs `epilogue` on it.
  public func forward(
    _ input: Tensor, bias: Tensor?, epilogue: [EpilogueStep] = [], into output: Tensor
  ) {
    let exampleCount = batchSize(input: input, output: output)
    precondition(bias.map { $0.count == geometry.outputChannels } ?? true, "bias of another size")
    let product = forwardProduct ?? startForward()
    product.run(
      ProductCall(
        source: input.pointer, bias: bias?.pointer, target: output.pointer,
        exampleCount: exampleCount, epilogue: epilogue))
  }

  /// Computes the gradient of the input (batch × input shape) from that of the output, plus `bias`
  /// (input channels), which a transposed convolution adds, if there is one, and runs `epilogue` on
  /// it.
  public func backwardData(
    _ outputGradient: Tensor, bias: Tensor? = nil, epilogue: [EpilogueStep] = [],
    into inputGradient: Tensor
  ) {
    let exampleCount = batchSize(input: inputGradient, output: outputGradient)
    precondition(bias.map { $0.count == geometry.inputChannels } ?? true, "bias of another size")
    let product = backwardProduct ?? startBackward()
    func run(bias: UnsafePointer<Float>?) {
      product.run(
        ProductCall(
          source: outputGradient.pointer, bias: bias, target: inputGradient.pointer,
          exampleCount: exampleCount, epilogue: epilogue))
    }
    // A dense shape has one pixel whose channels are all the inputs: repeat the bias over them.
    guard let bias, shape.inputChannels != geometry.inputChannels else {
      return run(bias: bias?.pointer)
    }
    let repeated = (0..<shape.inputChannels).map { bias.pointer[$0 % bias.count] }
    repeated.withUnsafeBufferPointer { run(bias: $0.baseAddress) }
  }

  private func startForward() -> any ConvolutionProduct {
    let product = ProductSizes(forward: shape).makeProduct(in: forwardForm, on: machine)
    if let spareWeights { product.packForward(spareWeights.base, shape) }
    forwardProduct = product
    return product
  }

  private func startBackward() -> any ConvolutionProduct {
    let product = ProductSizes(backward: shape).makeProduct(in: backwardForm, on: machine)
    if let spareWeights { product.packBackward(spareWeights.base, shape) }
    backwardProduct = product
    return product
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
    if backwardForm == .winograd || exampleCount >= WinogradGradient.leastExamples,
      let winogradGradient
    {
      return winogradGradient.addSum(
        input: input.pointer, outputGradient: outputGradient.pointer,
        exampleWeights: exampleWeights?.pointer, exampleCount: exampleCount,
        into: weightGradient.pointer)
    }
    gradient.addSum(
      input: input.pointer, outputGradient: outputGradient.pointer,
      exampleWeights: exampleWeights?.pointer, exampleCount: exampleCount,
      into: weightGradient.pointer)
  }

  /// How many times as far as a sum over positions `addWeightGradient` may round.
  ///
  /// Minimal filtering sums pixels and gradients before it multiplies, and its products afterwards. Along
  /// an axis a sum of pixels has two terms and a pixel is in at most three sums per residue; a sum of
  /// gradients has two and a gradient is in two for filters of two taps; a tap is in at most three sums
  /// of taps, whose factors add up to two. By Cauchy and Schwarz the terms then are at most 48 times those
  /// of the sum over positions, if all meet at their worst; rounding enters squared norms once beside the
  /// norm itself, so that sixteen times the allowance of a few units covers it.
  public var weightGradientGrowth: Double { usesWinogradGradient ? 16 : 1 }

  /// Writes each example's weight gradient into its row of `gradients` (batch × weight count).
  public func exampleWeightGradients(
    input: Tensor, outputGradient: Tensor, into gradients: Tensor
  ) {
    let exampleCount = batchSize(input: input, output: outputGradient)
    let weightCount = geometry.weightCount
    precondition(gradients.count == exampleCount * weightCount, "gradients of another size")
    let base = gradients.pointer
    // Made here, not by whichever thread comes first.
    let gradient = gradient
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
      input: input, outputGradient: outputGradient,
      form: prefersGramNorms ? gradient.gramForm : .explicit, to: norms)
  }

  func addSquaredNorms(
    input: Tensor, outputGradient: Tensor, form: NormForm,
    to norms: UnsafeMutableBufferPointer<Double>
  ) {
    let exampleCount = batchSize(input: input, output: outputGradient)
    precondition(norms.count == exampleCount, "\(norms.count) norms for \(exampleCount) examples")
    let gradient = gradient
    machine.threads.forEach(exampleCount) { example, worker in
      norms[example] += gradient.squaredNorm(
        ofExample: example, input: input.pointer, outputGradient: outputGradient.pointer,
        form: form, scratch: machine.scratch(worker))
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
}

extension ProductSizes {
  /// The product of a form.
  func makeProduct(
    in form: ConvolutionPlan.Form, on machine: Machine
  ) -> any ConvolutionProduct {
    form.usesWinograd(
      ifPreferred: WinogradProduct.isPreferred(for: self),
      ifPossible: WinogradProduct.canCompute(self))
      ? WinogradProduct(self, on: machine) : PatchProduct(self, on: machine)
  }
}
