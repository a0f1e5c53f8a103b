import Compute
import Learning

/// Minus the log-likelihood of each image in nats, summed over its pixels and channels: one image is
/// one term, as the bound on an image's influence asks.
struct PixelLoss: Loss {
  /// Where the images of the pass are found.
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
    let positions = layout.height * layout.width
    pass.machine.threads.forEach(pass.exampleCount) { example, _ in
      var total = 0.0
      for position in (example * positions)..<((example + 1) * positions) {
        total += distribution.loss(
          of: images.pointer + position * layout.imageChannels,
          outputs: output.pointer + position * layout.outputCount,
          gradient: gradient.map { $0.pointer + position * layout.outputCount })
      }
      receive(example, total)
    }
  }
}
