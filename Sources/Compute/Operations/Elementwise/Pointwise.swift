import CKernels
import Synchronization

// Element-wise operations over whole tensors: each output element depends only on its own inputs.
// The output may be an input.
extension Machine {
  /// Leaky rectifier: x where x > 0, slope·x elsewhere.
  public func leakyReLU(_ input: Tensor, slope: Float, into output: Tensor) {
    precondition(input.count == output.count, "\(input.shape) into \(output.shape)")
    let x = input.pointer
    let y = output.pointer
    inChunks(output.count) { table, first, count in
      table.f32_leaky_relu(x + first, slope, y + first, count)
    }
  }

  /// Gradient of the leaky rectifier from its input (or its output, which has the same sign).
  public func leakyReLUBackward(
    _ outputGradient: Tensor, input: Tensor, slope: Float, into inputGradient: Tensor
  ) {
    precondition(
      outputGradient.count == inputGradient.count && input.count == inputGradient.count,
      "\(outputGradient.shape) and \(input.shape) into \(inputGradient.shape)")
    let gradient = outputGradient.pointer
    let x = input.pointer
    let target = inputGradient.pointer
    inChunks(inputGradient.count) { table, first, count in
      table.f32_leaky_relu_gradient(gradient + first, x + first, slope, target + first, count)
    }
  }

  /// Hyperbolic tangent, relative error below 2⁻²².
  public func tanh(_ input: Tensor, into output: Tensor) {
    precondition(input.count == output.count, "\(input.shape) into \(output.shape)")
    let x = input.pointer
    let y = output.pointer
    inChunks(output.count) { table, first, count in table.f32_tanh(x + first, y + first, count) }
  }

  /// Gradient of the hyperbolic tangent from its output.
  public func tanhBackward(_ outputGradient: Tensor, output: Tensor, into inputGradient: Tensor) {
    precondition(
      outputGradient.count == inputGradient.count && output.count == inputGradient.count,
      "\(outputGradient.shape) and \(output.shape) into \(inputGradient.shape)")
    let gradient = outputGradient.pointer
    let y = output.pointer
    let target = inputGradient.pointer
    inChunks(inputGradient.count) { table, first, count in
      table.f32_tanh_gradient(gradient + first, y + first, target + first, count)
    }
  }

  /// Adds `source` times `scale` to `target`, element by element.
  public func add(_ source: Tensor, scaledBy scale: Float = 1, to target: Tensor) {
    precondition(source.count == target.count, "cannot add \(source.shape) to \(target.shape)")
    let x = source.pointer
    let y = target.pointer
    inChunks(target.count) { table, first, count in
      table.f32_add_scaled(x + first, scale, y + first, count)
    }
  }

  /// Multiplies every element by `factor`.
  public func scale(_ tensor: Tensor, by factor: Float) {
    let x = tensor.pointer
    inChunks(tensor.count) { table, first, count in
      table.f32_scale(x + first, factor, x + first, count)
    }
  }

  /// Sets every element to `value`.
  public func fill(_ tensor: Tensor, with value: Float) {
    let x = tensor.pointer
    inChunks(tensor.count) { _, first, count in
      (x + first).update(repeating: value, count: count)
    }
  }

  /// Whether no element is infinite or NaN.
  public func isFinite(_ tensor: Tensor) -> Bool {
    let x = tensor.pointer
    let isSpoilt = Atomic<Bool>(false)
    inChunks(tensor.count) { table, first, count in
      // Squares of floats, summed in double, are infinite or NaN only if a number is not finite.
      if !table.f32_squared_norm(x + first, count).isFinite {
        isSpoilt.store(true, ordering: .relaxed)
      }
    }
    return !isSpoilt.load(ordering: .relaxed)
  }

  /// Distributes chunks of a flat loop over the threads.
  func inChunks(
    _ count: Int, _ body: (_ table: ck_kernels, _ first: Int, _ count: Int) -> Void
  ) {
    // Small enough to distribute, a multiple of every vector, and large enough to amortise the call.
    let chunk = 16_384
    let table = kernels.table.pointee
    guard count > chunk else {
      if count > 0 { body(table, 0, count) }
      return
    }
    threads.forEach((count + chunk - 1) / chunk) { part, _ in
      body(table, part * chunk, min(chunk, count - part * chunk))
    }
  }
}
