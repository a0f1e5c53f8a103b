import Compute
import Learning
import Privacy
import TestSupport

/// A small private network and the operations of one step on its gradient.
struct PrivateBench {
  static let inputShape = Shape(4, 4, 2)
  static let outputCount = 3

  let network: PrivateNetwork
  let machine: Machine

  /// A network with explicit norms, Gram norms, group norm and dense parameters.
  init(microBatchSize: Int = 32, threads: Int = 1, seed: UInt64 = 5) {
    machine = Machine(threadCount: threads)
    var net = NetworkBuilder(input: Self.inputShape, on: machine)
    net.convolution(4, kernel: 3, padding: 1)
    net.tanh()
    net.groupNorm(groups: 2)
    net.convolution(8, kernel: 3, stride: 2)
    net.leakyReLU(0.2)
    net.dense(Self.outputCount)
    network = net.privateNetwork(seed: seed, microBatchSize: microBatchSize)
  }

  /// A network with a layer so wide that its outputs use sums of pixels and taps, and in batches of
  /// eight examples its gradient too.
  static func wide() -> PrivateBench {
    let machine = Machine(threadCount: 2)
    var net = NetworkBuilder(input: inputShape, on: machine)
    net.convolution(64, kernel: 3, padding: 1)
    net.leakyReLU(0.2)
    net.convolution(64, kernel: 3, padding: 1)
    net.leakyReLU(0.2)
    net.dense(outputCount)
    return PrivateBench(
      network: net.privateNetwork(seed: 5, microBatchSize: 32), machine: machine)
  }

  private init(network: PrivateNetwork, machine: Machine) {
    self.network = network
    self.machine = machine
  }

  /// Noise so small that it vanishes in rounding; the divisor is one.
  static func quiet(clipNorm: Double) throws -> SubsampledGaussian {
    try SubsampledGaussian(
      samplingProbability: 1, noiseMultiplier: 1e-60, clipNorm: clipNorm, nominalBatchSize: 1)
  }

  /// The clipped sum without noise.
  func sum(
    _ examples: ArrayExamples, _ loss: some Loss, clipNorm: Double
  ) throws -> [Float] {
    let pass = Pass(on: machine)
    let sum = network.clippedSum(
      over: PrivateExamples(examples), loss: loss, try Self.quiet(clipNorm: clipNorm), in: pass)
    let gradient = sum.noised(by: NoiseStream())
    return gradient.values.array
  }

  /// Random examples with random labels below `labelCount`.
  static func examples(
    _ count: Int, labelCount: Int, from stream: inout SeededStream
  ) -> ArrayExamples {
    ArrayExamples(
      (0..<count).map { _ in
        (0..<inputShape.count).map { _ in Float(stream.gaussian()) }
      },
      labels: (0..<count).map { _ in Int.random(in: 0..<labelCount, using: &stream) })
  }

  /// Gradients of the outputs over many orders of magnitude, one per label.
  static func gradients(_ count: Int, from stream: inout SeededStream) -> [[Float]] {
    (0..<count).map { _ in
      let scale = Float(
        sign: .plus, exponent: Int.random(in: -20...20, using: &stream), significand: 1)
      return (0..<outputCount).map { _ in Float(stream.gaussian()) * scale }
    }
  }
}

/// The Euclidean norm of a − b.
func distance(_ a: [Float], _ b: [Float]) -> Double {
  zip(a, b).reduce(0.0) {
    let difference = Double($1.0) - Double($1.1)
    return $0 + difference * difference
  }.squareRoot()
}

/// The Euclidean norm.
func norm(_ a: [Float]) -> Double {
  distance(a, [Float](repeating: 0, count: a.count))
}
