import Compute
import Learning
import TestSupport
import Testing

@Suite struct PixelModelLayerTests {
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
