import Glibc
import Testing

@testable import Compute

/// Gated activations and softmax weights on every instruction set, in lengths that end inside a vector.
@Suite struct GatesTests {
  static let isaNames = Kernels.available.map(\.name)
  private static let positions = 5

  private func machine(_ isa: String) -> Machine {
    Machine(threadCount: 1, kernels: Kernels.named(isa) ?? .preferred)
  }

  /// Inputs from tiny to saturated, both signs.
  private func inputs(_ count: Int) -> [Float] {
    randomFloats(count, seed: 1).enumerated().map { $1 * [1e-6, 0.1, 1, 10, 60][$0 % 5] }
  }

  @Test(arguments: isaNames, [1, 5, 16, 37])
  func gateIsTanhTimesSigmoid(_ isa: String, _ channels: Int) {
    let gates = Gates(channels: channels, on: machine(isa))
    let input = inputs(2 * channels * Self.positions)
    let biases = randomFloats(2 * 2 * channels, seed: 2)
    // Two regions, in an order that a wrong stride would not produce.
    let regions = [1, 0, 0, 1, 0]
    var parts = [Float](repeating: .nan, count: input.count)
    var output = [Float](repeating: .nan, count: input.count / 2)
    gates.forward(
      input, biases: biases, offsets: regions.map { Int32($0 * 2 * channels) },
      positions: Self.positions, parts: &parts, into: &output)
    for position in 0..<Self.positions {
      for channel in 0..<channels {
        let content = position * 2 * channels + channel
        let bias = regions[position] * 2 * channels + channel
        let a = tanh(Double(input[content] + biases[bias]))
        let b = 1 / (1 + exp(-Double(input[content + channels] + biases[bias + channels])))
        #expect(abs(Double(parts[content]) - a) < 0x1p-22)
        #expect(abs(Double(parts[content + channels]) - b) < 0x1p-22)
        #expect(abs(Double(output[position * channels + channel]) - a * b) < 0x1p-21)
      }
    }
  }

  @Test(arguments: isaNames) func aSinglePositionProducesTheSameBits(_ isa: String) {
    let gates = Gates(channels: 21, on: machine(isa))
    let input = inputs(42 * Self.positions)
    let biases = randomFloats(42, seed: 3)
    var whole = [Float](repeating: .nan, count: 21 * Self.positions)
    gates.forward(input, biases: biases, positions: Self.positions, into: &whole)
    for position in 0..<Self.positions {
      var alone = [Float](repeating: .nan, count: 21)
      gates.forward(
        Array(input[(42 * position)...].prefix(42)), biases: biases, positions: 1, into: &alone)
      #expect(alone == Array(whole[(21 * position)...].prefix(21)))
    }
  }

  @Test(arguments: isaNames) func largeInputsCloseOrOpenTheGateAndNaNStaysNaN(_ isa: String) {
    let gates = Gates(channels: 6, on: machine(isa))
    let far: [Float] = [-.infinity, .infinity, -1e30, 1e30, -300, .nan]
    let biases = [Float](repeating: 0, count: 12)
    var parts = [Float](repeating: 2, count: 12)
    var output = [Float](repeating: 2, count: 6)
    gates.forward(far + far, biases: biases, positions: 1, parts: &parts, into: &output)
    #expect(Array(parts[..<5]) == [-1, 1, -1, 1, -1])
    for index in 0..<5 { #expect(abs(parts[6 + index] - [0, 1, 0, 1, 0][index]) < 1e-16) }
    #expect(parts[5].isNaN && parts[11].isNaN && output[5].isNaN)
  }

  @Test(arguments: isaNames, [1, 5, 16, 37])
  func gradientsOfAGateFollowTheirFormula(_ isa: String, _ channels: Int) {
    let gates = Gates(channels: channels, on: machine(isa))
    let gradient = randomFloats(channels * Self.positions, seed: 4)
    let parts = randomFloats(2 * channels * Self.positions, seed: 5).map { tanhf($0) }
    var result = [Float](repeating: .nan, count: parts.count)
    gates.backward(gradient, parts: parts, positions: Self.positions, into: &result)
    for position in 0..<Self.positions {
      for channel in 0..<channels {
        let first = position * 2 * channels + channel
        let g = Double(gradient[position * channels + channel])
        let (a, b) = (Double(parts[first]), Double(parts[first + channels]))
        #expect(abs(Double(result[first]) - g * b * (1 - a * a)) < 1e-6)
        #expect(abs(Double(result[first + channels]) - g * a * b * (1 - b)) < 1e-6)
      }
    }
  }

  @Test(arguments: isaNames, [1, 2, 16, 37, 256])
  func softmaxWeightsAreExponentialsAndTheirSum(_ isa: String, _ count: Int) throws {
    let kernels = try #require(Kernels.named(isa))
    let logits = inputs(count)
    var weights = [Float](repeating: .nan, count: count + 1)
    let (largest, sum) = kernels.softmaxWeights(logits, scale: 0.5, count: count, into: &weights)
    #expect(largest == logits.max())
    #expect(weights[count].isNaN)
    var total = 0.0
    for (logit, weight) in zip(logits, weights) {
      let exact = exp(0.5 * (Double(logit) - Double(largest)))
      // The argument itself is rounded, and weights below the smallest normal number do not become zero.
      #expect(abs(Double(weight) - exact) < 1e-5 * exact + 1e-37)
      total += exact
    }
    #expect(abs(Double(sum) - total) < 1e-5 * total)
  }
}
