public import Compute

/// Normalises groups of channels of each example alone, then scales and shifts each channel
/// (Wu & He, arXiv 1803.08494).
///
/// No statistic crosses examples, so a private network may hold it.
public final class GroupNorm: PerExampleLayer {
  /// The shape of one example; its last axis is the channels.
  public let inputShape: Shape
  /// The number of groups of neighbouring channels.
  public let groupCount: Int
  /// Added to the variance.
  public let epsilon: Double
  private let store: ParameterStore
  private let scale: Parameter
  private let offset: Parameter
  /// batch × input shape: the normalised input.
  private var normalized: Tensor?
  /// batch × groups: one over the standard deviation.
  private var inverseDeviations: Tensor?
  /// batch × channels: each example's gradients of scale and offset.
  private var scaleGradients: Tensor?
  private var offsetGradients: Tensor?

  /// Creates the layer named `name` with parameters in `store`.
  public init(
    groups: Int, epsilon: Double, input: Shape, name: String, parameters store: ParameterStore
  ) {
    precondition(input.rank > 0 && groups > 0, "group norm needs channels and groups")
    let channels = input[input.rank - 1]
    precondition(
      channels % groups == 0, "\(channels) channels do not divide into \(groups) groups")
    inputShape = input
    groupCount = groups
    self.epsilon = epsilon
    self.store = store
    scale = store.declare("\(name).scale", Shape(channels), .ones)
    offset = store.declare("\(name).offset", Shape(channels), .zeros)
  }

  /// What `describe` prints.
  public var summary: String { "group norm, \(groupCount) groups" }

  /// The shape of one output example.
  public var outputShape: Shape { inputShape }

  private var channelCount: Int { scale.shape.count }

  /// Nothing to repack.
  public func parametersChanged() {}

  /// Computes the outputs of a micro-batch.
  public func forward(_ input: Tensor, in pass: Pass) -> Tensor {
    let output = pass.make(inputShape)
    let normalized = pass.make(inputShape)
    let inverseDeviations = pass.make(Shape(groupCount))
    self.normalized = normalized
    self.inverseDeviations = inverseDeviations
    let factors = store.values(of: scale).pointer
    let offsets = store.values(of: offset).pointer
    let size = inputShape.count
    let channels = channelCount
    pass.machine.threads.forEach(pass.exampleCount) { example, _ in
      let x = input.pointer + example * size
      let centred = normalized.pointer + example * size
      let y = output.pointer + example * size
      let (means, inverses) = self.statistics(x)
      for group in 0..<self.groupCount {
        inverseDeviations.pointer[example * self.groupCount + group] = Float(inverses[group])
      }
      let width = channels / self.groupCount
      for start in Swift.stride(from: 0, to: size, by: channels) {
        for channel in 0..<channels {
          let group = channel / width
          let value = Float((Double(x[start + channel]) - means[group]) * inverses[group])
          centred[start + channel] = value
          y[start + channel] = value * factors[channel] + offsets[channel]
        }
      }
    }
    return output
  }

  /// Computes the input's gradient, if it is needed, and keeps what `addGradient` needs.
  public func backward(
    _ outputGradient: Tensor, needsInputGradient: Bool, in pass: Pass
  ) -> Tensor? {
    guard let normalized, let inverseDeviations else {
      preconditionFailure("backward before forward")
    }
    let scaleGradients = pass.make(scale.shape)
    let offsetGradients = pass.make(offset.shape)
    self.scaleGradients = scaleGradients
    self.offsetGradients = offsetGradients
    let inputGradient = needsInputGradient ? pass.make(inputShape) : nil
    let size = inputShape.count
    let channels = channelCount
    pass.machine.threads.forEach(pass.exampleCount) { example, _ in
      let gradient = outputGradient.pointer + example * size
      let centred = normalized.pointer + example * size
      let sums = ChannelSums(of: gradient, times: centred, count: size, channels: channels)
      for channel in 0..<channels {
        scaleGradients.pointer[example * channels + channel] = Float(sums.products[channel])
        offsetGradients.pointer[example * channels + channel] = Float(sums.plain[channel])
      }
      guard let inputGradient else { return }
      self.spread(
        gradient, centred, sums, inverseDeviations.pointer + example * self.groupCount,
        into: inputGradient.pointer + example * size)
    }
    return inputGradient
  }

