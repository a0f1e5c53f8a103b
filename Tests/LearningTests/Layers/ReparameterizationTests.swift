import Compute
import Glibc
import Learning
import Privacy
import TestSupport
import Testing

/// The layer that draws codes: its divergence, what it adds to gradients and norms, and where its noise comes from.
@Suite struct ReparameterizationTests {
  private static let size = 3

  /// Half the sum of squares of each example's outputs, plus the weighted divergence of its code.
  private struct Objective: Loss {
    let codes: Reparameterization

    func evaluate(
      _ output: Tensor, gradient: Tensor, values: UnsafeMutableBufferPointer<Double>?, in pass: Pass
    ) {
      gradient.copy(from: output)
      guard let values else { return }
      let width = output.count / max(1, pass.exampleCount)
      for (example, divergence) in codes.divergences(in: pass).enumerated() {
        values[example] = codes.divergenceWeight * divergence
        for index in 0..<width {
          let number = Double(output.pointer[example * width + index])
          values[example] += number * number / 2
        }
      }
    }
  }

  /// A small network from 4 numbers to a code and on to 2 numbers.
  private struct Bench {
    let network: PrivateNetwork
    let codes: Reparameterization
    let pass: Pass

    init(weight: Double = 0.7, microBatchSize: Int = 8, threads: Int = 1) {
      let machine = Machine(threadCount: threads)
      var net = NetworkBuilder(input: Shape(4), on: machine)
      let images = KeyedImages(input: Shape(4))
      net.append(images)
      net.dense(2 * ReparameterizationTests.size)
      codes = net.reparameterization(images: images, seed: 5, divergenceWeight: weight)
      net.dense(2)
      network = net.privateNetwork(seed: 3, microBatchSize: microBatchSize)
      pass = Pass(on: machine)
    }

    var objective: Objective { Objective(codes: codes) }

    /// The sum of the examples' gradients, and the mean objective.
    func gradient(
      _ examples: [[Float]], clipNorm: Double? = nil
    ) -> (gradient: [Double], objective: Double) {
      let sum = network.parameters.makeCompanion()
      let mean = network.addPublicGradient(
        over: ArrayExamples(examples), loss: objective, clipNorm: clipNorm, scale: 1, to: sum,
        in: pass)
      return (sum.array.map(Double.init), mean)
    }
  }

  private static let examples: [[Float]] = [
    [0.3, -0.8, 0.5, 1], [-1, 0.2, 0.9, -0.4], [0.1, 0.1, -0.7, 0.6],
  ]

  private func norm(_ vector: [Double]) -> Double {
    vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
  }

  @Test func theGradientOfEarlierLayersIsThatOfTheWholeBound() {
    let bench = Bench()
    let gradient = bench.gradient(Self.examples).gradient
    let store = bench.network.parameters
    let step: Float = 0x1p-7
    for index in 0..<store.count {
      let value = store.values.pointer[index]
      let ends = [value + step, value - step].map { moved in
        store.values.pointer[index] = moved
        bench.network.network.parametersChanged()
        return Double(Self.examples.count) * bench.gradient(Self.examples).objective
      }
      store.values.pointer[index] = value
      bench.network.network.parametersChanged()
      let slope = (ends[0] - ends[1]) / (2 * Double(step))
      #expect(abs(gradient[index] - slope) < 3e-3 * max(1, abs(slope)), "parameter \(index)")
    }
    // The divergence is not a small part of it that tolerances could hide.
    let without = Bench(weight: 0).gradient(Self.examples).gradient
    #expect(norm(zip(gradient, without).map { $0 - $1 }) > 0.1 * norm(gradient))
  }

  @Test func theNormThatIsClippedIsThatOfTheWholeBound() {
    let bench = Bench(weight: 20)
    for example in Self.examples {
      let whole = bench.gradient([example]).gradient
      let clipped = bench.gradient([example], clipNorm: 0.5).gradient
      #expect(norm(whole) > 1)
      // Norms are rounded up by 2⁻¹³, so a clipped gradient is shorter by as much.
      #expect(norm(clipped) <= 0.5 && norm(clipped) > 0.499)
    }
  }

