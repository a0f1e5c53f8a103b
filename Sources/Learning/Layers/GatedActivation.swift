public import Compute

/// A class-conditional gate: half of the channels passes through tanh and is multiplied by the
/// sigmoid of the other half.
///
/// It is that of van den Oord and others (2016, arXiv 1606.05328, equations 2 and 4).
/// A learned bias per class and channel is added first, the same at all positions.
public final class GatedActivation: PerExampleLayer {
  /// The shape of one input example; its last axis holds 2C channels.
  public let inputShape: Shape
  /// The shape of one output example; its last axis holds C channels.
  public let outputShape: Shape
  /// The number of classes; with one, labels are not read.
  public let classCount: Int
  private let store: ParameterStore
  private let table: Parameter
  /// Tanh and sigmoid of the last forward pass, batch × input shape.
  private var parts: Tensor?
  private var inputGradient: Tensor?
  /// batch × 2C: each example's gradient of its class's row.
  private var rowGradients: Tensor?

  /// Creates a gate named `name`; the table of biases lies in `store` and starts at zero.
  public init(classes: Int, input: Shape, name: String, parameters store: ParameterStore) {
    precondition(
      input.rank > 0 && input[input.rank - 1].isMultiple(of: 2),
      "a gate takes an even number of channels, not \(input)")
    precondition(classes > 0, "a gate has one class at least")
    inputShape = input
    outputShape = Shape(input.extents.dropLast() + [input[input.rank - 1] / 2])
    classCount = classes
    self.store = store
    table = store.declare("\(name).table", Shape(classes, input[input.rank - 1]), .zeros)
  }

  public var summary: String {
    classCount > 1 ? "gate \(channelCount), \(classCount) classes" : "gate \(channelCount)"
  }

  private var channelCount: Int { outputShape[outputShape.rank - 1] }

  private var positionCount: Int { outputShape.count / channelCount }

  public func parametersChanged() {}

  public func forward(_ input: Tensor, in pass: Pass) -> Tensor {
    let labels = labels(of: pass)
    let biases = store.values(of: table).pointer
    let channels = channelCount
    let positions = positionCount
    let output = pass.make(outputShape)
    let parts = pass.make(inputShape)
    pass.machine.threads.forEach(pass.exampleCount) { example, _ in
      let bias = biases + labels[example] * 2 * channels
      var source = input.pointer + example * positions * 2 * channels
      var kept = parts.pointer + example * positions * 2 * channels
      var target = output.pointer + example * positions * channels
      for _ in 0..<positions {
        GatedArithmetic.gate(source, bias: bias, channels: channels, parts: kept, output: target)
        source += 2 * channels
        kept += 2 * channels
        target += channels
      }
    }
    self.parts = parts
    return output
  }

  public func backward(
    _ outputGradient: Tensor, needsInputGradient: Bool, in pass: Pass
  ) -> Tensor? {
    guard let parts else { preconditionFailure("backward before forward") }
    rowGradients = nil
    let channels = channelCount
    let positions = positionCount
    let inputGradient = pass.make(inputShape)
    pass.machine.threads.forEach(pass.exampleCount) { example, _ in
      var gradient = outputGradient.pointer + example * positions * channels
      var kept = parts.pointer + example * positions * 2 * channels
      var target = inputGradient.pointer + example * positions * 2 * channels
      for _ in 0..<positions {
        GatedArithmetic.gateBackward(
          gradient, parts: kept, channels: channels, inputGradient: target)
        gradient += channels
        kept += 2 * channels
        target += 2 * channels
      }
    }
    self.inputGradient = inputGradient
    return needsInputGradient ? inputGradient : nil
  }

  public func addSquaredGradientNorms(
    to norms: UnsafeMutableBufferPointer<Double>, in pass: Pass
  ) {
    pass.machine.addSquaredNorms(ofRows: rows(in: pass), to: norms)
  }

  public func addGradient(weightedBy weights: Tensor?, in pass: Pass) {
    addClassRows(
      rows(in: pass), weightedBy: weights, labels: labels(of: pass), to: store.gradient(of: table))
  }

  private func labels(of pass: Pass) -> [Int] {
    classCount > 1
      ? pass.labels(below: classCount) : Array(repeating: 0, count: pass.exampleCount)
  }

  private func rows(in pass: Pass) -> Tensor {
    if let rowGradients { return rowGradients }
    guard let inputGradient else { preconditionFailure("gradient before backward") }
    let sums = pass.make(Shape(2 * channelCount))
    pass.machine.sumPositions(inputGradient, channels: 2 * channelCount, into: sums)
    rowGradients = sums
    return sums
  }
}

extension LayerBuilder {
  /// Appends a gate over half of the channels, conditional on the class if there are several.
  public mutating func gatedActivation(classes: Int = 1) {
    append(
      GatedActivation(classes: classes, input: shape, name: name("gate"), parameters: parameters))
  }
}
