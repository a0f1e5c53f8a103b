import Compute
import Learning

/// A convolution with some masked connections: their weights are read as zero and get no gradient.
///
/// Autoregressive networks mask the connections to later pixels, and to later channels of the same
/// pixel. A bias is optional, because the sum of several convolutions needs at most one.
final class MaskedConvolution: PerExampleLayer {
  /// Whether a weight is used.
  typealias Mask =
    @Sendable (_ row: Int, _ column: Int, _ input: Int, _ output: Int) -> Bool

  /// The sizes.
  let geometry: ConvolutionGeometry
  /// One for weights that are used, zero for the others, in the order of the weights; nil if no
  /// weight is masked.
  private let mask: Tensor?
  private let maskedWeights: Tensor
  private let memory: Arena
  private let store: ParameterStore
  private let plan: ConvolutionPlan
  private let weights: Parameter
  private let bias: Parameter?
  private var input: Tensor?
  private var outputGradient: Tensor?
  private var exampleGradients: Tensor?
  private var biasGradients: Tensor?

  /// Creates a convolution named `name` with parameters in `store`; a nil mask removes nothing.
  init(
    _ geometry: ConvolutionGeometry, mask: Mask?, hasBias: Bool = true, name: String,
    initialization: Initialization, parameters store: ParameterStore, on machine: Machine
  ) {
    self.geometry = geometry
    self.store = store
    // No pixel may affect an earlier output, not even by rounding; a gradient may round freely,
    // except where a mask removes it.
    plan = ConvolutionPlan(
      geometry, form: .patch, backwardForm: mask == nil ? .fastest : .patch,
      on: machine)
    weights = store.declare("\(name).weights", geometry.weightShape, initialization)
    bias = hasBias ? store.declare("\(name).bias", Shape(geometry.outputChannels), .zeros) : nil
    memory = Arena(blockByteCount: 1 << 12)
    maskedWeights = memory.make(mask == nil ? Shape(0) : geometry.weightShape)
    self.mask = mask.map { [memory] mask in
      let factors = memory.make(geometry.weightShape)
      factors.assign(Self.factors(geometry, mask))
      return factors
    }
  }

  /// One for weights that are used, zero for the others; in the order of the weights.
  static func factors(_ geometry: ConvolutionGeometry, _ mask: Mask) -> [Float] {
    var factors: [Float] = []
    factors.reserveCapacity(geometry.weightCount)
    for row in 0..<geometry.kernelHeight {
      for column in 0..<geometry.kernelWidth {
        for input in 0..<geometry.inputChannels {
          for output in 0..<geometry.outputChannels {
            factors.append(mask(row, column, input, output) ? 1 : 0)
          }
        }
      }
    }
    return factors
  }

  var summary: String {
    let g = geometry
    return "\(mask == nil ? "" : "masked ")convolution \(g.inputChannels)→\(g.outputChannels), "
      + "\(g.kernelHeight)×\(g.kernelWidth), explicit norms"
  }

  var inputShape: Shape { geometry.inputShape }

  var outputShape: Shape { geometry.outputShape }

  func parametersChanged() {
    let values = store.values(of: weights)
    guard let mask else { return plan.setWeights(values) }
    for index in 0..<mask.count {
      maskedWeights.pointer[index] = values.pointer[index] * mask.pointer[index]
    }
    plan.setWeights(maskedWeights)
  }

  func forward(_ input: Tensor, in pass: Pass) -> Tensor {
    self.input = input
    let output = pass.make(outputShape)
    plan.forward(input, bias: bias.map { store.values(of: $0) }, into: output)
    return output
  }

  func backward(
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

  func addSquaredGradientNorms(
    to norms: UnsafeMutableBufferPointer<Double>, in pass: Pass
  ) {
    let gradients = buildExampleGradients(in: pass)
    pass.machine.addSquaredNorms(ofRows: gradients, to: norms)
    exampleGradients = gradients
    guard bias != nil else { return }
    let sums = sumBiases(in: pass)
    pass.machine.addSquaredNorms(ofRows: sums, to: norms)
    biasGradients = sums
  }

  func addGradient(weightedBy weights: Tensor?, in pass: Pass) {
    let target = store.gradient(of: self.weights)
    if let exampleGradients {
      pass.machine.addWeightedRows(exampleGradients, weights: weights, to: target)
    } else {
      addWeightGradient(weightedBy: weights, to: target, in: pass)
    }
    guard let bias else { return }
    pass.machine.addWeightedRows(
      biasGradients ?? sumBiases(in: pass), weights: weights, to: store.gradient(of: bias))
  }

  private func addWeightGradient(weightedBy weights: Tensor?, to target: Tensor, in pass: Pass) {
    guard let input, let outputGradient else { preconditionFailure("gradient before backward") }
    let sum = mask == nil ? target : pass.arena.makeZeros(geometry.weightShape)
    plan.addWeightGradient(
      input: input, outputGradient: outputGradient, exampleWeights: weights, into: sum)
    guard let mask else { return }
    for index in 0..<mask.count {
      target.pointer[index] += sum.pointer[index] * mask.pointer[index]
    }
  }

  /// Each example's gradient with the masked connections at zero: a norm that included them would
  /// clip more than necessary.
  ///
  /// Gradients are built explicitly instead of replaced by Gram matrices, because images have far
  /// more positions than patches have entries.
  private func buildExampleGradients(in pass: Pass) -> Tensor {
    guard let input, let outputGradient else { preconditionFailure("norms before backward") }
    let gradients = pass.make(Shape(geometry.weightCount))
    plan.exampleWeightGradients(input: input, outputGradient: outputGradient, into: gradients)
    guard let mask else { return gradients }
    pass.machine.threads.forEach(pass.exampleCount) { example, _ in
      let row = gradients.pointer + example * mask.count
      for index in 0..<mask.count { row[index] *= mask.pointer[index] }
    }
    return gradients
  }

  private func sumBiases(in pass: Pass) -> Tensor {
    guard let outputGradient else { preconditionFailure("gradient before backward") }
    let sums = pass.make(Shape(geometry.outputChannels))
    pass.machine.sumPositions(outputGradient, channels: geometry.outputChannels, into: sums)
    return sums
  }
}
