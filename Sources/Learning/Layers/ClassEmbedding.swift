public import Compute

/// A learned row per class, appended to a flat input such as a latent vector.
public final class ClassEmbedding: PerExampleLayer {
  /// The shape of one input example, flat.
  public let inputShape: Shape
  /// The number of classes.
  public let classCount: Int
  private let store: ParameterStore
  private let table: Parameter
  /// batch × embedding width: each example's gradient of its class's row.
  private var rowGradients: Tensor?

  /// Creates an embedding of `width` numbers named `name`, its table in `store`.
  public init(
    _ width: Int, classes: Int, input: Shape, name: String, initialization: Initialization,
    parameters store: ParameterStore
  ) {
    precondition(input.rank == 1, "a class embedding is appended to a flat input, not \(input)")
    precondition(width > 0 && classes > 0, "an embedding needs a width and classes")
    inputShape = input
    classCount = classes
    self.store = store
    table = store.declare("\(name).table", Shape(classes, width), initialization)
  }

  /// What `describe` prints.
  public var summary: String { "class embedding \(classCount)×\(width)" }

  /// The shape of one output example.
  public var outputShape: Shape { Shape(inputShape[0] + width) }

  private var width: Int { table.shape[1] }

  /// Nothing to repack.
  public func parametersChanged() {}

  /// Computes the outputs of a micro-batch.
  public func forward(_ input: Tensor, in pass: Pass) -> Tensor {
    let labels = pass.labels(below: classCount)
    let output = pass.make(outputShape)
    let values = store.values(of: table).pointer
    let size = inputShape[0]
    for (example, label) in labels.enumerated() {
      let target = output.pointer + example * (size + width)
      target.update(from: input.pointer + example * size, count: size)
      (target + size).update(from: values + label * width, count: width)
    }
    return output
  }

  /// Computes the input's gradient, if it is needed, and keeps what `addGradient` needs.
  public func backward(
    _ outputGradient: Tensor, needsInputGradient: Bool, in pass: Pass
  ) -> Tensor? {
    let size = inputShape[0]
    let rows = pass.make(Shape(width))
    let inputGradient = pass.make(inputShape)
    for example in 0..<pass.exampleCount {
      let source = outputGradient.pointer + example * (size + width)
      (inputGradient.pointer + example * size).update(from: source, count: size)
      (rows.pointer + example * width).update(from: source + size, count: width)
    }
    rowGradients = rows
    return needsInputGradient ? inputGradient : nil
  }

  /// Adds each example's squared norm of the parameters' gradient.
  public func addSquaredGradientNorms(
    to norms: UnsafeMutableBufferPointer<Double>, in pass: Pass
  ) {
    guard let rowGradients else { preconditionFailure("norms before backward") }
    pass.machine.addSquaredNorms(ofRows: rowGradients, to: norms)
  }

  /// Adds Σᵢ weightᵢ · gradientᵢ to the store.
  public func addGradient(weightedBy weights: Tensor?, in pass: Pass) {
    guard let rowGradients else { preconditionFailure("gradient before backward") }
    addClassRows(
      rowGradients, weightedBy: weights, labels: pass.labels, to: store.gradient(of: table))
  }
}

extension LayerBuilder {
  /// Appends `width` numbers of the example's class (pass labels below `classes`) to a flat input;
  /// they start standard normal unless `initialization` says otherwise.
  public mutating func classEmbedding(
    _ width: Int, classes: Int, initialization: Initialization = .normal(standardDeviation: 1)
  ) {
    append(
      ClassEmbedding(
        width, classes: classes, input: shape, name: name("classEmbedding"),
        initialization: initialization, parameters: parameters))
  }
}
