import Compute
import Learning
import TestSupport
import Testing

/// Compares layers with PyTorch: padding, order of weights, epsilon, running statistics.
@Suite struct LayerConventionTests {
  private static let machine = Machine(threadCount: 2)
  private let golden: Golden.Arrays

  init() throws {
    golden = try Golden.arrays("learning/torch.csv")
  }

  @Test func convolution() throws {
    try check("convolution stride 2") { $0.convolution(2, kernel: 4, stride: 2, padding: 1) }
    try check("convolution stride 1") { $0.convolution(3, kernel: 3, padding: 1) }
  }

  @Test func transposedConvolution() throws {
    try check("transposed convolution") {
      $0.transposedConvolution(2, kernel: 4, stride: 2, padding: 1)
    }
    try check("transposed convolution with output padding") {
      $0.transposedConvolution(3, kernel: 3, stride: 2, padding: 1, outputPadding: 1)
    }
  }

  @Test func transposedConvolutionToAChosenSize() throws {
    try check("transposed convolution with output padding") {
      $0.transposedConvolution(
        3, kernel: 3, stride: 2, padding: 1, outputHeight: 4, outputWidth: 6)
    }
  }

  @Test func dense() throws {
    try check("dense") { $0.dense(4) }
  }

  @Test func normalizations() throws {
    try check("group norm") { $0.groupNorm(groups: 3) }
    try check("batch norm") { $0.batchNorm() }
  }

  @Test func pooling() throws {
    try check("average pooling") { $0.averagePooling() }
    try check("max pooling") { $0.maxPooling() }
  }

  @Test func activations() throws {
    try check("leaky ReLU") { $0.leakyReLU(0.2) }
    try check("tanh") { $0.tanh() }
  }

  @Test func batchNormSamplesFromRunningStatistics() throws {
    let network = try network("batch norm") { $0.batchNorm() }
    let input = try golden.array("input", of: "batch norm")
    let pass = Pass(on: Self.machine)
    for purpose in [Pass.Purpose.training, .sampling] {
      pass.begin(exampleCount: input.extents[0], purpose: purpose)
      let tensor = pass.make(network.inputShape)
      tensor.assign(input.numbers.map(Float.init))
      let output = network.forward(tensor, in: pass).array
      let name = purpose == .training ? "output" : "sampled"
      let expected = try golden.numbers(name, of: "batch norm")
      #expect(differences(output, expected) == [])
      for name in ["runningMean", "runningVariance"] {
        let found = try values(name, in: network)
        let statistic = try golden.numbers(name, of: "batch norm")
        #expect(differences(found, statistic) == [])
      }
    }
  }

  private func network(
    _ testCase: String, _ build: (inout PublicNetworkBuilder) -> Void
  ) throws -> Network {
    let extents = try golden.array("input", of: testCase).extents
    var builder = PublicNetworkBuilder(input: Shape(Array(extents.dropFirst())), on: Self.machine)
    build(&builder)
    let network = builder.network(seed: 1)
    for parameter in network.parameters.parameters {
      let name = try #require(parameter.name.split(separator: ".").last.map(String.init))
      guard !name.hasPrefix("running") else { continue }
      network.parameters.values(of: parameter).assign(try golden.floats(name, of: testCase))
    }
    network.parametersChanged()
    return network
  }

  private func values(_ name: String, in network: Network) throws -> [Float] {
    let parameter = network.parameters.parameters.first { $0.name.hasSuffix(".\(name)") }
    return network.parameters.values(of: try #require(parameter)).array
  }

  private func check(_ testCase: String, _ build: (inout PublicNetworkBuilder) -> Void) throws {
    let network = try network(testCase, build)
    let pass = Pass(on: Self.machine)
    pass.begin(exampleCount: try golden.array("input", of: testCase).extents[0])
    let input = pass.make(network.inputShape)
    input.assign(try golden.floats("input", of: testCase))
    let output = network.forward(input, in: pass)
    let expectedOutput = try golden.numbers("output", of: testCase)
    #expect(differences(output.array, expectedOutput) == [])
    let gradient = pass.make(network.outputShape)
    gradient.assign(try golden.floats("outputGradient", of: testCase))
    let inputGradient = network.backward(gradient, needsInputGradient: true, in: pass)
    let expected = try golden.numbers("inputGradient", of: testCase)
    #expect(differences(inputGradient?.array ?? [], expected) == [])
    network.parameters.gradient.fill(0)
    network.addGradient(in: pass)
    for parameter in network.parameters.parameters {
      let name = try #require(parameter.name.split(separator: ".").last.map(String.init))
      guard !name.hasPrefix("running") else { continue }
      let found = network.parameters.gradient(of: parameter).array
      let expected = try golden.numbers("\(name).gradient", of: testCase)
      #expect(differences(found, expected) == [])
    }
  }
}
