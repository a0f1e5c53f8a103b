public import Compute

/// Normalises each channel over all positions and examples of the batch, then scales and shifts it
/// (Ioffe & Szegedy, arXiv 1502.03167).
///
/// It mixes examples: one private image would change the outputs and gradients of all others, and
/// clipping each example's gradient would not bound that influence. So it conforms to `Layer` only,
/// and a private network does not accept it. Generators, which never see private images, may use
/// it.
///
/// Running statistics are stored among the parameters, with a gradient that stays zero, so that
/// checkpoints and averages include them.
public final class BatchNorm: Layer {
  /// The shape of one example; its last axis is the channels.
  public let inputShape: Shape
  /// Added to the variance.
  public let epsilon: Double
  /// The weight of a batch's statistics in the running statistics.
  public let momentum: Double
  private let store: ParameterStore
  private let scale: Parameter
  private let offset: Parameter
  private let runningMean: Parameter
  private let runningVariance: Parameter
  /// batch × input shape: the normalised input.
  private var normalized: Tensor?
  private var inverses: [Double] = []
  private var usedBatchStatistics = true
  private var scaleGradient: [Double] = []
  private var offsetGradient: [Double] = []

  /// Creates the layer named `name` with parameters in `store`.
  public init(
    epsilon: Double, momentum: Double, input: Shape, name: String, parameters store: ParameterStore
  ) {
    precondition(input.rank > 0, "batch norm needs channels")
    inputShape = input
    self.epsilon = epsilon
    self.momentum = momentum
    self.store = store
    let channels = Shape(input[input.rank - 1])
    scale = store.declare("\(name).scale", channels, .ones)
    offset = store.declare("\(name).offset", channels, .zeros)
    runningMean = store.declare("\(name).runningMean", channels, .zeros)
    runningVariance = store.declare("\(name).runningVariance", channels, .ones)
  }

  /// What `describe` prints.
  public var summary: String { "batch norm" }

  /// The shape of one output example.
  public var outputShape: Shape { inputShape }

  private var channelCount: Int { scale.shape.count }

  /// Nothing to repack.
  public func parametersChanged() {}

  /// Computes the outputs of a micro-batch.
  public func forward(_ input: Tensor, in pass: Pass) -> Tensor {
    let output = pass.make(inputShape)
    let normalized = pass.make(inputShape)
    self.normalized = normalized
    usedBatchStatistics = pass.purpose == .training && pass.exampleCount > 0
    let (means, variances) = usedBatchStatistics ? batchStatistics(input, in: pass) : running
    let inverses = variances.map { 1 / ($0 + epsilon).squareRoot() }
    self.inverses = inverses
    let factors = store.values(of: scale).pointer
    let offsets = store.values(of: offset).pointer
    let size = inputShape.count
    let channels = channelCount
    pass.machine.threads.forEach(pass.exampleCount) { example, _ in
      for start in Swift.stride(from: example * size, to: (example + 1) * size, by: channels) {
        for channel in 0..<channels {
          let index = start + channel
          let value = Float((Double(input.pointer[index]) - means[channel]) * inverses[channel])
          normalized.pointer[index] = value
          output.pointer[index] = value * factors[channel] + offsets[channel]
        }
      }
    }
    return output
  }

