public import Compute

/// A class-conditional gate: half of the channels passes through tanh and is multiplied by the
/// sigmoid of the other half.
///
/// It is that of van den Oord and others (2016, arXiv 1606.05328, equations 2 and 4).
/// A learned bias per channel is added first, the same at all positions: one that all classes share,
/// and with several classes one of the example's own.
public final class GatedActivation: PerExampleLayer {
  /// The shape of one input example; its last axis holds 2C channels.
  public let inputShape: Shape
  /// The shape of one output example; its last axis holds C channels.
  public let outputShape: Shape
  /// The number of classes; with one, labels are not read.
  public let classCount: Int
  private let store: ParameterStore
  private let bias: Parameter
  private let table: Parameter?
  /// What the table's entries are multiplied by.
  ///
  /// A class sees one of `classCount` examples, so its gradient is that much smaller against the
  /// noise of private training; the square root takes half of that back.
  private let classGain: Float
  /// Tanh and sigmoid of the last forward pass, batch × input shape.
  private var parts: Tensor?
  private var inputGradient: Tensor?
  /// batch × 2C: each example's gradient of its biases.
  private var rowGradients: Tensor?

  /// Creates a gate named `name`; its biases lie in `store` and start at zero.
  public init(classes: Int, input: Shape, name: String, parameters store: ParameterStore) {
    precondition(
      input.rank > 0 && input[input.rank - 1].isMultiple(of: 2),
      "a gate takes an even number of channels, not \(input)")
    precondition(classes > 0, "a gate has one class at least")
    inputShape = input
    outputShape = Shape(input.extents.dropLast() + [input[input.rank - 1] / 2])
    classCount = classes
    self.store = store
    classGain = Self.classGain(classes)
    bias = store.declare("\(name).bias", Shape(input[input.rank - 1]), .zeros)
    table =
      classes > 1
      ? store.declare("\(name).table", Shape(classes, input[input.rank - 1]), .zeros) : nil
  }

  /// What a table's entries are multiplied by.
  private static func classGain(_ classes: Int) -> Float {
    Float(classes).squareRoot()
  }

  /// The biases of each class, classes × 2C, from the parameters of a gate.
  package static func classBiases(
    classes: Int, bias: Tensor, table: Tensor?
  ) -> [Float] {
    (0..<(classes * bias.count)).map { index in
      bias.pointer[index % bias.count] + (table?.pointer[index] ?? 0) * classGain(classes)
    }
  }

  public var summary: String {
    classCount > 1 ? "gate \(channelCount), \(classCount) classes" : "gate \(channelCount)"
  }

  private var channelCount: Int { outputShape[outputShape.rank - 1] }

  private var positionCount: Int { outputShape.count / channelCount }

  public func parametersChanged() {}

  public func forward(_ input: Tensor, in pass: Pass) -> Tensor {
    let labels = labels(of: pass)
    let biases = Self.classBiases(
      classes: classCount, bias: store.values(of: bias), table: table.map(store.values(of:)))
    let channels = channelCount
    let positions = positionCount
    let output = pass.make(outputShape)
    let parts = pass.make(inputShape)
    pass.machine.threads.forEach(pass.exampleCount) { example, _ in
      var source = input.pointer + example * positions * 2 * channels
      var kept = parts.pointer + example * positions * 2 * channels
      var target = output.pointer + example * positions * channels
      biases[(labels[example] * 2 * channels)...].withUnsafeBufferPointer { bias in
        guard let bias = bias.baseAddress else { return }
        for _ in 0..<positions {
          GatedArithmetic.gate(source, bias: bias, channels: channels, parts: kept, output: target)
          source += 2 * channels
          kept += 2 * channels
          target += channels
        }
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
    guard table != nil else {
      return pass.machine.addSquaredNorms(ofRows: rows(in: pass), to: norms)
    }
    // The shared bias takes the row itself, the class's entry the row times the gain.
    for (example, square) in pass.squaredNorms(of: rows(in: pass)).enumerated() {
      norms[example] += square * (1 + Double(classGain) * Double(classGain))
    }
  }

  public func addGradient(weightedBy weights: Tensor?, in pass: Pass) {
    let rows = rows(in: pass)
    pass.machine.addWeightedRows(rows, weights: weights, to: store.gradient(of: bias))
    guard let table else { return }
    let scaled = pass.make(Shape(2 * channelCount))
    scaled.copy(from: rows)
    pass.machine.scale(scaled, by: classGain)
    addClassRows(
      scaled, weightedBy: weights, labels: labels(of: pass), to: store.gradient(of: table))
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
