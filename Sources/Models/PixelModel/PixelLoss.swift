import Compute
import Learning

/// A layer that remembers the images of a pass.
protocol ImageMemory: AnyObject {
  /// The shape of an image.
  var inputShape: Shape { get }
  /// The images of the last forward pass.
  var input: Tensor? { get }
}

extension GatedStack: ImageMemory {}
extension KeyedImages: ImageMemory {}

/// Minus the log-likelihood of each image in nats, summed over its pixels and channels: one image
/// is one term, as the bound on an image's influence requires.
struct PixelLoss: Loss {
  /// The layer that remembers the images of the pass.
  let images: any ImageMemory
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
    guard let input = images.input else { preconditionFailure("a loss before a forward pass") }
    let shape = images.inputShape
    let size = shape[0] * shape[1] * distribution.outputCount
    pass.machine.threads.forEach(pass.exampleCount) { example, _ in
      let first = example * size
      let loss = distribution.loss(
        ofImage: input.pointer + example * shape.count, shape,
        outputs: output.pointer + first, gradient: gradient.map { $0.pointer + first })
      receive(example, loss)
    }
  }
}

extension PixelDistribution {
  /// Minus the log-likelihood of an image (rows × columns × channels) in nats, and, if requested, its gradient with
  /// respect to the outputs (rows × columns × `outputCount`).
  func loss(
    ofImage image: UnsafePointer<Float>, _ shape: Shape, outputs: UnsafePointer<Float>,
    gradient: UnsafeMutablePointer<Float>?
  ) -> Double {
    withUnsafeTemporaryAllocation(of: Float.self, capacity: max(1, memoryCount)) { buffer in
      guard let memory = buffer.baseAddress else { return 0 }
      memory.update(repeating: 0, count: memoryCount)
      var total = 0.0
      for position in 0..<(shape[0] * shape[1]) {
        let place = PixelPlace(image: image, position: position, memory: memory)
        total += loss(
          of: place, outputs: outputs + position * outputCount,
          gradient: gradient.map { $0 + position * outputCount })
        remember(place, in: memory)
      }
      return total
    }
  }
}