  @Test func theDivergenceIsTheIntegralThatDefinesIt() {
    let bench = Bench()
    let pass = bench.pass
    pass.begin(exampleCount: 1)
    let input = pass.make(Shape(2 * Self.size))
    let numbers: [Float] = [0.4, -1.3, 2, -0.6, 0, 1.1]
    input.assign(numbers)
    _ = bench.codes.forward(oneKey(input, bench), in: pass)
    // Trapezoids of q · log(q / p) over twelve deviations to each side.
    let expected = (0..<Self.size).reduce(0.0) { sum, index in
      let mean = Double(numbers[index])
      let raw = Double(numbers[Self.size + index])
      let deviation = exp(Reparameterization.logVarianceBound * tanh(raw / 8) / 2)
      let width = 24 * deviation / 20_000
      let integral = (0...20_000).reduce(0.0) { sum, place in
        let z = mean - 12 * deviation + Double(place) * width
        let unit = (z - mean) / deviation
        let logQ = -unit * unit / 2 - log(deviation)
        return sum + exp(logQ) * (logQ + z * z / 2) * width
      }
      return sum + integral / (2 * Double.pi).squareRoot()
    }
    #expect(abs(bench.codes.divergences(in: pass)[0] - expected) < 1e-5 * expected)
  }

  /// Gives the layer's first example a key, which the chain would compute.
  private func oneKey(_ input: Tensor, _ bench: Bench) -> Tensor {
    let image = bench.pass.make(Shape(4))
    image.fill(0)
    _ = bench.network.network.layers[0].forward(image, in: bench.pass)
    return input
  }

  @Test func codesHaveTheDistributionThatTheEncoderFound() {
    let images = KeyedImages(input: Shape(2))
    let codes = Reparameterization(input: Shape(2), images: images, seed: 1)
    let pass = Pass(on: Machine(threadCount: 1))
    let count = 20_000
    pass.begin(exampleCount: count)
    let input = pass.make(Shape(2))
    // Images that differ in one low bit have unrelated noise.
    for example in 0..<count {
      input.pointer[2 * example] = Float(example).nextUp
      input.pointer[2 * example + 1] = 0
    }
    _ = images.forward(input, in: pass)
    for example in 0..<count {
      (input.pointer[2 * example], input.pointer[2 * example + 1]) = (0.5, 1.2)
    }
    let drawn = codes.forward(input, in: pass).array.map(Double.init)
    let mean = drawn.reduce(0, +) / Double(count)
    let variance = drawn.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count)
    let expected = exp(8 * tanh(1.2 / 8))
    // Five standard errors.
    #expect(abs(mean - 0.5) < 5 * (expected / Double(count)).squareRoot())
    #expect(abs(variance / expected - 1) < 5 * (2 / Double(count)).squareRoot())
  }

  /// With noise by place, an additional image would give all later ones other noise, and move their gradients.
  @Test(arguments: [1, 2, 8])
  func theNoiseOfAnImageDependsNeitherOnItsPlaceNorOnTheOthers(_ microBatchSize: Int) {
    let bench = Bench(microBatchSize: microBatchSize)
    let alone = Self.examples.map { Bench().gradient([$0]).gradient }
    let sum = alone[0].indices.map { index in alone.reduce(0) { $0 + $1[index] } }
    for order in [[0, 1, 2], [2, 0, 1]] {
      let together = bench.gradient(order.map { Self.examples[$0] }).gradient
      for (found, expected) in zip(together, sum) { #expect(abs(found - expected) < 1e-5) }
    }
  }

  @Test func everyRoundAndEverySeedHasNoiseOfItsOwn() {
    let bench = Bench()
    let first = bench.gradient(Self.examples).gradient
    #expect(bench.gradient(Self.examples).gradient == first)
    bench.codes.round = 1
    #expect(bench.gradient(Self.examples).gradient != first)
    let streams = [(1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 0, 0)].map { key, seed, round in
      var stream = Reparameterization.stream(
        key: UInt64(key), seed: UInt64(seed), round: UInt64(round))
      return stream.next()
    }
    #expect(Set(streams).count == 4)
  }

  @Test func hugeOutputsOfAnEncoderOverflowNothing() {
    let codes = Reparameterization(input: Shape(2), images: nil, seed: 1)
    let pass = Pass(on: Machine(threadCount: 1))
    for raw in [-1e30, 1e30] as [Float] {
      pass.begin(exampleCount: 1)
      let input = pass.make(Shape(2))
      input.assign([1, raw])
      let output = codes.forward(input, in: pass)
      let gradient = pass.make(Shape(1))
      gradient.fill(1)
      let slopes = codes.backward(gradient, needsInputGradient: true, in: pass)
      #expect(output.array.allSatisfy { $0.isFinite })
      #expect(slopes?.array.allSatisfy { $0.isFinite } == true)
      #expect(codes.divergences(in: pass)[0].isFinite)
    }
  }
}
