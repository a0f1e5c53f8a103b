import Compute
import Learning

/// The first layer of an upsampler: it hides the corner that is to be predicted and those after it.
///
/// Beside what is known of a block it passes on the block's row and column, so that a network can learn where things
/// are.
final class BlockContext: ParameterFreeLayer {
  let inputShape: Shape
  let outputShape: Shape
  /// The channels of a pixel.
  let channels: Int
  /// The blocks of the pass, which hold the pixels to predict.
  private(set) var input: Tensor?

  init(_ coarse: ImageSpecification) {
    channels = coarse.channels
    inputShape = Shape(coarse.height, coarse.width, channels * (1 + BlockCorner.count))
    // The last corner is never known.
    outputShape = Shape(coarse.height, coarse.width, channels * BlockCorner.count + 2)
  }

  var summary: String { "blocks with their corners hidden" }

  func forward(_ input: Tensor, in pass: Pass) -> Tensor {
    self.input = input
    let output = pass.make(outputShape)
    let (height, width) = (inputShape[0], inputShape[1])
    let (read, written) = (inputShape[2], outputShape[2])
    let labels = pass.labels
    pass.machine.threads.forEach(pass.exampleCount) { [channels] example, _ in
      let known = channels * (1 + labels[example] % BlockCorner.count)
      for position in 0..<(height * width) {
        let block = example * height * width + position
        let (source, place) = (input.pointer + block * read, output.pointer + block * written)
        for channel in 0..<(written - 2) {
          place[channel] = channel < known ? source[channel] : 0
        }
        place[written - 2] = Self.coordinate(position / width, of: height)
        place[written - 1] = Self.coordinate(position % width, of: width)
      }
    }
    return output
  }

  /// A row or column as a number from −1 to 1.
  private static func coordinate(_ index: Int, of count: Int) -> Float {
    count > 1 ? 2 * Float(index) / Float(count - 1) - 1 : 0
  }

  func backward(_ outputGradient: Tensor, needsInputGradient: Bool, in pass: Pass) -> Tensor? {
    guard needsInputGradient else { return nil }
    let gradient = pass.make(inputShape)
    let (read, written) = (inputShape[2], outputShape[2])
    for example in 0..<pass.exampleCount {
      let known = channels * (1 + pass.labels[example] % BlockCorner.count)
      for position in 0..<(inputShape[0] * inputShape[1]) {
        let block = example * inputShape[0] * inputShape[1] + position
        for channel in 0..<read {
          gradient.pointer[block * read + channel] =
            channel < known ? outputGradient.pointer[block * written + channel] : 0
        }
      }
    }
    return gradient
  }
}

/// Minus the log-likelihood of one corner of all blocks of an image in nats: one image is one term.
struct BlockLoss: Loss {
  /// The layer that remembers the blocks of the pass.
  let context: BlockContext
  let distribution: any PixelDistribution

  func evaluate(
    _ output: Tensor, gradient: Tensor, values: UnsafeMutableBufferPointer<Double>?, in pass: Pass
  ) {
    evaluate(output, gradient: gradient, in: pass) { values?[$0] = $1 }
  }

  /// The losses alone.
  func values(_ output: Tensor, in pass: Pass) -> [Double] {
    var values = [Double](repeating: 0, count: pass.exampleCount)
    values.withUnsafeMutableBufferPointer { buffer in
      evaluate(output, gradient: nil, in: pass) { buffer[$0] = $1 }
    }
    return values
  }

  private func evaluate(
    _ output: Tensor, gradient: Tensor?, in pass: Pass,
    _ receive: (_ example: Int, _ loss: Double) -> Void
  ) {
    guard let blocks = context.input else { preconditionFailure("a loss before a forward pass") }
    let positions = context.inputShape[0] * context.inputShape[1]
    let (read, written) = (context.inputShape[2], distribution.outputCount)
    let labels = pass.labels
    pass.machine.threads.forEach(pass.exampleCount) { example, _ in
      let corner = context.channels * (1 + labels[example] % BlockCorner.count)
      var total = 0.0
      for position in example * positions..<(example + 1) * positions {
        let pixel = UnsafePointer(blocks.pointer + position * read + corner)
        total += distribution.loss(
          of: PixelPlace(image: pixel, position: 0, memory: pixel),
          outputs: output.pointer + position * written,
          gradient: gradient.map { $0.pointer + position * written })
      }
      receive(example, total)
    }
  }
}
