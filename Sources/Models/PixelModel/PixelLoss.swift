import Compute
import Learning

/// Minus the log-likelihood of each image in nats, summed over its pixels and channels: one image
/// is one term, as the bound on an image's influence requires.
struct PixelLoss: Loss {
  /// The layer that remembers the images of the pass.
  let stack: GatedStack
  let distribution: any PixelDistribution

  func evaluate(
    _ output: Tensor, gradient: Tensor, values: UnsafeMutableBufferPointer<Double>?, in pass: Pass
  ) {
    evaluate(output, gradient: gradient, in: pass) { example, loss in values?[example] = loss }
  }

  /// The losses alone.
  func values(_ output: Tensor, in pass: Pass) -> [Double] {
    var values = [Double](repeating: 0, count: pass.exampleCount)
    values.withUnsafeMutableBufferPointer { buffer in
      evaluate(output, gradient: nil, in: pass) { example, loss in buffer[example] = loss }
    }
    return values
  }

  private func evaluate(
    _ output: Tensor, gradient: Tensor?, in pass: Pass,
    _ receive: (_ example: Int, _ loss: Double) -> Void
  ) {
    guard let images = stack.input else { preconditionFailure("a loss before a forward pass") }
    let layout = stack.layout
    let size = layout.height * layout.width
    pass.machine.threads.forEach(pass.exampleCount) { example, _ in
      let first = example * size * layout.outputCount
      let loss = loss(
        of: images.pointer + example * size * layout.imageChannels,
        outputs: output.pointer + first, gradient: gradient.map { $0.pointer + first })
      receive(example, loss)
    }
  }

  private func loss(
    of image: UnsafePointer<Float>, outputs: UnsafePointer<Float>,
    gradient: UnsafeMutablePointer<Float>?
  ) -> Double {
    let count = stack.layout.outputCount
    let memoryCount = distribution.memoryCount
    return withUnsafeTemporaryAllocation(of: Float.self, capacity: max(1, memoryCount)) { buffer in
      guard let memory = buffer.baseAddress else { return 0 }
      memory.update(repeating: 0, count: memoryCount)
      var total = 0.0
      for position in 0..<(stack.layout.height * stack.layout.width) {
        let place = PixelPlace(image: image, position: position, memory: memory)
        total += distribution.loss(
          of: place, outputs: outputs + position * count,
          gradient: gradient.map { $0 + position * count })
        distribution.remember(place, in: memory)
      }
      return total
    }
  }
}
