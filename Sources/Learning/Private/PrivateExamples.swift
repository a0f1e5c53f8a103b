public import Compute
public import Privacy

/// Private training examples: nothing outside this room can read them.
///
/// They can be summed with clipping and noise, or, with the administrator's permission, without. No
/// function for other examples accepts them.
public struct PrivateExamples {
  let source: any ExampleSource

  /// Declares that examples are private.
  public init(_ source: any ExampleSource) {
    self.source = source
  }

  /// Transforms private examples; the result is private too.
  ///
  /// `transform` must treat each example separately. It is sendable, so it cannot write the
  /// examples into a variable outside. It may draw from a noise stream, into which nothing can be
  /// written.
  public func map(
    drawing noise: NoiseStream,
    _ transform: @Sendable (any ExampleSource, NoiseStream) -> any ExampleSource
  ) -> PrivateExamples {
    PrivateExamples(transform(source, noise))
  }
}

/// A gradient of private examples without noise: it is never read, and moves parameters only with
/// the administrator's permission.
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
  /// The mean gradient of private examples, neither clipped nor noised.
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

  /// Moves the parameters along an unprotected gradient.
  public func update(
    along gradient: consuming UnprotectedGradient, by optimizer: some Optimizer,
    _ permission: UnprotectedTraining
  ) {
    update(alongPublic: gradient.values, by: optimizer)
  }
}
