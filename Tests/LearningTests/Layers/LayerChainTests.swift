import Compute
import Learning
import TestSupport
import Testing

/// A chain in which epilogues of products do the work of the layers after them.
@Suite struct LayerChainTests {
  /// The beginning of a discriminator and the end of a generator; one rectifier precedes a class
  /// bias, which would hide the signs from it.
  private func makeNetwork(on machine: Machine) -> Network {
    var net = NetworkBuilder(input: Shape(8, 6, 3), on: machine)
    net.convolution(16, kernel: 4, stride: 2, padding: 1)
    net.classBias(classes: 3, initialization: .normal(standardDeviation: 0.5))
    net.leakyReLU(0.2)
    net.convolution(20, kernel: 3, padding: 1)
    net.leakyReLU(0.2)
    net.classBias(classes: 3, initialization: .normal(standardDeviation: 0.5))
    net.transposedConvolution(5, kernel: 4, stride: 2, padding: 1)
    net.classBias(classes: 3, initialization: .normal(standardDeviation: 0.5))
    net.leakyReLU(0)
    return net.network(seed: 3)
  }

  @Test func chainEqualsItsLayersOneByOne() throws {
    let machine = Machine(threadCount: 2)
    let chained = makeNetwork(on: machine)
    let single = makeNetwork(on: machine)
    let labels = [0, 2, 1, 2, 0]
    var stream = SeededStream(seed: 9)
    let first = Pass(on: machine)
    let second = Pass(on: machine)
    for pass in [first, second] { pass.begin(exampleCount: 5, labels: labels) }
    let input = first.make(chained.inputShape)
    stream.fillGaussian(input, standardDeviation: 1)
    let output = chained.forward(input, in: first)
    let gradient = first.make(chained.outputShape)
    stream.fillGaussian(gradient, standardDeviation: 1)
    let inputGradient = try #require(
      chained.backward(gradient, needsInputGradient: true, in: first))
    chained.addGradient(in: first)

    let plain = single.layers.reduce(input) { $1.forward($0, in: second) }
    let plainGradient = single.layers.reversed().reduce(gradient) { gradient, layer in
      layer.backward(gradient, needsInputGradient: true, in: second) ?? gradient
    }
    single.addGradient(in: second)
    #expect(output.array == plain.array)
    #expect(inputGradient.array == plainGradient.array)
    #expect(chained.parameters.gradient.array == single.parameters.gradient.array)
    #expect(chained.parameters.gradient.array.contains { $0 != 0 })
  }

  @Test func chainWithoutInputGradientReturnsNil() {
    let machine = Machine(threadCount: 1)
    var net = NetworkBuilder(input: Shape(4, 4, 2), on: machine)
    net.leakyReLU(0.2)
    net.convolution(3, kernel: 3, padding: 1)
    let network = net.network(seed: 1)
    let pass = Pass(on: machine)
    pass.begin(exampleCount: 2)
    let input = pass.make(network.inputShape)
    input.fill(1)
    let output = network.forward(input, in: pass)
    #expect(network.backward(output, needsInputGradient: false, in: pass) == nil)
  }
}
