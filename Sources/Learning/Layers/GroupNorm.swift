public import Compute

/// Normalises groups of channels within each example, then scales and shifts each channel
/// (Wu & He, arXiv 1803.08494).
///
/// No statistic depends on other examples, so a private network may contain it.
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
      self.perChannel(means) { mean in
        self.perChannel(inverses) { inverse in
          for start in Swift.stride(from: 0, to: size, by: channels) {
            for channel in 0..<channels {
              let index = start &+ channel
              let value = (x[index] - mean[channel]) * inverse[channel]
              centred[index] = value
              y[index] = value * factors[channel] + offsets[channel]
            }
          }
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
      let inverses = (0..<self.groupCount).map {
        Double(inverseDeviations.pointer[example * self.groupCount + $0])
      }
      self.spread(
        gradient, centred, sums, inverses, into: inputGradient.pointer + example * size)
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
    let count = Double(size / groupCount)
    let sums = ChannelSums.plain(of: x, count: size, channels: channels)
    let means = groupSums(sums).map { $0 / count }
    let squares = perChannel(means) { mean in
      ChannelSums.squares(of: x, around: mean, count: size, channels: channels)
    }
    let inverses = groupSums(squares).map { 1 / ($0 / count + epsilon).squareRoot() }
    return (means, inverses)
  }

  /// Passes an array of the groups' numbers, repeated for each of their channels, to the body.
  private func perChannel<Result>(
    _ groups: [Double], _ body: (UnsafePointer<Float>) -> Result
  ) -> Result {
    let width = channelCount / groupCount
    let channels = (0..<channelCount).map { Float(groups[$0 / width]) }
    return channels.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { preconditionFailure("no channels") }
      return body(base)
    }
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
    _ inverses: [Double], into target: UnsafeMutablePointer<Float>
  ) {
    let factors = store.values(of: scale).pointer
    let size = inputShape.count
    let channels = channelCount
    let count = Double(size / groupCount)
    let means = { (sums: [Double]) in
      let weighted = (0..<channels).map { sums[$0] * Double(factors[$0]) }
      return self.groupSums(weighted).map { $0 / count }
    }
    perChannel(means(sums.plain)) { mean in
      perChannel(means(sums.products)) { product in
        perChannel(inverses) { inverse in
          for start in Swift.stride(from: 0, to: size, by: channels) {
            for channel in 0..<channels {
              let index = start &+ channel
              target[index] =
                inverse[channel]
                * (factors[channel] * gradient[index] - mean[channel]
                  - centred[index] * product[channel])
            }
          }
        }
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
    plain = Self.plain(of: a, count: count, channels: channels)
    products = Self.sums(count: count, channels: channels) { index, _ in
      Double(a[index]) * Double(b[index])
    }
  }

  static func plain(of a: UnsafePointer<Float>, count: Int, channels: Int) -> [Double] {
    sums(count: count, channels: channels) { index, _ in Double(a[index]) }
  }

  /// Σₚ (aₚ − centre)², with a centre for each channel.
  static func squares(
    of a: UnsafePointer<Float>, around centre: UnsafePointer<Float>, count: Int, channels: Int
  ) -> [Double] {
    sums(count: count, channels: channels) { index, channel in
      let difference = Double(a[index]) - Double(centre[channel])
      return difference * difference
    }
  }

  @inline(__always)
  private static func sums(
    count: Int, channels: Int, _ term: (_ index: Int, _ channel: Int) -> Double
  ) -> [Double] {
    var sums = [Double](repeating: 0, count: channels)
    sums.withUnsafeMutableBufferPointer { sums in
      for start in stride(from: 0, to: count, by: channels) {
        // Without a check of overflow, which no index in memory has, the loop runs in vectors.
        for channel in 0..<channels { sums[channel] += term(start &+ channel, channel) }
      }
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
