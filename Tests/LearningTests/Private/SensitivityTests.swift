import Compute
import Learning
import TestSupport
import Testing

/// One unit moves the sum by at most the clip norm, and by exactly that if its gradient is large.
@Suite struct SensitivityTests {
  @Test func oneExampleMovesTheSumByAtMostTheClipNorm() throws {
    var stream = SeededStream(seed: 11)
    let fullMoves = try moveSums(
      of: PrivateBench(), rounds: 1500, companyOf: 0...5, from: &stream)
    #expect(fullMoves > 300)
  }

  @Test func oneExampleMovesTheSumOfWideLayersByAtMostTheClipNorm() throws {
    var stream = SeededStream(seed: 12)
    let fullMoves = try moveSums(
      of: .wide(), rounds: 150, companyOf: 8...11, from: &stream)
    #expect(fullMoves > 30)
  }

  /// Adds an example to random others and returns how often it moved the sum by the full clip norm.
  private func moveSums(
    of bench: PrivateBench, rounds: Int, companyOf counts: ClosedRange<Int>,
    from stream: inout SeededStream
  ) throws -> Int {
    var fullMoves = 0
    for _ in 0..<rounds {
      let loss = GivenGradientLoss(PrivateBench.gradients(6, from: &stream))
      var examples = PrivateBench.examples(
        Int.random(in: counts, using: &stream), labelCount: 6, from: &stream)
      let clipNorm = [0.01, 1.0, 30.0][Int.random(in: 0..<3, using: &stream)]
      let without = try bench.sum(examples, loss, clipNorm: clipNorm)
      let added = PrivateBench.examples(1, labelCount: 6, from: &stream)
      let alone = try bench.sum(added, loss, clipNorm: 1e30)
      let place = Int.random(in: 0...examples.count, using: &stream)
      examples.values.insert(added.values[0], at: place)
      examples.labels.insert(added.labels[0], at: place)
      let with = try bench.sum(examples, loss, clipNorm: clipNorm)
      let moved = distance(with, without)
      #expect(moved <= clipNorm * (1 + 1e-5))
      if norm(alone) > clipNorm * 1.001 {
        // The bound must be tight to be meaningful: over all parameters together, exactly C.
        #expect(moved >= clipNorm * (1 - 5e-4))
        fullMoves += 1
      } else {
        #expect(isClose(moved, to: norm(alone), relative: 1e-3, absolute: 1e-5 * clipNorm))
      }
    }
    return fullMoves
  }

  @Test func smallGradientsAreSummedWithoutClipping() throws {
    let bench = PrivateBench()
    var stream = SeededStream(seed: 3)
    let examples = PrivateBench.examples(7, labelCount: 1, from: &stream)
    let loss = GivenGradientLoss([[0.1, -0.2, 0.3]])
    let clipped = try bench.sum(examples, loss, clipNorm: 1e3)
    let pass = Pass(on: bench.machine)
    let plain = bench.network.parameters.makeCompanion()
    plain.fill(0)
    _ = bench.network.addPublicGradient(
      over: examples, loss: loss, clipNorm: nil, scale: 1, to: plain, in: pass)
    #expect(distance(clipped, plain.array) < 1e-5 * norm(clipped))
  }

  /// NaN and infinity contribute nothing, and other examples are unaffected.
  @Test(arguments: [Float.nan, .infinity, -.infinity, .greatestFiniteMagnitude])
  func spoiltGradientsContributeNothing(_ value: Float) throws {
    var stream = SeededStream(seed: 7)
    let loss = GivenGradientLoss([[1, 2, -1], [value, 0, value]])
    for microBatchSize in [1, 3, 64] {
      let bench = PrivateBench(microBatchSize: microBatchSize)
      var examples = PrivateBench.examples(6, labelCount: 1, from: &stream)
      let expected = try bench.sum(examples, loss, clipNorm: 1)
      let spoilt = PrivateBench.examples(3, labelCount: 1, from: &stream)
      for (index, place) in [0, 3, 8].enumerated() {
        examples.values.insert(spoilt.values[index], at: place)
        examples.labels.insert(1, at: place)
      }
      let found = try bench.sum(examples, loss, clipNorm: 1)
      #expect(distance(found, expected) <= 1e-6 * norm(expected))
    }
  }

  @Test(arguments: [Float.nan, .infinity])
  func nonFinitePixelsContributeNothing(_ value: Float) throws {
    let bench = PrivateBench()
    var stream = SeededStream(seed: 8)
    let loss = GivenGradientLoss([[1, 2, -1]])
    var examples = PrivateBench.examples(4, labelCount: 1, from: &stream)
    let expected = try bench.sum(examples, loss, clipNorm: 1)
    var spoilt = examples.values[0]
    spoilt[5] = value
    examples.values.insert(spoilt, at: 2)
    examples.labels.append(0)
    #expect(distance(try bench.sum(examples, loss, clipNorm: 1), expected) < 1e-6)
  }

