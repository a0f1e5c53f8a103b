public import Compute
public import Privacy

/// A network that may read private examples: it accepts only layers that treat examples separately.
///
/// The gradient of private examples leaves only as a `ClippedSum`, whose only exit is through
/// noise, or as an `UnprotectedGradient`, which needs the administrator's permission.
public final class PrivateNetwork {
  /// The default number of examples in a micro-batch.
  public static let defaultMicroBatchSize = 32

  /// The chain of layers, for free use on data that are not private.
  public let network: Network
  private let layers: [any PerExampleLayer]
  private var buffers: [GradientBuffer] = []
  /// The accumulator for micro-batches of private examples; zero between two sums.
  private lazy var total = DoubleSum(count: parameters.count)
  /// The number of examples per pass; it affects only speed, memory and rounding.
  public let microBatchSize: Int

  /// Creates a private network and seals its parameters.
  public init(
    _ layers: [any PerExampleLayer], parameters: ParameterStore, seed: UInt64,
    microBatchSize: Int = PrivateNetwork.defaultMicroBatchSize
  ) {
    precondition(microBatchSize > 0, "a micro-batch has at least one example")
    self.layers = layers
    self.microBatchSize = microBatchSize
    network = Network(layers, parameters: parameters, seed: seed)
  }

  /// All parameters.
  public var parameters: ParameterStore { network.parameters }

  /// The clipped gradients of private examples, summed.
  ///
  /// Every unit's whole contribution is scaled so that the contribution and its effect on the
  /// rounding of the others' sum are together at most `mechanism.clipNorm`, in the Euclidean norm
  /// over all parameters (`ClipWeights.clipNorm(of:)`). Micro-batches are added in double. A
  /// contribution that is not finite becomes zero. An empty source is an ordinary batch. Afterwards
  /// the store's gradient buffer is zero and the pass forgets its last micro-batch, so neither
  /// contains private data.
  public func clippedSum(
    over examples: PrivateExamples, loss: some Loss, _ mechanism: SubsampledGaussian,
    in pass: Pass
  ) -> ClippedSum {
    precondition(mechanism.noise == .gaussian, "discrete noise needs sums on its grid")
    let examples = examples.source
    requireUnitsTogether(examples)
    let gradient = parameters.gradient
    pass.machine.fill(gradient, with: 0)
    let clipNorm = ClipWeights.clipNorm(of: mechanism)
    for range in examples.microBatches(of: microBatchSize) {
      _ = accumulate(range, of: examples, loss, clipNorm, false, in: pass)
      pass.machine.move(gradient, to: total)
    }
    let sum = takeBuffer()
    pass.machine.move(total, into: sum.values)
    if !pass.machine.isFinite(sum.values) {
      sumUnitsAlone(examples, loss, clipNorm, into: sum.values, in: pass)
    }
    pass.end()
    return ClippedSum(of: sum, mechanism: mechanism, machine: pass.machine)
  }

  /// Sums the units one at a time and leaves out those whose contribution is not finite although
  /// its norm is finite: terms may overflow before they cancel.
  private func sumUnitsAlone(
    _ examples: some ExampleSource, _ loss: some Loss, _ clipNorm: Double, into sum: Tensor,
    in pass: Pass
  ) {
    forEachUnit(of: examples, loss, clipNorm: clipNorm, in: pass) { contribution in
      if pass.machine.isFinite(contribution) { pass.machine.move(contribution, to: total) }
    }
    pass.machine.move(total, into: sum)
  }

  /// Passes each unit's clipped contribution to `body`, and leaves the store's gradient at zero.
  func forEachUnit(
    of examples: some ExampleSource, _ loss: some Loss, clipNorm: Double, in pass: Pass,
    _ body: (_ contribution: Tensor) -> Void
  ) {
    requireUnitsTogether(examples)
    for unit in examples.microBatches(of: 1) {
      parameters.gradient.fill(0)
      _ = accumulate(unit, of: examples, loss, clipNorm, false, in: pass)
      body(parameters.gradient)
    }
    parameters.gradient.fill(0)
    pass.end()
  }

  private func requireUnitsTogether(_ examples: some ExampleSource) {
    precondition(
      examples.keepsUnitsTogether,
      "examples of one unit must be adjacent: otherwise each would be clipped separately")
  }

  /// Returns a buffer that no earlier gradient uses any more.
  func takeBuffer() -> GradientBuffer {
    for index in buffers.indices where isKnownUniquelyReferenced(&buffers[index]) {
      return buffers[index]
    }
    let buffer = GradientBuffer(parameters.makeCompanion())
    buffers.append(buffer)
    return buffer
  }

