import Glibc
import Testing

@testable import Compute

/// Attention on every instruction set, with counts of keys that end inside a vector.
@Suite struct CausalAttentionTests {
  /// Widths that are multiples of the kernels' block sizes, and widths that are not.
  static let sizes = [
    CausalAttention(positionCount: 1, headCount: 1, headWidth: 1),
    CausalAttention(positionCount: 37, headCount: 2, headWidth: 5),
    CausalAttention(positionCount: 150, headCount: 3, headWidth: 8),
  ]

  private struct Case {
    let attention: CausalAttention
    let machine: Machine
    let arena = Arena()
    let projected: Tensor, output: Tensor, softmax: Tensor

    init(_ attention: CausalAttention, _ isa: String, examples: Int = 2) {
      self.attention = attention
      machine = Machine(threadCount: 2, kernels: Kernels.named(isa) ?? .preferred)
      let places = examples * attention.positionCount
      let count = places * 3 * attention.channels
      projected = arena.make(Shape(count), randomFloats(count, seed: 1).map { 3 * $0 })
      output = arena.make(Shape(places * attention.channels))
      softmax = arena.make(Shape(places * attention.softmaxCount))
      attention.forward(projected, into: output, softmax: softmax, on: machine)
    }
  }

  /// Softmax attention computed from its definition, in double precision.
  private func reference(_ attention: CausalAttention, _ projected: [Double]) -> [Double] {
    let (channels, width) = (attention.channels, attention.headWidth)
    let examples = projected.count / (attention.positionCount * 3 * channels)
    var output = [Double](repeating: 0, count: projected.count / 3)
    for example in 0..<examples {
      for head in 0..<attention.headCount {
        for position in 0..<attention.positionCount {
          func number(_ place: Int, _ part: Int, _ channel: Int) -> Double {
            let row = example * attention.positionCount + place
            return projected[(row * 3 + part) * channels + head * width + channel]
          }
          let powers = (0...position).map { key in
            exp(
              (0..<width).reduce(0) { $0 + number(position, 0, $1) * number(key, 1, $1) }
                / Double(width).squareRoot())
          }
          let total = powers.reduce(0, +)
          let row = example * attention.positionCount + position
          for channel in 0..<width {
            output[row * channels + head * width + channel] =
              powers.indices.reduce(0) { $0 + powers[$1] * number($1, 2, channel) } / total
          }
        }
      }
    }
    return output
  }

  @Test(arguments: PointwiseTests.isaNames, sizes)
  func outputsAreTheWeightedValues(_ isa: String, _ attention: CausalAttention) {
    let own = Case(attention, isa)
    let expected = reference(attention, own.projected.array.map(Double.init))
    for (found, value) in zip(own.output.array, expected) {
      #expect(abs(Double(found) - value) < 3e-5)
    }
  }

  @Test(arguments: PointwiseTests.isaNames)
  func gradientsAgreeWithTheDefinition(_ isa: String) {
    let attention = CausalAttention(positionCount: 37, headCount: 2, headWidth: 5)
    let own = Case(attention, isa)
    let slopes = randomFloats(own.output.count, seed: 2)
    let gradient = own.arena.make(own.projected.shape)
    attention.backward(
      own.arena.make(own.output.shape, slopes), projected: own.projected, output: own.output,
      softmax: own.softmax, into: gradient, on: own.machine)
    let values = own.projected.array.map(Double.init)
    func loss(_ index: Int, _ step: Double) -> Double {
      var moved = values
      moved[index] += step
      return zip(reference(attention, moved), slopes).reduce(0) { $0 + $1.0 * Double($1.1) }
    }
    for index in stride(from: 0, to: values.count, by: 41) {
      let expected = (loss(index, 1e-4) - loss(index, -1e-4)) / 2e-4
      #expect(abs(Double(gradient.array[index]) - expected) < 1e-4, "number \(index)")
    }
  }

  @Test(arguments: PointwiseTests.isaNames, sizes)
  func onePositionAtATimeProducesTheSameBits(_ isa: String, _ attention: CausalAttention) {
    let own = Case(attention, isa, examples: 1)
    let memory = own.arena.make(Shape(attention.memoryCount))
    let output = own.arena.make(Shape(attention.channels))
    for position in 0..<attention.positionCount {
      // A different key first, as if only some channels of the pixel were known.
      for part in [(position + 1) % attention.positionCount, position] {
        attention.attend(
          own.projected.pointer + part * 3 * attention.channels, position: position,
          memory: memory.pointer, into: output.pointer, on: own.machine)
      }
      let first = position * attention.channels
      #expect(output.array == Array(own.output.array[first..<(first + attention.channels)]))
    }
  }

  @Test(arguments: PointwiseTests.isaNames)
  func scoresBeyondTheRangeOfExponentialsStayFinite(_ isa: String) {
    let attention = CausalAttention(positionCount: 20, headCount: 1, headWidth: 1)
    let own = Case(attention, isa, examples: 1)
    for position in 0..<20 {
      own.projected.pointer[3 * position] = -1e3
      own.projected.pointer[3 * position + 1] = Float(position)
      own.projected.pointer[3 * position + 2] = Float(position)
    }
    attention.forward(
      own.projected, into: own.output, softmax: own.softmax, on: own.machine)
    // The first key's score is the largest, by at least a thousand.
    #expect(own.output.array.allSatisfy { abs($0) < 1e-6 })
  }
}
