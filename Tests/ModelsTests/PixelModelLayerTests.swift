import Compute
import Glibc
import Learning
import TestSupport
import Testing

@Suite struct PixelModelLayerTests {
  @Test func exponentialsAreThoseOfTheLibrary() {
    var stream = SeededStream(seed: 1)
    for _ in 0..<1000 {
      var x = GatedArithmetic.Lanes(repeating: 0)
      for lane in 0..<8 { x[lane] = Float(stream.uniform() * 174 - 87) }
      let exponentials = GatedArithmetic.exponential(x)
      let narrow = x / 20
      let sigmoids = GatedArithmetic.sigmoid(narrow)
      let tangents = GatedArithmetic.tanh(narrow)
      for lane in 0..<8 {
        let exact = exp(Double(x[lane]))
        #expect(abs(Double(exponentials[lane]) - exact) < 2 * 0x1p-23 * exact)
        let y = Double(narrow[lane])
        #expect(abs(Double(sigmoids[lane]) - 1 / (1 + exp(-y))) < 0x1p-22)
        #expect(abs(Double(tangents[lane]) - tanh(y)) < 0x1p-21)
      }
    }
    // Beyond the ends of single precision the gates are shut or open, and finite.
    let far = GatedArithmetic.Lanes(-1e30, 1e30, -200, 200, -.infinity, .infinity, -88, 89)
    let shut = GatedArithmetic.sigmoid(far)
    for lane in 0..<8 { #expect(abs(shut[lane] - (lane % 2 == 0 ? 0 : 1)) < 1e-30) }
  }

  @Test func gatedActivation() {
    #expect(
      checkLayer(input: Shape(2, 3, 10), output: Shape(2, 3, 5)) { $0.gatedActivation() } == [])
    #expect(
      checkLayer(input: Shape(2, 2, 18), output: Shape(2, 2, 9), classes: 3) {
        $0.gatedActivation(classes: 3)
      } == [])
  }

  @Test func maskedConvolution() {
    let geometry = ConvolutionGeometry(
      inputHeight: 3, inputWidth: 4, inputChannels: 3, outputChannels: 6, kernelHeight: 2,
      kernelWidth: 3, stride: 1, padding: .init(top: 1, left: 2, bottom: 0, right: 0))
    #expect(
      checkLayer(input: geometry.inputShape, output: geometry.outputShape) {
        $0.append(
          MaskedConvolution(
            geometry,
            mask: { row, column, input, output in
              row == 0 || column < 2 || input < output % 3
            }, name: $0.name("masked"), initialization: .zeros, parameters: $0.parameters,
            on: $0.machine))
      } == [])
  }

  @Test func convolutionWithoutMaskOrBias() {
    let geometry = ConvolutionGeometry(
      inputHeight: 3, inputWidth: 3, inputChannels: 2, outputChannels: 3, kernelHeight: 2,
      kernelWidth: 2, stride: 1, padding: .all(0))
    #expect(
      checkLayer(input: geometry.inputShape, output: geometry.outputShape) {
        $0.append(
          MaskedConvolution(
            geometry, mask: nil, hasBias: false, name: $0.name("plain"), initialization: .zeros,
            parameters: $0.parameters, on: $0.machine))
      } == [])
  }

  // Seeds whose rectifiers are away from their kinks by more than the step of the differences.
  @Test func gatedStackOfGreyImages() {
    let layout = GatedStackLayout(
      height: 4, width: 3, imageChannels: 1, channels: 2, depth: 1, reach: 1, classCount: 2,
      outputCount: 4, groupCount: 1)
    #expect(
      checkLayer(input: Shape(4, 3, 1), output: Shape(4, 3, 4), classes: 2, examples: 2) {
        $0.gatedStack(layout)
      } == [])
  }

  @Test(arguments: [1, 2, 3]) func gatedStackOfColourImagesInGroups(seed: UInt64) {
    let layout = GatedStackLayout(
      height: 3, width: 2, imageChannels: 3, channels: 3, depth: 1, reach: 1, classCount: 1,
      outputCount: 6, groupCount: 3)
    #expect(
      checkLayer(input: Shape(3, 2, 3), output: Shape(3, 2, 6), examples: 2, seed: seed) {
        $0.gatedStack(layout)
      } == [])
  }
}
