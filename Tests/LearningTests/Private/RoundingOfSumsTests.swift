import Compute
import Learning
import Privacy
import TestSupport
import Testing

/// The effect of one unit on the rounding of the others' sum: the weights leave a margin for it.
@Suite struct RoundingOfSumsTests {
  /// A mechanism whose noise vanishes in rounding.
  private static func quiet(_ batchSize: Int, clipNorm: Double = 1) throws -> SubsampledGaussian {
    try SubsampledGaussian(
      samplingProbability: 1, noiseMultiplier: 1e-60, clipNorm: clipNorm,
      nominalBatchSize: batchSize)
  }

  /// The clipped sum; the batch size is a power of two, so the division is exact.
  private static func sum(
    _ network: PrivateNetwork, _ examples: ArrayExamples, _ loss: some Loss, batchSize: Int,
    on machine: Machine
  ) throws -> [Float] {
    let sum = network.clippedSum(
      over: PrivateExamples(examples), loss: loss, try quiet(batchSize), in: Pass(on: machine))
    return sum.noised(by: NoiseStream()).values.array.map { $0 * Float(batchSize) }
  }

  private static func difference(_ a: [Float], _ b: [Float]) -> [Double] {
    zip(a, b).map { Double($0) - Double($1) }
  }

  private static func norm(_ a: [Double]) -> Double {
    a.reduce(0) { $0 + $1 * $1 }.squareRoot()
  }

  /// Gradients with a unit that comes first: every later micro-batch is divided one example
  /// earlier, and each of their sums, which were chosen slightly below half a unit in the last
  /// place of the whole sum, comes out slightly above it.
  @Test func aUnitThatShiftsTheRoundingOfAllOthersMovesTheSumByAtMostTheClipNorm() throws {
    let count = 1024
    let machine = Machine(threadCount: 1)
    var net = NetworkBuilder(input: Shape(1, 1, 1), on: machine)
    net.dense(1)
    let network = net.privateNetwork(seed: 1)
    let (usual, half, hair) = (Float(1 - 0x1p-8), Float(0x1p-15), Float(0x1p-18))
    let gradients = (0..<count).map { index in
      let block = Float(index / 32)
      return switch index % 32 {
      case 0: usual + 2 * hair * block + half - hair
      case 31: usual - 2 * hair * block
      default: usual
      }
    }
    // An input of 64 makes the weight's gradient 64 times the bias's.
    let loss = GivenGradientLoss(gradients.map { [$0 / 64] } + [[1000]])
    let (image, labels) = ([Float(64)], Array(0..<count))
    let sum = { (labels: [Int]) in
      try Self.sum(
        network, ArrayExamples(labels.map { _ in image }, labels: labels), loss,
        batchSize: count, on: machine)
    }
    let moved = try Self.difference(sum([count] + labels), sum(labels))
    #expect(Self.norm(moved) <= 1)
    #expect(Self.norm(moved) > 1 - 0x1p-8)
    // Micro-batches are added in double, so their sums are not rounded.
    let alone = try sum([count]).map { Double($0) }
    #expect(Self.norm(zip(moved, alone).map { $0 - $1 }) < 0x1p-13)
  }

  /// Aligned gradients, from which one is added or removed at any position.
  @Test(arguments: [256, 1024])
  func roundingOfAlignedSumsStaysWithinWhatTheWeightsLeave(_ count: Int) throws {
    for layers in 0..<4 {
      let machine = Machine(threadCount: 1)
      let shape = layers == 0 ? Shape(4, 4, 1) : Shape(6, 6, layers == 3 ? 16 : 2)
      var net = NetworkBuilder(input: shape, on: machine)
      if layers > 0 { net.convolution(layers == 3 ? 64 : 8, kernel: 3, padding: 1) }
      if layers != 1 { net.dense(8) }
      let outputs = net.shape.count
      let network = net.privateNetwork(seed: 1)
      var stream = SeededStream(seed: UInt64(count + layers))
      let base = (0..<shape.count).map { _ in Float(stream.gaussian()) }
      let loss = GivenGradientLoss([(0..<outputs).map { _ in Float(stream.gaussian()) * 1000 }])
      var images = (0...count).map { _ in base.map { $0 * (1 + 0.01 * Float(stream.gaussian())) } }
      let sum = { (images: [[Float]]) in
        try Self.sum(
          network, ArrayExamples(images, labels: images.map { _ in 0 }), loss, batchSize: count,
          on: machine)
      }
      let with = try sum(images)
      #expect(Self.norm(with.map { Double($0) }) > 0.9 * Double(count))
      let place = [0, count / 3][layers % 2]
      let alone = try sum([images.remove(at: place)])
      let moved = try Self.difference(with, sum(images))
      #expect(Self.norm(moved) <= 1)
      let shift = Self.norm(zip(moved, alone).map { $0 - Double($1) })
      // At most a tenth of the margin.
      #expect(shift <= 0.1 * Double(count) * 0x1p-19, "\(layers)")
    }
  }

  /// The margin is a public share of the clip norm that grows with the plan's batch size.
  @Test(arguments: [1, 64, 512, 4096])
  func weightsLeaveRoomForTheRoundingOfTheOthers(_ batchSize: Int) throws {
    let bench = PrivateBench()
    var stream = SeededStream(seed: 5)
    let examples = PrivateBench.examples(1, labelCount: 1, from: &stream)
    let loss = GivenGradientLoss([[1e4, -2e4, 1e4]])
    let room = 1 + Double(batchSize) * 0x1p-19
    for clipNorm in [0.01, 1, 30] {
      let pass = Pass(on: bench.machine)
      let sum = bench.network.clippedSum(
        over: PrivateExamples(examples), loss: loss,
        try Self.quiet(batchSize, clipNorm: clipNorm), in: pass)
      let values = sum.noised(by: NoiseStream()).values.array.map { Double($0) }
      let norm = Self.norm(values) * Double(batchSize)
      #expect(norm * room <= clipNorm)
      #expect(norm * room > clipNorm * (1 - 0x1p-12))
    }
  }

  /// The margin is taken from the contributions: the noise keeps the scale that was paid for.
  @Test func noiseKeepsTheScaleOfTheWholeClipNorm() throws {
    let machine = Machine(threadCount: 1)
    var net = NetworkBuilder(input: Shape(1, 1, 300), on: machine)
    net.dense(300)
    let network = net.privateNetwork(seed: 1)
    let mechanism = try SubsampledGaussian(
      samplingProbability: 1, noiseMultiplier: 2, clipNorm: 3, nominalBatchSize: 1 << 15)
    let sum = network.clippedSum(
      over: PrivateExamples(ArrayExamples([], labels: [])), loss: GivenGradientLoss([[]]),
      mechanism,
      in: Pass(on: machine))
    let values = sum.noised(by: NoiseStream()).values.array.map { Double($0) * 0x1p15 }
    // 90,300 numbers: five deviations of their mean square are 2.4 %; the margin would be 12 %.
    let deviation = Self.norm(values) / Double(values.count).squareRoot()
    #expect(abs(deviation / 6 - 1) < 0.012)
  }
}
