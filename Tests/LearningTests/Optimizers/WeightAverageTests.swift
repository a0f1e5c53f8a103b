import Compute
import Learning
import TestSupport
import Testing

/// The moving average that draws the images.
@Suite struct WeightAverageTests {
  private let network: Network

  init() {
    var net = NetworkBuilder(input: Shape(2), on: Machine(threadCount: 1))
    net.dense(1)
    network = net.network(seed: 1)
  }

  @Test func decayWarmsUp() {
    let average = WeightAverage(of: network.parameters, decay: 0.999)
    #expect(average.presentDecay == 0.1)
    average.updateCount = 90
    #expect(average.presentDecay == 0.91)
    average.updateCount = 1_000_000
    #expect(average.presentDecay == 0.999)
  }

  @Test func averageFollowsItsRecurrence() {
    network.parameters.values.fill(0)
    let average = WeightAverage(of: network.parameters, decay: 0.2)
    var expected = 0.0
    for step in 0..<6 {
      network.parameters.values.fill(Float(step))
      let decay = min(0.2, Double(1 + step) / Double(10 + step))
      expected = decay * expected + (1 - decay) * Double(step)
      average.update(from: network.parameters)
      #expect(isClose(Double(average.values.array[2]), to: expected, absolute: 1e-5))
    }
  }

  @Test func copyWritesTheAverageToAnotherNetwork() {
    let average = WeightAverage(of: network.parameters, decay: 0.5)
    let averaged = network.parameters.values.array
    network.parameters.values.fill(9)
    average.copy(to: network.parameters)
    #expect(network.parameters.values.array == averaged)
  }

  @Test func networkUsesTheAverageOnlyInsideTheCall() throws {
    network.parameters.values.fill(2)
    network.parametersChanged()
    let average = WeightAverage(of: network.parameters, decay: 0.5)
    network.parameters.values.fill(5)
    network.parametersChanged()
    #expect(output() == 15)
    #expect(average.withAverage(in: network) { output() } == 6)
    #expect(output() == 15)
    #expect(average.values.array == [2, 2, 2])
    struct Stop: Error {}
    #expect(throws: Stop.self) {
      try average.withAverage(in: network) { throw Stop() }
    }
    #expect(output() == 15)
  }

  private func output() -> Float {
    let pass = Pass(on: Machine(threadCount: 1))
    pass.begin(exampleCount: 1)
    let input = pass.make(Shape(2))
    input.fill(1)
    return network.forward(input, in: pass).array[0]
  }
}