  /// Adds the gradient of examples that are not private, multiplied by `scale`, to `gradient`; it
  /// is clipped in the same way if `clipNorm` is given.
  ///
  /// Returns the mean loss of those examples.
  public func addPublicGradient(
    over examples: some ExampleSource, loss: some Loss, clipNorm: Double?, scale: Float,
    to gradient: Tensor, in pass: Pass
  ) -> Double {
    parameters.gradient.fill(0)
    let total = accumulate(
      examples, loss: loss, clipNorm: clipNorm, wantsLoss: true, in: pass)
    pass.machine.add(parameters.gradient, scaledBy: scale, to: gradient)
    return examples.count == 0 ? 0 : total / Double(examples.count)
  }

  /// Moves the parameters along a gradient protected by noise.
  public func update(along gradient: consuming NoisedGradient, by optimizer: some Optimizer) {
    withExtendedLifetime(gradient.buffer) {
      optimizer.update(parameters, along: gradient.values)
    }
    network.parametersChanged()
  }

  /// Moves the parameters along a gradient computed without private examples.
  public func update(alongPublic gradient: Tensor, by optimizer: some Optimizer) {
    optimizer.update(parameters, along: gradient)
    network.parametersChanged()
  }

  @discardableResult
  private func accumulate(
    _ examples: some ExampleSource, loss: some Loss, clipNorm: Double?, wantsLoss: Bool = false,
    in pass: Pass
  ) -> Double {
    examples.microBatches(of: microBatchSize).reduce(0.0) { total, range in
      total + accumulate(range, of: examples, loss, clipNorm, wantsLoss, in: pass)
    }
  }

  /// Adds one micro-batch's share and returns the sum of its losses, if requested.
  private func accumulate(
    _ range: Range<Int>, of examples: some ExampleSource, _ loss: some Loss, _ clipNorm: Double?,
    _ wantsLoss: Bool, in pass: Pass
  ) -> Double {
    pass.begin(exampleCount: range.count, labels: examples.labels(in: range))
    let input = pass.make(network.inputShape)
    examples.fill(input, from: range)
    let output = network.forward(input, in: pass)
    let gradient = pass.arena.make(output.shape)
    var values = [Double](repeating: 0, count: wantsLoss ? range.count : 0)
    values.withUnsafeMutableBufferPointer { buffer in
      loss.evaluate(output, gradient: gradient, values: wantsLoss ? buffer : nil, in: pass)
    }
    network.backward(gradient, needsInputGradient: false, in: pass)
    guard let clipNorm else {
      for layer in layers { layer.addGradient(weightedBy: nil, in: pass) }
      return values.reduce(0, +)
    }
    let norms = unitNorms(examples.units.map { Array($0[range]) }, in: pass)
    guard norms.allSatisfy(ClipWeights.isUsable) else {
      // Zero times infinity is not zero: leave the invalid examples out and compute the rest again.
      return usableRanges(norms, from: range.lowerBound).reduce(0.0) { total, part in
        total + accumulate(part, of: examples, loss, clipNorm, wantsLoss, in: pass)
      }
    }
    let weights = pass.arena.make(Shape(range.count))
    weights.assign(norms.map { ClipWeights.weight(norm: $0, clipNorm: clipNorm) })
    for layer in layers { layer.addGradient(weightedBy: weights, in: pass) }
    return values.reduce(0, +)
  }

  /// For each example, the norm of its unit's gradient, or an upper bound.
  private func unitNorms(_ units: [Int]?, in pass: Pass) -> [Double] {
    var squares = [Double](repeating: 0, count: pass.exampleCount)
    squares.withUnsafeMutableBufferPointer { buffer in
      for layer in layers { layer.addSquaredGradientNorms(to: buffer, in: pass) }
    }
    return ClipWeights.unitNorms(squaredNorms: squares, units: units)
  }

  private func usableRanges(_ norms: [Double], from start: Int) -> [Range<Int>] {
    norms.indices.split { !ClipWeights.isUsable(norms[$0]) }.map { part in
      (start + part.startIndex)..<(start + part.endIndex)
    }
  }
}

extension NetworkBuilder {
  /// The finished network for private data, with parameters initialised from `seed`.
  ///
  /// `microBatchSize` is the number of examples per pass: it affects speed and memory, and results
  /// only by rounding.
  public func privateNetwork(
    seed: UInt64, microBatchSize: Int = PrivateNetwork.defaultMicroBatchSize
  ) -> PrivateNetwork {
    PrivateNetwork(
      layers, parameters: parameters, seed: seed, microBatchSize: microBatchSize)
  }
}
