public import Compute
public import Privacy

/// Training examples that are private: nothing outside this room can read them.
///
/// They can be summed through clip and noise, or, with the administrator's permission, without. No
/// function that takes other examples takes these.
public struct PrivateExamples {
  let source: any ExampleSource

  /// Declares that examples are private.
  public init(_ source: any ExampleSource) {
    self.source = source
  }

  /// What is made from private examples is private.
  ///
  /// `transform` must treat each example alone. It is sendable so that it cannot write what it sees
  /// into a variable outside. It may draw from a noise stream, into which nothing can be written.
  public func map(
    drawing noise: NoiseStream,
    _ transform: @Sendable (any ExampleSource, NoiseStream) -> any ExampleSource
  ) -> PrivateExamples {
    PrivateExamples(transform(source, noise))
  }
}

/// A gradient of private examples that no noise protects: it is never read, and moves parameters
/// only with the administrator's permission.
public struct UnprotectedGradient: ~Copyable {
  private let buffer: GradientBuffer
  /// The mean loss of the examples.
  public let meanLoss: Sensitive<Double>

  fileprivate init(_ buffer: GradientBuffer, meanLoss: Sensitive<Double>) {
    self.buffer = buffer
    self.meanLoss = meanLoss
  }

  /// Adds a gradient of examples that are not private.
  public borrowing func add(_ gradient: Tensor, on machine: Machine) {
    machine.add(gradient, to: buffer.values)
  }

  /// All parameters' gradient, for an optimiser.
  fileprivate var values: Tensor { buffer.values }
}

extension PrivateNetwork {
  /// The mean gradient of private examples as it is, neither clipped nor noised.
  public func unprotectedGradient(
    over examples: PrivateExamples, loss: some Loss, in pass: Pass
  ) -> UnprotectedGradient {
    let count = examples.source.count
    let buffer = takeBuffer()
    buffer.values.fill(0)
    let mean = addPublicGradient(
      over: examples.source, loss: loss, clipNorm: nil, scale: 1 / Float(max(1, count)),
      to: buffer.values, in: pass)
    parameters.gradient.fill(0)
    pass.end()
    return UnprotectedGradient(buffer, meanLoss: Sensitive(mean))
  }

  /// Moves the parameters along a gradient that nothing protects.
  public func update(
    along gradient: consuming UnprotectedGradient, by optimizer: some Optimizer,
    _ permission: UnprotectedTraining
  ) {
    update(alongPublic: gradient.values, by: optimizer)
  }
}
