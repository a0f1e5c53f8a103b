import Compute
import Learning
import TestSupport
import Testing

/// The norm used for clipping is at least the norm of the added gradient, regardless of rounding.
@Suite struct RoundingTests {
  enum Images: CaseIterable {
    case noise
    /// Positions whose terms cancel except for rounding.
    case evenWithAlternatingGradients
    /// Small differences of large numbers, which sums of pixels mostly lose.
    case noiseOnLargeMean
  }

  struct Sizes: CustomStringConvertible, Sendable {
    let kernel: Int, stride: Int, size: Int
    var description: String { "\(kernel)×\(kernel), stride \(stride), \(size)×\(size)" }
  }

  @Test(
    arguments: [
      Sizes(kernel: 4, stride: 2, size: 14), Sizes(kernel: 3, stride: 2, size: 7),
      Sizes(kernel: 3, stride: 1, size: 6),
    ], Images.allCases)
  func normsAreNoSmallerThanWhatIsAdded(_ sizes: Sizes, _ images: Images) throws {
    let machine = Machine(threadCount: 2)
    var net = NetworkBuilder(input: Shape(sizes.size, sizes.size, 64), on: machine)
    net.convolution(128, kernel: sizes.kernel, stride: sizes.stride, padding: 1)
    let network = net.network(seed: 1)
    let layer = try #require(network.layers.first as? any PerExampleLayer)
    let pass = Pass(on: machine)
    // A batch large enough for minimal filtering, from which one example is added.
    let count = 8
    for added in 0..<count {
      pass.begin(exampleCount: count)
      let input = pass.make(network.inputShape)
      let gradient = pass.make(network.outputShape)
      var stream = SeededStream(seed: UInt64(added))
      stream.fillGaussian(input, standardDeviation: 1)
      stream.fillGaussian(gradient, standardDeviation: 1)
      switch images {
      case .noise: break
      case .evenWithAlternatingGradients:
        let columns = network.outputShape[1]
        for index in 0..<input.count { input.pointer[index] = input.pointer[index % 64] }
        for index in 0..<gradient.count {
          let position = index / 128
          let sign: Float = (position / columns + position % columns) % 2 == 0 ? 1 : -1
          gradient.pointer[index] = sign * gradient.pointer[index % 128]
        }
      case .noiseOnLargeMean:
        for index in 0..<input.count { input.pointer[index] += 1000 }
      }
      _ = network.forward(input, in: pass)
      _ = layer.backward(gradient, needsInputGradient: false, in: pass)
      network.parameters.gradient.fill(0)
      var squares = [Double](repeating: 0, count: count)
      squares.withUnsafeMutableBufferPointer { layer.addSquaredGradientNorms(to: $0, in: pass) }
      let weights = pass.make(Shape(1))
      weights.fill(0)
      weights.pointer[added] = 1
      layer.addGradient(weightedBy: weights, in: pass)
      let square = network.parameters.gradient.array.reduce(0.0) { $0 + Double($1) * Double($1) }
      #expect(squares[added] >= square)
      #expect(squares[added] < 1.1 * square || images == .evenWithAlternatingGradients)
    }
  }
}
