import CKernels

/// A convolution prepared for one machine: the forward pass, both backward passes, and the norms
/// and weighted sums of private training.
///
/// One plan serves one layer: `setWeights` takes the weights after each update, and the other
/// methods only read. A transposed convolution uses the same plan with input and output exchanged.
/// Results are bit-identical for any number of threads, and an example's results are bit-identical
/// for any batch size.
public final class ConvolutionPlan: @unchecked Sendable {
  /// The sizes.
  public let geometry: ConvolutionGeometry

  private let machine: Machine
  /// The same sums in the simplest geometry: a kernel as large as the input is a dense layer.
  private let shape: ConvolutionGeometry
  /// The products in use; each has the weights packed in its own layout.
  private var forwardProduct: (any ConvolutionProduct)?
  private var backwardProduct: (any ConvolutionProduct)?
  /// The forms of outputs, and of both gradients.
  private let forwardForm: Form, backwardForm: Form
  private lazy var gradient = PatchGradient(shape, on: machine)
  /// Whether `addWeightGradient` may use Winograd's form.
  private let usesWinogradGradient: Bool
  private lazy var winogradGradient: WinogradGradient? =
    usesWinogradGradient ? WinogradGradient(shape, on: machine) : nil
  /// The unpacked weights, for a product that is not in use yet.
  private var spareWeights: FloatStorage?

  /// The form in which outputs or gradients are computed, explained in <doc:FormsOfConvolution>.
  public enum Form: Sendable {
    /// Winograd where it takes less time, patches times filters elsewhere.
    case fastest
    /// Patches times filters, tap by tap: a zero weight cuts its connection completely, while
    /// rounding would leak through Winograd's sums of taps.
    case patch
    /// Winograd wherever filters are small enough.
    case winograd

    /// Whether to use Winograd, given whether it takes less time and whether it can be computed.
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

  /// Prepares a convolution of the given sizes on `machine`, with zero weights.
  ///
  /// Gradients are computed in the same form as outputs, unless `backwardForm` is given.
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

  /// Sets new weights, kernel height × kernel width × input channels × output channels.
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

  /// Computes `output` (batch × output shape) from `input` (batch × input shape), plus an optional
  /// `bias` (output channels), and runs `epilogue` on it.
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

  /// Computes the gradient of the input (batch × input shape) from that of the output, plus an
  /// optional `bias` (input channels), which a transposed convolution adds, and runs `epilogue` on
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
    // A dense shape has one pixel whose channels are all the inputs, so the bias is repeated over them.
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
  /// entry in `exampleWeights` (one if nil).
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

  /// The factor by which `addWeightGradient` may round more than a sum over positions.
  ///
  /// Minimal filtering sums pixels and gradients before it multiplies, and sums its products
  /// afterwards. Along an axis, a sum of pixels has two terms, and a pixel is in at most three sums
  /// per residue. A sum of gradients has two terms, and a gradient is in two sums for filters of
  /// two taps. A tap is in at most three sums of taps, whose factors add up to two. By the
  /// Cauchy–Schwarz inequality the terms are then at most 48 times those of the sum over positions,
  /// in the worst case for all of them at once. Rounding enters squared norms once beside the norm
  /// itself, so sixteen times the allowance of a few units covers it.
  public var weightGradientGrowth: Double { usesWinogradGradient ? 16 : 1 }

  /// Writes each example's weight gradient into its row of `gradients` (batch × weight count).
  public func exampleWeightGradients(
    input: Tensor, outputGradient: Tensor, into gradients: Tensor
  ) {
    let exampleCount = batchSize(input: input, output: outputGradient)
    let weightCount = geometry.weightCount
    precondition(gradients.count == exampleCount * weightCount, "gradients of another size")
    let base = gradients.pointer
    // Created here, not by whichever thread needs it first.
    let gradient = gradient
    machine.threads.forEach(exampleCount) { example, worker in
      gradient.writeExample(
        example, input: input.pointer, outputGradient: outputGradient.pointer,
        into: base + example * weightCount, scratch: machine.scratch(worker))
    }
  }

  /// Adds the squared norm of each example's weight gradient to `norms`: by Gram matrices over
  /// positions, ‖Σₚ xₚ gₚᵀ‖² = Σₚᵩ (xₚ·xᵩ)(gₚ·gᵩ) (arXiv 2205.10683), or by building one example's
  /// gradient at a time in scratch memory; `prefersGramNorms` selects the way.
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
  /// The same sums in the simplest geometry: a kernel that covers the input exactly is dense.
  var simplified: ConvolutionGeometry {
    guard kernelHeight == inputHeight, kernelWidth == inputWidth, padding == .all(0) else {
      return self
    }
    return .dense(inputs: patchLength, outputs: outputChannels)
  }
}

extension ProductSizes {
  /// Creates the product of a form.
  func makeProduct(
    in form: ConvolutionPlan.Form, on machine: Machine
  ) -> any ConvolutionProduct {
    form.usesWinograd(
      ifPreferred: WinogradProduct.isPreferred(for: self),
      ifPossible: WinogradProduct.canCompute(self))
      ? WinogradProduct(self, on: machine) : PatchProduct(self, on: machine)
  }
}
