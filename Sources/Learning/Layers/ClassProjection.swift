public import Compute

/// The product of an example's features, summed over positions, with a learned vector of its class.
///
/// Added to a logit that does not know the class, it makes a projection discriminator (Miyato & Koyama, arXiv
/// 1802.05637). The sum is divided by the root of the number of positions: its norm is then at most that of
/// the features, so that this layer's share of a clipped gradient does not grow with the image.
///
/// An example's gradient is its summed features times its output gradient, in the row of its class, so its
/// squared norm is exactly the product of both squared norms.
public final class ClassProjection: PerExampleLayer {
  /// The shape of one example; its last axis is the channels.
  public let inputShape: Shape
  /// The number of classes.
  public let classCount: Int
  private let store: ParameterStore
  private let table: Parameter
  /// batch × channels: each example's features, summed over positions and scaled.
  private var sums: Tensor?
  private var outputGradient: Tensor?

  /// Creates the layer named `name`, its table in `store`.
  public init(
    classes: Int, input: Shape, name: String, initialization: Initialization,
    parameters store: ParameterStore
  ) {
    precondition(input.rank > 0 && classes > 0, "a class projection needs channels and classes")
    inputShape = input
    classCount = classes
    self.store = store
    table = store.declare(
      "\(name).table", Shape(classes, input[input.rank - 1]), initialization)
  }

  /// What `describe` prints.
  public var summary: String { "class projection \(classCount)×\(channelCount)" }

  /// One number for each example.
  public var outputShape: Shape { Shape(1) }

  private var channelCount: Int { table.shape[1] }

  /// The factor of the sum over positions.
  private var scale: Float { 1 / Float(inputShape.count / channelCount).squareRoot() }

  /// Nothing to repack.
  public func parametersChanged() {}

  /// Computes the outputs of a micro-batch.
  public func forward(_ input: Tensor, in pass: Pass) -> Tensor {
    let labels = pass.labels(below: classCount)
    let sums = pass.make(Shape(channelCount))
    pass.machine.sumPositions(input, channels: channelCount, into: sums)
    pass.machine.scale(sums, by: scale)
    self.sums = sums
    let output = pass.make(outputShape)
    for (example, label) in labels.enumerated() {
      let features = sums.pointer + example * channelCount
      let vector = store.values(of: table).pointer + label * channelCount
      var product = 0.0
      for channel in 0..<channelCount { product += Double(features[channel] * vector[channel]) }
      output.pointer[example] = Float(product)
    }
    return output
  }

  /// Computes the input's gradient, if it is needed, and keeps what `addGradient` needs.
  public func backward(
    _ outputGradient: Tensor, needsInputGradient: Bool, in pass: Pass
  ) -> Tensor? {
    self.outputGradient = outputGradient
    guard needsInputGradient else { return nil }
    let labels = pass.labels(below: classCount)
    let inputGradient = pass.make(inputShape)
    let values = store.values(of: table).pointer
    let size = inputShape.count
    let channels = channelCount
    let scale = scale
    pass.machine.threads.forEach(pass.exampleCount) { example, _ in
      let slope = outputGradient.pointer[example] * scale
      let vector = values + labels[example] * channels
      for start in Swift.stride(from: example * size, to: (example + 1) * size, by: channels) {
        let target = inputGradient.pointer + start
        for channel in 0..<channels { target[channel] = slope * vector[channel] }
      }
    }
    return inputGradient
  }

  /// Adds each example's squared norm of the parameters' gradient.
  public func addSquaredGradientNorms(
    to norms: UnsafeMutableBufferPointer<Double>, in pass: Pass
  ) {
    guard let sums, let outputGradient else { preconditionFailure("norms before backward") }
    let features = pass.squaredNorms(of: sums)
    for index in norms.indices {
      let slope = Double(outputGradient.pointer[index])
      norms[index] += features[index] * slope * slope
    }
  }

  /// Adds Σᵢ weightᵢ · gradientᵢ to the store.
  public func addGradient(weightedBy weights: Tensor?, in pass: Pass) {
    guard let sums, let outputGradient else { preconditionFailure("gradient before backward") }
    let slopes = pass.arena.make(Shape(pass.exampleCount))
    for example in 0..<pass.exampleCount {
      slopes.pointer[example] =
        outputGradient.pointer[example] * (weights?.pointer[example] ?? 1)
    }
    addClassRows(sums, weightedBy: slopes, labels: pass.labels, to: store.gradient(of: table))
  }
}

extension LayerBuilder {
  /// Appends a product of the features with a vector of the class (pass labels below `classes`).
  ///
  /// Vectors start from `initialization`, by default normal with mean zero and half the deviation that would
  /// keep the size of the features: the rest of a logit comes from elsewhere.
  public mutating func classProjection(classes: Int, initialization: Initialization? = nil) {
    let deviation = 0.5 / Float(shape[shape.rank - 1]).squareRoot()
    append(
      ClassProjection(
        classes: classes, input: shape, name: name("classProjection"),
        initialization: initialization ?? .normal(standardDeviation: deviation),
        parameters: parameters))
  }
}