  /// Computes the input's gradient, if it is needed, and keeps what `addGradient` needs.
  public func backward(
    _ outputGradient: Tensor, needsInputGradient: Bool, in pass: Pass
  ) -> Tensor? {
    guard let normalized else { preconditionFailure("backward before forward") }
    let size = inputShape.count
    let channels = channelCount
    let sums = perExample(in: pass) { example in
      ChannelSums(
        of: outputGradient.pointer + example * size, times: normalized.pointer + example * size,
        count: size, channels: channels)
    }
    offsetGradient = total(sums.map(\.plain))
    scaleGradient = total(sums.map(\.products))
    guard needsInputGradient else { return nil }
    let inputGradient = pass.make(inputShape)
    let count = Double(pass.exampleCount * (size / channels))
    // With running statistics, the outputs do not depend on the batch's mean and deviation.
    let share = usedBatchStatistics ? 1 / count : 0
    let means = offsetGradient.map { Float($0 * share) }
    let products = scaleGradient.map { Float($0 * share) }
    let factors = (0..<channels).map {
      store.values(of: scale).pointer[$0] * Float(inverses[$0])
    }
    pass.machine.threads.forEach(pass.exampleCount) { example, _ in
      for start in Swift.stride(from: example * size, to: (example + 1) * size, by: channels) {
        for channel in 0..<channels {
          let index = start + channel
          inputGradient.pointer[index] =
            factors[channel]
            * (outputGradient.pointer[index] - means[channel]
              - normalized.pointer[index] * products[channel])
        }
      }
    }
    return inputGradient
  }

  /// Adds the sum over the batch to the store.
  public func addGradient(in pass: Pass) {
    for (parameter, gradient) in [(scale, scaleGradient), (offset, offsetGradient)] {
      let target = store.gradient(of: parameter).pointer
      for (channel, value) in gradient.enumerated() { target[channel] += Float(value) }
    }
  }

  private var running: (means: [Double], variances: [Double]) {
    (
      store.values(of: runningMean).array.map(Double.init),
      store.values(of: runningVariance).array.map(Double.init)
    )
  }

  /// Returns the batch's mean and variance per channel and updates the running statistics, the
  /// variance in its unbiased form, as in PyTorch.
  private func batchStatistics(
    _ input: Tensor, in pass: Pass
  ) -> (means: [Double], variances: [Double]) {
    let size = inputShape.count
    let channels = channelCount
    let count = Double(pass.exampleCount * (size / channels))
    let means = total(
      perExample(in: pass) { example in
        ChannelSums.plain(of: input.pointer + example * size, count: size, channels: channels)
      }
    ).map { $0 / count }
    let variances = total(
      perExample(in: pass) { example in
        var squares = [Double](repeating: 0, count: channels)
        let x = input.pointer + example * size
        for start in Swift.stride(from: 0, to: size, by: channels) {
          for channel in 0..<channels {
            let difference = Double(x[start + channel]) - means[channel]
            squares[channel] += difference * difference
          }
        }
        return squares
      }
    ).map { $0 / count }
    let unbiased = count > 1 ? count / (count - 1) : 1
    for channel in 0..<channels {
      move(runningMean, channel, towards: means[channel])
      move(runningVariance, channel, towards: variances[channel] * unbiased)
    }
    return (means, variances)
  }

  private func move(_ statistic: Parameter, _ channel: Int, towards value: Double) {
    let target = store.values(of: statistic).pointer + channel
    target.pointee = Float((1 - momentum) * Double(target.pointee) + momentum * value)
  }

  /// Computes `body` for each example in parallel; results keep the order of the batch.
  private func perExample<Result>(in pass: Pass, _ body: (Int) -> Result) -> [Result] {
    Array(unsafeUninitializedCapacity: pass.exampleCount) { buffer, count in
      let base = buffer
      pass.machine.threads.forEach(pass.exampleCount) { example, _ in
        base.initializeElement(at: example, to: body(example))
      }
      count = pass.exampleCount
    }
  }

  private func total(_ rows: [[Double]]) -> [Double] {
    var sums = [Double](repeating: 0, count: channelCount)
    for row in rows {
      for channel in sums.indices { sums[channel] += row[channel] }
    }
    return sums
  }
}

extension PublicNetworkBuilder {
  /// Appends a batch normalisation; scales start at one, offsets at zero.
  public mutating func batchNorm(epsilon: Double = 1e-5, momentum: Double = 0.1) {
    append(
      mixing: BatchNorm(
        epsilon: epsilon, momentum: momentum, input: shape, name: name("batchNorm"),
        parameters: parameters))
  }
}
