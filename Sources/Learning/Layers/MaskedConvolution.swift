public import Compute

/// A convolution of which some connections are cut: their weights are read as zero and get no
/// gradient.
///
/// Autoregressive networks cut the connections to pixels, and to channels of the same pixel, that
/// come later. Where a shape without these pixels exists, an ordinary convolution is cheaper.
public final class MaskedConvolution: PerExampleLayer {
  /// Whether a weight takes part.
  public typealias Mask =
    @Sendable (_ row: Int, _ column: Int, _ input: Int, _ output: Int) -> Bool

  /// The sizes.
  public let geometry: ConvolutionGeometry
  /// One for weights that take part, zero for the others; in the order of the weights.
  private let mask: Tensor
  private let maskedWeights: Tensor
  private let memory: Arena
  private let plan: ConvolutionPlan
  private let store: ParameterStore
  private let weights: Parameter
  private let bias: Parameter
  private var input: Tensor?
  private var outputGradient: Tensor?
  private var exampleGradients: Tensor?
  private var biasGradients: Tensor?

  /// Creates a convolution named `name` with parameters in `store`.
  public init(
    _ geometry: ConvolutionGeometry, mask: Mask, name: String, initialization: Initialization,
    parameters store: ParameterStore, on machine: Machine
  ) {
    self.geometry = geometry
    self.store = store
    plan = ConvolutionPlan(geometry, on: machine)
    weights = store.declare("\(name).weights", geometry.weightShape, initialization)
    bias = store.declare("\(name).bias", Shape(geometry.outputChannels), .zeros)
    memory = Arena(blockByteCount: 1 << 12)
    self.mask = memory.make(geometry.weightShape)
    maskedWeights = memory.make(geometry.weightShape)
    self.mask.assign(Self.factors(geometry, mask))
  }

  /// One for weights that take part, zero for the others; in the order of the weights.
  package static func factors(_ geometry: ConvolutionGeometry, _ mask: Mask) -> [Float] {
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

  public var summary: String {
    let g = geometry
    return "masked convolution \(g.inputChannels)→\(g.outputChannels), "
      + "\(g.kernelHeight)×\(g.kernelWidth), explicit norms"
  }

  public var inputShape: Shape { geometry.inputShape }

  public var outputShape: Shape { geometry.outputShape }

  public func parametersChanged() {
    let values = store.values(of: weights)
    for index in 0..<mask.count {
      maskedWeights.pointer[index] = values.pointer[index] * mask.pointer[index]
    }
    plan.setWeights(maskedWeights)
  }

  public func forward(_ input: Tensor, in pass: Pass) -> Tensor {
    self.input = input
    let output = pass.make(outputShape)
    plan.forward(input, bias: store.values(of: bias), into: output)
    return output
  }

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

  public func addSquaredGradientNorms(
    to norms: UnsafeMutableBufferPointer<Double>, in pass: Pass
  ) {
    let gradients = maskedExampleGradients(in: pass)
    pass.machine.addSquaredNorms(ofRows: gradients, to: norms)
    exampleGradients = gradients
    let biases = sumBiases(in: pass)
    pass.machine.addSquaredNorms(ofRows: biases, to: norms)
    biasGradients = biases
  }

  public func addGradient(weightedBy weights: Tensor?, in pass: Pass) {
    let target = store.gradient(of: self.weights)
    if let exampleGradients {
      pass.machine.addWeightedRows(exampleGradients, weights: weights, to: target)
    } else {
      guard let input, let outputGradient else { preconditionFailure("gradient before backward") }
      let sum = pass.arena.makeZeros(geometry.weightShape)
      plan.addWeightGradient(
        input: input, outputGradient: outputGradient, exampleWeights: weights, into: sum)
      for index in 0..<mask.count {
        target.pointer[index] += sum.pointer[index] * mask.pointer[index]
      }
    }
    pass.machine.addWeightedRows(
      biasGradients ?? sumBiases(in: pass), weights: weights, to: store.gradient(of: bias))
  }

  /// Each example's gradient with the cut connections at zero: a norm that counted them would clip
  /// more than it must.
  private func maskedExampleGradients(in pass: Pass) -> Tensor {
    guard let input, let outputGradient else { preconditionFailure("norms before backward") }
    let gradients = pass.make(Shape(geometry.weightCount))
    plan.exampleWeightGradients(input: input, outputGradient: outputGradient, into: gradients)
    let size = geometry.weightCount
    pass.machine.threads.forEach(pass.exampleCount) { example, _ in
      let row = gradients.pointer + example * size
      for index in 0..<size { row[index] *= self.mask.pointer[index] }
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
