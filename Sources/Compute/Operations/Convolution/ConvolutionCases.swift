/// The convolutions that kernel tests check and `figmentd bench` measures: one list for both.
package enum ConvolutionCases {
  /// A named geometry.
  package struct Case: Sendable, CustomStringConvertible {
    package let name: String
    package let geometry: ConvolutionGeometry

    package var description: String { name }

    init(
      _ name: String, _ inputs: Int, _ outputs: Int, _ height: Int, _ width: Int, kernel: Int,
      kernelWidth: Int? = nil, stride: Int = 1, padding: ConvolutionGeometry.Padding
    ) {
      self.name = name
      geometry = ConvolutionGeometry(
        inputHeight: height, inputWidth: width, inputChannels: inputs, outputChannels: outputs,
        kernelHeight: kernel, kernelWidth: kernelWidth ?? kernel, stride: stride, padding: padding)
    }
  }

  /// Layers of real networks, with yardsticks from oneDNN in `Benchmarks/`.
  package static let layers: [Case] = [
    Case("128->256 4x4 s2 14x14", 128, 256, 14, 14, kernel: 4, stride: 2, padding: .all(1)),
    Case("256->512 3x3 s2 7x7", 256, 512, 7, 7, kernel: 3, stride: 2, padding: .all(1)),
    Case("64->64 3x3 28x28", 64, 64, 28, 28, kernel: 3, padding: .all(1)),
    Case("128->128 3x3 32x32", 128, 128, 32, 32, kernel: 3, padding: .all(1)),
    Case("64->128 4x4 s2 32x32", 64, 128, 32, 32, kernel: 4, stride: 2, padding: .all(1)),
    Case("1x1 128->128 28x28", 128, 128, 28, 28, kernel: 1, padding: .all(0)),
    Case("1->64 4x4 s2 28x28", 1, 64, 28, 28, kernel: 4, stride: 2, padding: .all(1)),
    Case("1->64 7x7 28x28", 1, 64, 28, 28, kernel: 7, padding: .all(3)),
    Case("3->64 3x3 64x64", 3, 64, 64, 64, kernel: 3, padding: .all(1)),
    Case("512->1 4x4 4x4", 512, 1, 4, 4, kernel: 4, padding: .all(0)),
    Case("dense 2048->512", 2048, 512, 1, 1, kernel: 1, padding: .all(0)),
  ]

  /// Transposed convolutions of a generator, named by their inputs and outputs; the geometries are
  /// those of the convolutions that they transpose.
  package static let transposed: [Case] = [
    Case(
      "transposed 256->128 4x4 s2 7x7", 128, 256, 14, 14, kernel: 4, stride: 2, padding: .all(1)),
    Case("transposed 512->256 3x3 s2 4x4", 256, 512, 7, 7, kernel: 3, stride: 2, padding: .all(1)),
    Case(
      "transposed 128->64 4x4 s2 14x14", 64, 128, 28, 28, kernel: 4, stride: 2, padding: .all(1)),
    Case("transposed 64->1 4x4 s2 14x14", 1, 64, 28, 28, kernel: 4, stride: 2, padding: .all(1)),
    Case("transposed 64->3 4x4 s2 32x32", 3, 64, 64, 64, kernel: 4, stride: 2, padding: .all(1)),
  ]

  /// Edge cases: odd sizes, one-sided padding, strides larger than the kernel, channel counts that
  /// fill no vector.
  package static let edges: [Case] = [
    Case("1->1 1x1 1x1", 1, 1, 1, 1, kernel: 1, padding: .all(0)),
    Case("1->1 3x3 5x5", 1, 1, 5, 5, kernel: 3, padding: .all(1)),
    Case("5->7 3x2 s2 9x6", 5, 7, 9, 6, kernel: 3, kernelWidth: 2, stride: 2, padding: .all(1)),
    Case(
      "17->19 4x4 s3 11x8 one-sided", 17, 19, 11, 8, kernel: 4, stride: 3,
      padding: .init(top: 2, left: 0, bottom: 1, right: 3)),
    Case("3->5 2x2 s4 13x13", 3, 5, 13, 13, kernel: 2, stride: 4, padding: .all(0)),
    Case("16->3 5x5 12x12", 16, 3, 12, 12, kernel: 5, padding: .all(2)),
    Case("3->16 5x5 s2 12x12", 3, 16, 12, 12, kernel: 5, stride: 2, padding: .all(2)),
    Case("24->2 3x3 s2 9x9", 24, 2, 9, 9, kernel: 3, stride: 2, padding: .all(1)),
    Case("2->24 3x3 s2 10x9", 2, 24, 10, 9, kernel: 3, stride: 2, padding: .all(1)),
    Case("40->4 1x1 6x6", 40, 4, 6, 6, kernel: 1, padding: .all(0)),
    Case("33->65 3x3 6x5", 33, 65, 6, 5, kernel: 3, padding: .all(1)),
    Case("18->23 3x3 s2 40x40", 18, 23, 40, 40, kernel: 3, stride: 2, padding: .all(1)),
    Case("2->70 3x3 40x40", 2, 70, 40, 40, kernel: 3, padding: .all(1)),
    // Entries read in place, from several examples at once.
    Case("17->19 3x3 4x13", 17, 19, 4, 13, kernel: 3, padding: .all(1)),
    Case("18->20 1x1 5x12", 18, 20, 5, 12, kernel: 1, padding: .all(0)),
    // Gradients too: their channels are one panel.
    Case("17->64 3x3 4x13", 17, 64, 4, 13, kernel: 3, padding: .all(1)),
    Case("18->16 1x1 5x12", 18, 16, 5, 12, kernel: 1, padding: .all(0)),
    Case("128->24 3x3 4x4", 128, 24, 4, 4, kernel: 3, padding: .all(1)),
    Case("20->9 3x3 padding 3", 20, 9, 4, 4, kernel: 3, padding: .all(3)),
    // Kernels larger than the image; output columns and rows that read only padding.
    Case("20->21 5x5 s2 3x4 padding 3", 20, 21, 3, 4, kernel: 5, stride: 2, padding: .all(3)),
    Case(
      "32->18 2x3 s2 6x5 left 5", 32, 18, 6, 5, kernel: 2, kernelWidth: 3, stride: 2,
      padding: .init(top: 0, left: 5, bottom: 3, right: 1)),
    Case(
      "70->40 3x3 s2 9x11 one-sided", 70, 40, 9, 11, kernel: 3, stride: 2,
      padding: .init(top: 2, left: 1, bottom: 0, right: 2)),
    // Minimal filtering with a partial panel, odd sizes and padding on one side.
    Case("48->80 3x3 9x7", 48, 80, 9, 7, kernel: 3, padding: .all(1)),
    Case(
      "32->16 4x3 s2 7x10 one-sided", 32, 16, 7, 10, kernel: 4, kernelWidth: 3, stride: 2,
      padding: .init(top: 0, left: 1, bottom: 2, right: 0)),
    Case("600->10 dense", 600, 10, 1, 1, kernel: 1, padding: .all(0)),
    Case("7->130 dense", 7, 130, 1, 1, kernel: 1, padding: .all(0)),
    Case("48->21 4x4 4x4", 48, 21, 4, 4, kernel: 4, padding: .all(0)),
  ]

  /// Sums so long that patches are cut into blocks of tap rows, or of parts of one row.
  package static let long: [Case] = [
    Case("600->10 3x3 3x3", 600, 10, 3, 3, kernel: 3, padding: .all(1)),
    Case("10->600 3x3 3x3", 10, 600, 3, 3, kernel: 3, padding: .all(1)),
    Case("4600->9 dense", 4600, 9, 1, 1, kernel: 1, padding: .all(0)),
  ]
}