  @Test(arguments: [Float(1e30), 1e19, 1e-30, .leastNormalMagnitude, .leastNonzeroMagnitude])
  func extremeGradientsStayWithinTheBound(_ scale: Float) throws {
    let bench = PrivateBench()
    var stream = SeededStream(seed: 9)
    let loss = GivenGradientLoss([[1, 2, -1], [scale, -scale, scale]])
    var examples = PrivateBench.examples(3, labelCount: 1, from: &stream)
    let without = try bench.sum(examples, loss, clipNorm: 1)
    examples.values.append(PrivateBench.examples(1, labelCount: 1, from: &stream).values[0])
    examples.labels.append(1)
    let moved = distance(try bench.sum(examples, loss, clipNorm: 1), without)
    #expect(moved <= 1 + 1e-5)
    if scale < 1 { #expect(moved < 1e-6) }
  }

  /// Positions whose terms cancel almost completely: rounding must not make the norm too small.
  @Test func cancellingPositionsStayWithinTheBound() throws {
    let machine = Machine(threadCount: 1)
    var net = NetworkBuilder(input: Shape(3, 6, 8), on: machine)
    net.convolution(16, kernel: 3)
    #expect(net.layers[0].summary.contains("Gram"))
    let network = net.privateNetwork(seed: 1)
    var stream = SeededStream(seed: 21)
    for _ in 0..<300 {
      let image = [Float](repeating: Float(stream.gaussian()) * 1000, count: 3 * 6 * 8)
      let exponent = Int.random(in: -26 ... -5, using: &stream)
      let off = 1 + Float(sign: .plus, exponent: exponent, significand: 1)
      let row = (0..<16).map { _ in Float(stream.gaussian()) * 1000 }
      let gradient = row + row.map { -$0 * off } + row.map { $0 * off } + row.map { -$0 }
      let sum = network.clippedSum(
        over: PrivateExamples(ArrayExamples([image], labels: [0])),
        loss: GivenGradientLoss([gradient]),
        try PrivateBench.quiet(clipNorm: 1), in: Pass(on: machine))
      let released = sum.noised(by: NoiseStream())
      #expect(norm(released.values.array) <= 1 + 1e-5)
    }
  }

  /// Terms that overflow although the norm is finite: the unit is detected and left out.
  @Test func overflowBehindAFiniteNormIsLeftOut() throws {
    let machine = Machine(threadCount: 1)
    let parameters = ParameterStore()
    let network = PrivateNetwork(
      [LyingLayer(parameters)], parameters: parameters, seed: 1, microBatchSize: 4)
    let examples = ArrayExamples([[1], [2], [.infinity], [4], [5]], labels: [0, 0, 0, 0, 0])
    let sum = network.clippedSum(
      over: PrivateExamples(examples), loss: GivenGradientLoss([[1]]),
      try PrivateBench.quiet(clipNorm: 100),
      in: Pass(on: machine))
    let released = sum.noised(by: NoiseStream())
    #expect(released.values.array == [12])
  }

  /// Summation of single units must bound each contribution like the usual summation.
  @Test func unitsThatAreSummedAloneAreClippedAlike() throws {
    let machine = Machine(threadCount: 1)
    var sums: [[Float]] = []
    for values: [[Float]] in [[[1], [2], [4]], [[1], [2], [.infinity], [4]]] {
      let parameters = ParameterStore()
      let network = PrivateNetwork(
        [LyingLayer(parameters)], parameters: parameters, seed: 1, microBatchSize: 4)
      let examples = ArrayExamples(values, labels: values.map { _ in 0 })
      let sum = network.clippedSum(
        over: PrivateExamples(examples), loss: GivenGradientLoss([[1]]),
        try PrivateBench.quiet(clipNorm: 0.25), in: Pass(on: machine))
      sums.append(sum.noised(by: NoiseStream()).values.array)
    }
    // Norms of one are scaled to a quarter.
    #expect(isClose(Double(sums[0][0]), to: 7 * 0.25, relative: 0.01, absolute: 0))
    #expect(isClose(Double(sums[1][0]), to: Double(sums[0][0]), relative: 1e-6, absolute: 0))
  }

  /// A layer whose gradient is its input and whose norm is always one.
  private final class LyingLayer: PerExampleLayer {
    let summary = "lying"
    let inputShape = Shape(1)
    let outputShape = Shape(1)
    private let store: ParameterStore
    private let parameter: Parameter
    private var input: Tensor?

    init(_ store: ParameterStore) {
      self.store = store
      parameter = store.declare("number", Shape(1), .zeros)
    }

    func parametersChanged() {}

    func forward(_ input: Tensor, in pass: Pass) -> Tensor {
      self.input = input
      return input
    }

    func backward(_ gradient: Tensor, needsInputGradient: Bool, in pass: Pass) -> Tensor? {
      needsInputGradient ? gradient : nil
    }

    func addSquaredGradientNorms(
      to norms: UnsafeMutableBufferPointer<Double>, in pass: Pass
    ) {
      for index in norms.indices { norms[index] += 1 }
    }

    func addGradient(weightedBy weights: Tensor?, in pass: Pass) {
      guard let input else { return }
      pass.machine.addWeightedRows(input, weights: weights, to: store.gradient(of: parameter))
    }
  }
}
