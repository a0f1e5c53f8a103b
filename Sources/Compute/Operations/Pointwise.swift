import Glibc

// Verbs over whole tensors: each output element depends on its own inputs alone.
extension Machine {
  /// Leaky rectifier: x where x > 0, slope·x elsewhere.
  public func leakyReLU(_ input: Tensor, slope: Float, into output: Tensor) {
    pointwise(output.count) { index in
      let x = input.pointer[index]
      output.pointer[index] = x > 0 ? x : slope * x
    }
  }

  /// Gradient of the leaky rectifier from its input (or its output, which has the same sign).
  public func leakyReLUBackward(
    _ outputGradient: Tensor, input: Tensor, slope: Float, into inputGradient: Tensor
  ) {
    pointwise(inputGradient.count) { index in
      let gradient = outputGradient.pointer[index]
      inputGradient.pointer[index] = input.pointer[index] > 0 ? gradient : slope * gradient
    }
  }

  /// Hyperbolic tangent.
  public func tanh(_ input: Tensor, into output: Tensor) {
    pointwise(output.count) { output.pointer[$0] = Glibc.tanhf(input.pointer[$0]) }
  }

  /// Gradient of the hyperbolic tangent from its output.
  public func tanhBackward(_ outputGradient: Tensor, output: Tensor, into inputGradient: Tensor) {
    pointwise(inputGradient.count) { index in
      let y = output.pointer[index]
      inputGradient.pointer[index] = outputGradient.pointer[index] * (1 - y * y)
    }
  }

  /// Logistic sigmoid.
  public func sigmoid(_ input: Tensor, into output: Tensor) {
    pointwise(output.count) { output.pointer[$0] = 1 / (1 + Glibc.expf(-input.pointer[$0])) }
  }

  /// Gradient of the sigmoid from its output.
  public func sigmoidBackward(
    _ outputGradient: Tensor, output: Tensor, into inputGradient: Tensor
  ) {
    pointwise(inputGradient.count) { index in
      let y = output.pointer[index]
      inputGradient.pointer[index] = outputGradient.pointer[index] * y * (1 - y)
    }
  }

  /// Adds `source` times `scale` to `target`, element by element.
  public func add(_ source: Tensor, scaledBy scale: Float = 1, to target: Tensor) {
    precondition(source.count == target.count, "cannot add \(source.shape) to \(target.shape)")
    pointwise(target.count) { target.pointer[$0] += scale * source.pointer[$0] }
  }

  /// Multiplies every element by `factor`.
  public func scale(_ tensor: Tensor, by factor: Float) {
    pointwise(tensor.count) { tensor.pointer[$0] *= factor }
  }

  /// Multiplies example i of `tensor` (outermost axis) by `weights[i]`, into `output`.
  public func scaleExamples(_ tensor: Tensor, by weights: Tensor, into output: Tensor) {
    let exampleCount = weights.count
    guard exampleCount > 0 else { return }
    let stride = tensor.count / exampleCount
    pointwise(tensor.count) { index in
      output.pointer[index] = tensor.pointer[index] * weights.pointer[index / stride]
    }
  }

  private func pointwise(_ count: Int, _ body: (Int) -> Void) {
    let chunk = 16_384
    threads.forEach((count + chunk - 1) / chunk) { part, _ in
      for index in (part * chunk)..<min(count, (part + 1) * chunk) { body(index) }
    }
  }
}
