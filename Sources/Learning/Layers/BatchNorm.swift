public import Compute

/// Normalises each channel over all positions and examples of the batch, then scales and shifts it
/// (Ioffe & Szegedy, arXiv 1502.03167), by numbers of the example's class if the layer has classes (Dumoulin
/// et al., arXiv 1610.07629).
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
  /// The number of classes, each with scales and offsets of its own; nil if all examples share them.
  public let classCount: Int?
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
  /// For each channel: one over the standard deviation.
  private var inverses: [Float] = []
  private var usedBatchStatistics = true
  /// For each example: the sums over positions of the output's gradient.
  private var sums: [ChannelSums] = []

  /// Creates the layer named `name` with parameters in `store`.
  public init(
    classes: Int? = nil, epsilon: Double, momentum: Double, input: Shape, name: String,
    offsets: Initialization = .zeros, parameters store: ParameterStore
  ) {
    precondition(input.rank > 0, "batch norm needs channels")
    precondition(classes.map { $0 > 0 } ?? true, "batch norm of no classes")
    inputShape = input
    classCount = classes
    self.epsilon = epsilon
    self.momentum = momentum
    self.store = store
    let channels = Shape(input[input.rank - 1])
    let rows = classes.map { channels.batched($0) } ?? channels
    scale = store.declare("\(name).scale", rows, .ones)
    offset = store.declare("\(name).offset", rows, offsets)
    runningMean = store.declare("\(name).runningMean", channels, .zeros)
    runningVariance = store.declare("\(name).runningVariance", channels, .ones)
  }

  /// What `describe` prints.
  public var summary: String { classCount.map { "batch norm, \($0) classes" } ?? "batch norm" }

  /// The shape of one output example.
  public var outputShape: Shape { inputShape }

  private var channelCount: Int { runningMean.shape.count }

  /// Nothing to repack.
  public func parametersChanged() {}

  /// Where each example's scales and offsets begin.
  private func rows(in pass: Pass) -> [Int] {
    guard let classCount else { return [Int](repeating: 0, count: pass.exampleCount) }
    return pass.labels(below: classCount).map { $0 * channelCount }
  }

  /// Computes the outputs of a micro-batch.
  public func forward(_ input: Tensor, in pass: Pass) -> Tensor {
    let output = pass.make(inputShape)
    let normalized = pass.make(inputShape)
    self.normalized = normalized
    usedBatchStatistics = pass.purpose == .training && pass.exampleCount > 0
    let (means, variances) = usedBatchStatistics ? batchStatistics(input, in: pass) : running
    inverses = variances.map { Float(1 / ($0 + epsilon).squareRoot()) }
    let centre = pass.arena.make(runningMean.shape)
    centre.assign(means.map(Float.init))
    let inverse = pass.arena.make(runningMean.shape)
    inverse.assign(inverses)
    let rows = rows(in: pass)
    let size = inputShape.count
    let channels = channelCount
    pass.machine.threads.forEach(pass.exampleCount) { example, _ in
      let factors = self.store.values(of: self.scale).pointer + rows[example]
      let offsets = self.store.values(of: self.offset).pointer + rows[example]
      for start in Swift.stride(from: example * size, to: (example + 1) * size, by: channels) {
        for channel in 0..<channels {
          let index = start &+ channel
          let value =
            (input.pointer[index] - centre.pointer[channel]) * inverse.pointer[channel]
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
    self.sums = sums
    guard needsInputGradient else { return nil }
    let inputGradient = pass.make(inputShape)
    let rows = rows(in: pass)
    let means = pass.arena.make(runningMean.shape)
    let products = pass.arena.make(runningMean.shape)
    let inverse = pass.arena.make(runningMean.shape)
    means.assign(normalizedMeans(sums.map(\.plain), rows, in: pass))
    products.assign(normalizedMeans(sums.map(\.products), rows, in: pass))
    inverse.assign(inverses)
    pass.machine.threads.forEach(pass.exampleCount) { example, _ in
      let factors = self.store.values(of: self.scale).pointer + rows[example]
      for start in Swift.stride(from: example * size, to: (example + 1) * size, by: channels) {
        for channel in 0..<channels {
          let index = start &+ channel
          let slope = factors[channel] * outputGradient.pointer[index] - means.pointer[channel]
          inputGradient.pointer[index] =
            inverse.pointer[channel]
            * (slope - normalized.pointer[index] * products.pointer[channel])
        }
      }
    }
    return inputGradient
  }

  /// What the batch's own mean and deviation take from the gradient; nothing with running statistics.
  ///
  /// It is the mean over positions and examples of the sums, times the scales.
  private func normalizedMeans(_ sums: [[Double]], _ rows: [Int], in pass: Pass) -> [Float] {
    guard usedBatchStatistics else { return [Float](repeating: 0, count: channelCount) }
    let factors = store.values(of: scale).pointer
    let count = Double(pass.exampleCount * (inputShape.count / channelCount))
    let weighted = zip(sums, rows).map { sums, row in
      sums.indices.map { sums[$0] * Double(factors[row + $0]) }
    }
    return total(weighted).map { Float($0 / count) }
  }

  /// Adds the sum over the batch to the store.
  public func addGradient(in pass: Pass) {
    for (example, row) in rows(in: pass).enumerated() {
      let scales = store.gradient(of: scale).pointer + row
      let offsets = store.gradient(of: offset).pointer + row
      for channel in 0..<channelCount {
        scales[channel] += Float(sums[example].products[channel])
        offsets[channel] += Float(sums[example].plain[channel])
      }
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
    let centre = pass.arena.make(runningMean.shape)
    centre.assign(means.map(Float.init))
    // Around the mean as a float, which is less than a rounding from the mean.
    let variances = total(
      perExample(in: pass) { example in
        ChannelSums.squares(
          of: input.pointer + example * size, around: centre.pointer, count: size,
          channels: channels)
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
  /// Appends a batch normalisation; scales start at one, offsets from `offsets`, by default at zero.
  ///
  /// With `classes`, each class has its own (pass labels below `classes`).
  public mutating func batchNorm(
    classes: Int? = nil, offsets: Initialization = .zeros, epsilon: Double = 1e-5,
    momentum: Double = 0.1
  ) {
    append(
      mixing: BatchNorm(
        classes: classes, epsilon: epsilon, momentum: momentum, input: shape,
        name: name("batchNorm"), offsets: offsets, parameters: parameters))
  }
}
