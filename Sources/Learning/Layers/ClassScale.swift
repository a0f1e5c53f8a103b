public import Compute

/// A learned factor per class and channel, applied at every position.
///
/// Followed by a class bias, it is the conditional affine map of feature-wise modulation (Perez et
/// al., arXiv 1709.07871).
public final class ClassScale: PerExampleLayer {
  /// The shape of one example; its last axis is the channels.
  public let inputShape: Shape
  /// The number of classes.
  public let classCount: Int
  private let store: ParameterStore
  private let table: Parameter
  private var input: Tensor?
  private var outputGradient: Tensor?
  /// batch × channels: each example's gradient of its class's row.
  private var rowGradients: Tensor?

  /// Creates the layer named `name`, its table in `store`.
  public init(
    classes: Int, input: Shape, name: String, initialization: Initialization,
    parameters store: ParameterStore
  ) {
    precondition(input.rank > 0 && classes > 0, "a class scale needs channels and classes")
    inputShape = input
    classCount = classes
    self.store = store
    table = store.declare(
      "\(name).table", Shape(classes, input[input.rank - 1]), initialization)
  }

  /// What `describe` prints.
  public var summary: String { "class scale \(classCount)×\(channelCount)" }

  /// The shape of one output example.
  public var outputShape: Shape { inputShape }

  private var channelCount: Int { table.shape[1] }

  /// Nothing to repack.
  public func parametersChanged() {}

  /// Computes the outputs of a micro-batch.
  public func forward(_ input: Tensor, in pass: Pass) -> Tensor {
    self.input = input
    return scaled(input, in: pass)
  }

  /// Computes the input's gradient, if it is needed, and keeps what `addGradient` needs.
  public func backward(
    _ outputGradient: Tensor, needsInputGradient: Bool, in pass: Pass
  ) -> Tensor? {
    self.outputGradient = outputGradient
    rowGradients = nil
    return needsInputGradient ? scaled(outputGradient, in: pass) : nil
  }

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

  /// Multiplies by the factors; forward and backward are the same product.
  private func scaled(_ tensor: Tensor, in pass: Pass) -> Tensor {
    let labels = pass.labels(below: classCount)
    let result = pass.make(inputShape)
    let values = store.values(of: table).pointer
    let size = inputShape.count
    let channels = channelCount
    pass.machine.threads.forEach(pass.exampleCount) { example, _ in
      let factor = values + labels[example] * channels
      let source = tensor.pointer + example * size
      let target = result.pointer + example * size
      for start in Swift.stride(from: 0, to: size, by: channels) {
        for channel in 0..<channels {
          target[start + channel] = source[start + channel] * factor[channel]
        }
      }
    }
    return result
  }

  private func rows(in pass: Pass) -> Tensor {
    if let rowGradients { return rowGradients }
    guard let input, let outputGradient else { preconditionFailure("gradient before backward") }
    let sums = pass.make(Shape(channelCount))
    let size = inputShape.count
    let channels = channelCount
    pass.machine.threads.forEach(pass.exampleCount) { example, _ in
      let x = input.pointer + example * size
      let gradient = outputGradient.pointer + example * size
      let target = sums.pointer + example * channels
      target.update(repeating: 0, count: channels)
      for start in Swift.stride(from: 0, to: size, by: channels) {
        for channel in 0..<channels {
          target[channel] += x[start + channel] * gradient[start + channel]
        }
      }
    }
    rowGradients = sums
    return sums
  }
}

extension LayerBuilder {
  /// Appends a factor per class (pass labels below `classes`) and channel, initially one unless
  /// `initialization` is given.
  public mutating func classScale(classes: Int, initialization: Initialization = .ones) {
    append(
      ClassScale(
        classes: classes, input: shape, name: name("classScale"), initialization: initialization,
        parameters: parameters))
  }
}
