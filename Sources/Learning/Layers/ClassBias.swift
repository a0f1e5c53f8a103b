public import Compute

/// A learned bias per class and channel, added at every position.
public final class ClassBias: PerExampleLayer, EpilogueLayer {
  /// The shape of one example; its last axis is the channels.
  public let inputShape: Shape
  /// The number of classes.
  public let classCount: Int
  private let store: ParameterStore
  private let table: Parameter
  private var outputGradient: Tensor?
  /// batch × channels: each example's gradient of its class's row.
  private var rowGradients: Tensor?

  /// Creates the layer named `name`, its table in `store`.
  public init(
    classes: Int, input: Shape, name: String, initialization: Initialization,
    parameters store: ParameterStore
  ) {
    precondition(input.rank > 0 && classes > 0, "a class bias needs channels and classes")
    inputShape = input
    classCount = classes
    self.store = store
    table = store.declare(
      "\(name).table", Shape(classes, input[input.rank - 1]), initialization)
  }

  /// What `describe` prints.
  public var summary: String { "class bias \(classCount)×\(channelCount)" }

  /// The shape of one output example.
  public var outputShape: Shape { inputShape }

  private var channelCount: Int { table.shape[1] }

  /// Nothing to repack.
  public func parametersChanged() {}

  /// Computes the outputs of a micro-batch.
  public func forward(_ input: Tensor, in pass: Pass) -> Tensor {
    let output = pass.make(inputShape)
    pass.machine.run(step(in: pass), on: input, channels: channelCount, into: output)
    return output
  }

  /// Computes the input's gradient, if it is needed, and keeps what `addGradient` needs.
  public func backward(
    _ outputGradient: Tensor, needsInputGradient: Bool, in pass: Pass
  ) -> Tensor? {
    self.outputGradient = outputGradient
    rowGradients = nil
    return needsInputGradient ? outputGradient : nil
  }

  func step(in pass: Pass) -> EpilogueStep {
    .addRows(of: store.values(of: table), rows: pass.labels(below: classCount))
  }

  /// Does nothing: the layer does not need its output.
  func take(output: Tensor) {}

  var remembersOutput: Bool { false }

  var backwardStep: EpilogueStep? { nil }

  /// Adds each example's squared norm of the parameters' gradient.
  public func addSquaredGradientNorms(
    to norms: UnsafeMutableBufferPointer<Double>, in pass: Pass
  ) {
    pass.machine.addSquaredNorms(ofRows: rows(in: pass), to: norms)
  }

  /// Adds Σᵢ weightᵢ · gradientᵢ to the store.
  public func addGradient(weightedBy weights: Tensor?, in pass: Pass) {
    addClassRows(
      rows(in: pass), weightedBy: weights, labels: pass.labels, to: store.gradient(of: table))
  }

  private func rows(in pass: Pass) -> Tensor {
    if let rowGradients { return rowGradients }
    guard let outputGradient else { preconditionFailure("gradient before backward") }
    let sums = pass.make(Shape(channelCount))
    pass.machine.sumPositions(outputGradient, channels: channelCount, into: sums)
    rowGradients = sums
    return sums
  }
}

/// Adds row i of `rows` (batch × columns), times its weight, to the row of `table` (classes ×
/// columns) for its label, in the order of the batch, so that sums do not depend on threads.
package func addClassRows(
  _ rows: Tensor, weightedBy weights: Tensor?, labels: [Int], to table: Tensor
) {
  let columns = table.shape[1]
  for (example, label) in labels.enumerated() {
    let weight = weights?.pointer[example] ?? 1
    let source = rows.pointer + example * columns
    let target = table.pointer + label * columns
    for column in 0..<columns { target[column] += weight * source[column] }
  }
}

extension LayerBuilder {
  /// Appends a bias per class (pass labels below `classes`) and channel, initially zero unless
  /// `initialization` is given.
  public mutating func classBias(classes: Int, initialization: Initialization = .zeros) {
    append(
      ClassBias(
        classes: classes, input: shape, name: name("classBias"), initialization: initialization,
        parameters: parameters))
  }
}
