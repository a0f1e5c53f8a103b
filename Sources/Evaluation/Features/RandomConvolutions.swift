public import Compute

/// A convolutional network of four layers with random weights from a fixed seed: 512 features.
///
/// For images of domains far from photographs, untrained networks work as well as trained ones (Naeem et
/// al., arXiv 2002.09797). The weights are part of the version: this type draws them itself, so that no change
/// of the training layers can alter old figures.
public struct RandomConvolutions: FeatureExtractor {
  /// "random-convolutions".
  public let name = "random-convolutions"
  /// The weights' and the pooling's version.
  public let version = 1
  /// One sentence for readers.
  public let explanation =
    "the responses of 256 random patterns, each of which covers about a quarter of a small image, as"
    + " mean and standard deviation; nothing was trained"
  /// Never.
  public let learnedFromPrivateImages = false

  private let machine: Machine
  private static let seed: UInt64 = 0x5EED_F1C7_1015_0001
  private static let batchSize = 128

  /// Output channels, kernel, stride and padding of each layer.
  private static let layers = [
    (channels: 16, kernel: 3, stride: 1, padding: 1),
    (channels: 32, kernel: 4, stride: 2, padding: 1),
    (channels: 64, kernel: 4, stride: 2, padding: 1),
    (channels: 256, kernel: 4, stride: 2, padding: 1),
  ]

  /// Creates an extractor that computes on `machine`.
  public init(on machine: Machine) {
    self.machine = machine
  }

  /// count × 512: means of the last layer's channels, then their standard deviations.
  public func features(of images: LabelledImages) -> FeatureMatrix {
    let arena = Arena(blockByteCount: 64 << 20)
    let plans = makePlans(for: images.shape, arena)
    let channels = plans[plans.count - 1].geometry.outputChannels
    return FeatureMatrix(count: images.count, width: 2 * channels) { target in
      nonisolated(unsafe) let target = target
      for start in stride(from: 0, to: images.count, by: Self.batchSize) {
        let range = start..<min(images.count, start + Self.batchSize)
        arena.reset()
        var activations = arena.make(images.shape.batched(range.count))
        images.fill(activations, at: range)
        for plan in plans {
          let output = arena.make(plan.geometry.outputShape.batched(range.count))
          plan.forward(activations, bias: nil, into: output)
          machine.leakyReLU(output, slope: 0.2, into: output)
          activations = output
        }
        pool(activations, channels: channels, range, into: target)
      }
    }
  }

  private func makePlans(for shape: Shape, _ arena: Arena) -> [ConvolutionPlan] {
    var stream = SeededStream(seed: Self.seed)
    var input = shape
    return Self.layers.map { layer in
      let geometry = ConvolutionGeometry(
        inputHeight: input[0], inputWidth: input[1], inputChannels: input[2],
        outputChannels: layer.channels, kernelHeight: layer.kernel, kernelWidth: layer.kernel,
        stride: layer.stride, padding: .all(layer.padding))
      let weights = arena.make(geometry.weightShape)
      // He initialisation for the slope 0.2 preserves the scale of activations from layer to layer.
      let deviation = (2 / (1.04 * Float(geometry.patchLength))).squareRoot()
      stream.fillGaussian(weights, standardDeviation: deviation)
      let plan = ConvolutionPlan(geometry, on: machine)
      plan.setWeights(weights)
      input = geometry.outputShape
      return plan
    }
  }

  private func pool(
    _ activations: Tensor, channels: Int, _ range: Range<Int>,
    into target: UnsafeMutableBufferPointer<Float>
  ) {
    let positions = activations.count / (range.count * channels)
    nonisolated(unsafe) let target = target
    machine.threads.forEach(range.count) { index, _ in
      let source = activations.pointer + index * positions * channels
      let row = (range.lowerBound + index) * 2 * channels
      for channel in 0..<channels {
        var sum = 0.0
        var squares = 0.0
        for position in 0..<positions {
          let value = Double(source[position * channels + channel])
          sum += value
          squares += value * value
        }
        let mean = sum / Double(positions)
        target[row + channel] = Float(mean)
        target[row + channels + channel] = Float(
          max(0, squares / Double(positions) - mean * mean).squareRoot())
      }
    }
  }
}
