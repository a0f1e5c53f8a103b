import Compute
import Learning
import TestSupport
import Testing

/// One line per layer: shape, finite differences, single examples, threads, empty batch.
@Suite struct LayerTests {
  private let image = Shape(5, 4, 3)

  @Test func convolution() {
    #expect(
      checkLayer(input: image, output: Shape(5, 4, 2)) {
        $0.convolution(2, kernel: 3, padding: 1)
      } == [])
  }

  @Test func stridedConvolution() {
    #expect(
      checkLayer(input: Shape(6, 5, 2), output: Shape(3, 2, 3)) {
        $0.convolution(3, kernel: 4, stride: 2, padding: 1)
      } == [])
  }

  @Test func convolutionWithGramNorms() {
    #expect(
      checkLayer(input: Shape(3, 3, 8), output: Shape(1, 1, 9)) { $0.convolution(9, kernel: 3) }
        == [])
  }

  @Test func transposedConvolution() {
    #expect(
      checkLayer(input: Shape(3, 2, 3), output: Shape(6, 4, 2)) {
        $0.transposedConvolution(2, kernel: 4, stride: 2, padding: 1)
      } == [])
  }

  @Test func transposedConvolutionWithOutputPadding() {
    #expect(
      checkLayer(input: Shape(2, 3, 2), output: Shape(4, 6, 3)) {
        $0.transposedConvolution(3, kernel: 3, stride: 2, padding: 1, outputPadding: 1)
      } == [])
  }

  @Test func transposedConvolutionWithGramNorms() {
    #expect(
      checkLayer(input: Shape(1, 1, 9), output: Shape(3, 3, 8)) {
        $0.transposedConvolution(8, kernel: 3)
      } == [])
  }

  @Test func convolutionsWithEpilogues() {
    #expect(
      checkLayer(input: Shape(6, 5, 2), output: Shape(4, 3, 2), classes: 3) {
        $0.convolution(3, kernel: 4, stride: 2, padding: 1)
        $0.classBias(classes: 3, initialization: .normal(standardDeviation: 0.5))
        $0.leakyReLU(0.2)
        $0.transposedConvolution(2, kernel: 2, stride: 1)
        $0.leakyReLU(0.2)
        $0.classBias(classes: 3, initialization: .normal(standardDeviation: 0.5))
        $0.convolution(2, kernel: 3, padding: 1)
      } == [])
  }

  @Test func dense() {
    #expect(checkLayer(input: image, output: Shape(4)) { $0.dense(4) } == [])
  }

  @Test(arguments: [0.2, 0] as [Float]) func leakyReLU(slope: Float) {
    #expect(checkLayer(input: image, output: image) { $0.leakyReLU(slope) } == [])
  }

  @Test func tanh() {
    #expect(checkLayer(input: image, output: image) { $0.tanh() } == [])
  }

  @Test func reshape() {
    #expect(checkLayer(input: image, output: Shape(6, 10)) { $0.reshape(Shape(6, 10)) } == [])
  }

  @Test func classBias() {
    #expect(
      checkLayer(input: image, output: image, classes: 3) { $0.classBias(classes: 3) } == [])
  }

  @Test func classScale() {
    #expect(
      checkLayer(input: image, output: image, classes: 3) { $0.classScale(classes: 3) } == [])
  }

  @Test func classProjection() {
    #expect(
      checkLayer(input: image, output: Shape(1), classes: 3) { $0.classProjection(classes: 3) }
        == [])
  }

  /// Norms of both parts add up, and both parts read the same input.
  @Test func aClassProjectionBesideALogit() {
    #expect(
      checkLayer(input: Shape(8, 8, 1), output: Shape(1), classes: 3, examples: 3) {
        $0.convolution(4, kernel: 4, stride: 2, padding: 1)
        $0.tanh()
        $0.convolution(6, kernel: 4, stride: 2, padding: 1)
        $0.groupNorm(groups: 2)
        $0.tanh()
        $0.residual {
          $0.dense(1)
        } shortcut: {
          $0.classProjection(classes: 3)
        }
      } == [])
  }

  /// Without the weight of the divergence, whose gradient `ReparameterizationTests` checks.
  @Test func reparameterization() {
    #expect(
      checkLayer(input: Shape(6), output: Shape(3)) {
        $0.reparameterization(divergenceWeight: 0)
      } == [])
  }

  @Test func groupNorm() {
    #expect(
      checkLayer(input: Shape(3, 4, 6), output: Shape(3, 4, 6)) { $0.groupNorm(groups: 3) } == [])
  }

  @Test func groupNormOfFlatInput() {
    #expect(checkLayer(input: Shape(8), output: Shape(8)) { $0.groupNorm(groups: 2) } == [])
  }

  @Test func batchNorm() {
    #expect(checkMixingLayer(input: image, output: image) { $0.batchNorm() } == [])
  }

  @Test func batchNormWithScalesAndOffsetsOfClasses() {
    #expect(
      checkMixingLayer(input: image, output: image, classes: 3) { $0.batchNorm(classes: 3) } == [])
  }

  @Test func batchNormOfAGeneratorOfClasses() {
    #expect(
      checkMixingLayer(input: Shape(3), output: Shape(4, 4, 2), classes: 3) {
        $0.dense(24)
        $0.reshape(Shape(2, 2, 6))
        $0.batchNorm(classes: 3)
        $0.tanh()
        $0.transposedConvolution(2, kernel: 4, stride: 2, padding: 1)
      } == [])
  }

  /// Running statistics, not those of its company, decide a drawn example.
  @Test func aDrawnExampleDoesNotDependOnItsCompany() {
    let machine = Machine(threadCount: 1)
    var builder = PublicNetworkBuilder(input: image, on: machine)
    builder.batchNorm(classes: 2, offsets: .normal(standardDeviation: 1))
    let network = builder.network(seed: 1)
    let pass = Pass(on: machine)
    var stream = SeededStream(seed: 2)
    let numbers = (0..<(3 * image.count)).map { _ in Float(stream.gaussian()) }
    func outputs(_ count: Int, _ purpose: Pass.Purpose) -> [Float] {
      pass.begin(exampleCount: count, labels: [1, 0, 1].dropLast(3 - count), purpose: purpose)
      let input = pass.make(image)
      input.assign(Array(numbers.prefix(count * image.count)))
      return Array(network.forward(input, in: pass).array.prefix(image.count))
    }
    #expect(outputs(3, .training) != outputs(1, .training))
    let values = network.parameters.values.array
    #expect(outputs(3, .sampling) == outputs(1, .sampling))
    #expect(network.parameters.values.array == values)
  }

  /// One private image would change the outputs of all others.
  @Test(arguments: [nil, 3]) func batchNormCannotEnterAPrivateNetwork(classes: Int?) {
    var net = PublicNetworkBuilder(input: image, on: Machine(threadCount: 1))
    net.batchNorm(classes: classes)
    #expect(!(net.layers[0] is any PerExampleLayer))
  }

  /// With ties, only the first pixel gets the gradient.
  @Test func maxPoolingOfEqualPixels() throws {
    let machine = Machine(threadCount: 1)
    let pass = Pass(on: machine)
    pass.begin(exampleCount: 1)
    let layer = MaxPooling(size: 2, input: Shape(2, 2, 1))
    let input = pass.make(layer.inputShape)
    input.assign([3, 1, 3, 3])
    #expect(layer.forward(input, in: pass).array == [3])
    let gradient = pass.make(layer.outputShape)
    gradient.assign([5])
    let found = layer.backward(gradient, needsInputGradient: true, in: pass)
    #expect(found?.array == [5, 0, 0, 0])
    input.assign([3, .nan, 3, 4])
    #expect(layer.forward(input, in: pass).array[0].isNaN)
  }

  @Test func averagePooling() {
    #expect(checkLayer(input: image, output: Shape(2, 2, 3)) { $0.averagePooling() } == [])
  }

  @Test func maxPooling() {
    #expect(checkLayer(input: image, output: Shape(2, 2, 3)) { $0.maxPooling() } == [])
  }

  @Test func residual() {
    #expect(
      checkLayer(input: image, output: image) {
        $0.residual {
          $0.tanh()
          $0.convolution(3, kernel: 3, padding: 1)
        }
      } == [])
  }

  @Test func residualWithShortcut() {
    #expect(
      checkLayer(input: image, output: Shape(3, 2, 2)) {
        $0.residual {
          $0.groupNorm(groups: 1)
          $0.convolution(2, kernel: 3, stride: 2, padding: 1)
        } shortcut: {
          $0.convolution(2, kernel: 1, stride: 2)
        }
      } == [])
  }

  /// A branch that consists only of views returns its input itself, to which the sum must not write.
  @Test func residualOfViews() {
    #expect(
      checkLayer(input: Shape(6), output: Shape(6)) {
        $0.residual {
          $0.reshape(Shape(2, 3))
          $0.reshape(Shape(6))
        }
      } == [])
  }

  @Test func mixingResidual() {
    #expect(
      checkMixingLayer(input: image, output: image) {
        $0.residual {
          $0.batchNorm()
          $0.convolution(3, kernel: 3, padding: 1)
        }
      } == [])
  }

  @Test func discriminatorOfSeveralLayers() {
    #expect(
      checkLayer(input: Shape(8, 8, 1), output: Shape(1), classes: 3, examples: 3) {
        $0.convolution(4, kernel: 4, stride: 2, padding: 1)
        $0.classBias(classes: 3)
        $0.tanh()
        $0.convolution(6, kernel: 4, stride: 2, padding: 1)
        $0.groupNorm(groups: 2)
        $0.tanh()
        $0.dense(1)
      } == [])
  }
}
