package import Compute

// A chain of layers inside a layer, or a whole network.
extension [any Layer] {
  /// The shape after the last layer, where each layer takes the output of the previous one.
  func chainedShape(from input: Shape) -> Shape {
    reduce(input) { shape, layer in
      precondition(
        layer.inputShape == shape, "'\(layer.summary)' takes \(layer.inputShape), not \(shape)")
      return layer.outputShape
    }
  }

  /// Runs the chain; the epilogue of a convolution does the work of the element-wise layers after it.
  package func forward(_ input: Tensor, in pass: Pass) -> Tensor {
    var value = input
    var rest = self[...]
    while let layer = rest.popFirst() {
      guard let product = layer as? any ProductLayer else {
        value = layer.forward(value, in: pass)
        continue
      }
      var epilogue: [any EpilogueLayer] = []
      while epilogue.last?.remembersOutput != true,
        let next = rest.first as? any EpilogueLayer
      {
        epilogue.append(next)
        rest.removeFirst()
      }
      value = product.forward(value, epilogue: epilogue.map { $0.step(in: pass) }, in: pass)
      for layer in epilogue { layer.take(output: value) }
    }
    return value
  }

  /// Runs the backward chain; returns nil exactly when the input's gradient is not needed.
  func backward(
    _ outputGradient: Tensor, needsInputGradient: Bool, in pass: Pass
  ) -> Tensor? {
    var gradient = outputGradient
    var rest = self[...]
    while let layer = rest.popLast() {
      let product = layer as? any ProductLayer
      let step = product == nil ? nil : (rest.last as? any EpilogueLayer)?.backwardStep
      if step != nil { rest.removeLast() }
      let needed = !rest.isEmpty || needsInputGradient
      let next =
        if let product, let step {
          product.backward(gradient, needsInputGradient: needed, epilogue: [step], in: pass)
        } else {
          layer.backward(gradient, needsInputGradient: needed, in: pass)
        }
      guard let next else { return nil }
      gradient = next
    }
    return needsInputGradient ? gradient : nil
  }
}