  /// Adds each example's squared norm of the parameters' gradient.
  public func addSquaredGradientNorms(
    to norms: UnsafeMutableBufferPointer<Double>, in pass: Pass
  ) {
    guard let scaleGradients, let offsetGradients else {
      preconditionFailure("norms before backward")
    }
    pass.machine.addSquaredNorms(ofRows: scaleGradients, to: norms)
    pass.machine.addSquaredNorms(ofRows: offsetGradients, to: norms)
  }

  /// Adds Σᵢ weightᵢ · gradientᵢ to the store.
  public func addGradient(weightedBy weights: Tensor?, in pass: Pass) {
    guard let scaleGradients, let offsetGradients else {
      preconditionFailure("gradient before backward")
    }
    pass.machine.addWeightedRows(
      scaleGradients, weights: weights, to: store.gradient(of: scale))
    pass.machine.addWeightedRows(
      offsetGradients, weights: weights, to: store.gradient(of: offset))
  }

  /// The mean and one over the standard deviation of each group of one example.
  private func statistics(_ x: UnsafePointer<Float>) -> (means: [Double], inverses: [Double]) {
    let size = inputShape.count
    let channels = channelCount
    let width = channels / groupCount
    let count = Double(size / groupCount)
    var means = groupSums(ChannelSums.plain(of: x, count: size, channels: channels))
    for group in means.indices { means[group] /= count }
    var squares = [Double](repeating: 0, count: channels)
    for start in Swift.stride(from: 0, to: size, by: channels) {
      for channel in 0..<channels {
        let difference = Double(x[start + channel]) - means[channel / width]
        squares[channel] += difference * difference
      }
    }
    let inverses = groupSums(squares).map { 1 / ($0 / count + epsilon).squareRoot() }
    return (means, inverses)
  }

  private func groupSums(_ channelSums: [Double]) -> [Double] {
    let width = channelCount / groupCount
    return (0..<groupCount).map { group in
      channelSums[(group * width)..<((group + 1) * width)].reduce(0, +)
    }
  }

  /// Writes (γg − mean(γg) − x̂·mean(γg·x̂)) / deviation, means over each group of one example.
  private func spread(
    _ gradient: UnsafePointer<Float>, _ centred: UnsafePointer<Float>, _ sums: ChannelSums,
    _ inverses: UnsafePointer<Float>, into target: UnsafeMutablePointer<Float>
  ) {
    let factors = store.values(of: scale).pointer
    let size = inputShape.count
    let channels = channelCount
    let width = channels / groupCount
    let count = Double(size / groupCount)
    let weighted = { (sums: [Double]) in
      self.groupSums((0..<channels).map { sums[$0] * Double(factors[$0]) }).map {
        Float($0 / count)
      }
    }
    let means = weighted(sums.plain)
    let products = weighted(sums.products)
    for start in Swift.stride(from: 0, to: size, by: channels) {
      for channel in 0..<channels {
        let group = channel / width
        let index = start + channel
        target[index] =
          inverses[group]
          * (factors[channel] * gradient[index] - means[group] - centred[index] * products[group])
      }
    }
  }
}

/// Sums over the positions of one example for each channel, in Double and in a fixed order.
struct ChannelSums {
  /// Σₚ aₚ.
  let plain: [Double]
  /// Σₚ aₚ·bₚ.
  let products: [Double]

  init(
    of a: UnsafePointer<Float>, times b: UnsafePointer<Float>, count: Int, channels: Int
  ) {
    var plain = [Double](repeating: 0, count: channels)
    var products = plain
    for start in stride(from: 0, to: count, by: channels) {
      for channel in 0..<channels {
        let value = Double(a[start + channel])
        plain[channel] += value
        products[channel] += value * Double(b[start + channel])
      }
    }
    self.plain = plain
    self.products = products
  }

  static func plain(of a: UnsafePointer<Float>, count: Int, channels: Int) -> [Double] {
    var sums = [Double](repeating: 0, count: channels)
    for start in stride(from: 0, to: count, by: channels) {
      for channel in 0..<channels { sums[channel] += Double(a[start + channel]) }
    }
    return sums
  }
}

extension LayerBuilder {
  /// Appends a group normalisation; scales start at one, offsets at zero.
  public mutating func groupNorm(groups: Int, epsilon: Double = 1e-5) {
    append(
      GroupNorm(
        groups: groups, epsilon: epsilon, input: shape, name: name("groupNorm"),
        parameters: parameters))
  }
}
