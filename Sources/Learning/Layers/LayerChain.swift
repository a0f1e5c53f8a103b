import Compute

// A chain of layers inside a layer, or a whole network.
extension [any Layer] {
  /// The shape after the last layer, each taking what the one before gives.
  func chainedShape(from input: Shape) -> Shape {
    reduce(input) { shape, layer in
      precondition(
        layer.inputShape == shape, "'\(layer.summary)' takes \(layer.inputShape), not \(shape)")
      return layer.outputShape
    }
  }

  func forward(_ input: Tensor, in pass: Pass) -> Tensor {
    reduce(input) { $1.forward($0, in: pass) }
  }

  /// Runs the backward chain; returns nil exactly when the input's gradient is not needed.
  func backward(
    _ outputGradient: Tensor, needsInputGradient: Bool, in pass: Pass
  ) -> Tensor? {
    var gradient = outputGradient
    for (index, layer) in enumerated().reversed() {
      let needed = index > 0 || needsInputGradient
      guard let next = layer.backward(gradient, needsInputGradient: needed, in: pass) else {
        return nil
      }
      gradient = next
    }
    return needsInputGradient ? gradient : nil
  }
}
