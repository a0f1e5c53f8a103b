public import Compute

/// A chain of layers over one parameter store.
public final class Network {
  /// The layers in order; each takes the output of the previous one.
  public let layers: [any Layer]
  /// All parameters.
  public let parameters: ParameterStore

  /// Creates a network whose layers declared their parameters in `parameters`, and seals the store.
  public init(_ layers: [any Layer], parameters: ParameterStore, seed: UInt64) {
    precondition(!layers.isEmpty, "a network has at least one layer")
    for (before, after) in zip(layers, layers.dropFirst()) {
      precondition(
        before.outputShape == after.inputShape,
        "'\(before.summary)' outputs \(before.outputShape), '\(after.summary)' takes \(after.inputShape)"
      )
    }
    self.layers = layers
    self.parameters = parameters
    parameters.seal(seed: seed)
    parametersChanged()
  }

  /// The shape of one input example.
  public var inputShape: Shape { layers[0].inputShape }

  /// The shape of one output example.
  public var outputShape: Shape { layers[layers.count - 1].outputShape }

  /// Notifies every layer that the parameters have changed.
  public func parametersChanged() {
    for layer in layers { layer.parametersChanged() }
  }

  /// Computes the outputs of the pass's micro-batch.
  public func forward(_ input: Tensor, in pass: Pass) -> Tensor {
    layers.forward(input, in: pass)
  }

  /// Runs the backward chain; returns the input's gradient if it is needed.
  @discardableResult
  public func backward(
    _ outputGradient: Tensor, needsInputGradient: Bool, in pass: Pass
  ) -> Tensor? {
    layers.backward(outputGradient, needsInputGradient: needsInputGradient, in: pass)
  }

  /// Adds the parameters' gradient, summed over the batch, to the store.
  public func addGradient(in pass: Pass) {
    for layer in layers { layer.addGradient(in: pass) }
  }

  /// A table of the layers: summary, output shape.
  public var description: String {
    layers.map { "\($0.summary) → \($0.outputShape)" }.joined(separator: "\n")
  }
}
