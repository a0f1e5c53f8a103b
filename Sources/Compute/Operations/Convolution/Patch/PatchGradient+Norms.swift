import CKernels

/// The ways to compute the squared norm of an example's weight gradient.
enum NormForm: CaseIterable {
  /// Building the gradient.
  case explicit
  /// Dot products of whole patches.
  case patchGram
  /// Dot products of pixels, summed over taps.
  case pixelGram
}

extension PatchGradient {
  /// The squared norm of one example's gradient.
  func squaredNorm(
    ofExample example: Int, input: UnsafePointer<Float>, outputGradient: UnsafePointer<Float>,
    form: NormForm, scratch: Scratch
  ) -> Double {
    let g = geometry
    let table = machine.kernels.table.pointee
    let image = input + example * g.input.count
    let rows = outputGradient + example * g.output.count
    switch form {
    case .explicit:
      let weightCount = (g.weightCount + 15) / 16 * 16
      // The summation needs more scratch after this; request all of it once, so that it is not moved.
      let target = scratch.floats(weightCount + exampleScratchCount)
      writeExample(
        example, input: input, outputGradient: outputGradient, into: target, scratch: scratch,
        scratchOffset: weightCount)
      return table.f32_squared_norm(target, g.weightCount)
    case .patchGram:
      return patchGram(image: image, outputGradient: rows, table: table, scratch: scratch)
    case .pixelGram:
      guard let pixelGram else { preconditionFailure("a Gram matrix of too many pixels") }
      return pixelGram.squaredNorm(
        image: image, outputGradient: rows, g, table: table, scratch: scratch)
    }
  }

  /// Floats of scratch for one example's gradient.
  private var exampleScratchCount: Int {
    isThin ? thinScratchCount : sumScratchCount(width: panels.reduce(0) { $0 + $1.width })
  }

  private func patchGram(
    image: UnsafePointer<Float>, outputGradient: UnsafePointer<Float>, table: ck_kernels,
    scratch: Scratch
  ) -> Double {
    let g = geometry
    let width = g.inputWidth + g.padding.left + g.padding.right
    let height = g.inputHeight + g.padding.top + g.padding.bottom
    var image = image
    if g.needsPadding {
      let padded = scratch.floats(height * width * g.inputChannels)
      ck_f32_pad_image(
        image, g.inputHeight, g.inputWidth, g.inputChannels, g.padding.top, g.padding.left,
        g.padding.right, 0, height, padded)
      image = UnsafePointer(padded)
    }
    return gramOffsets.withUnsafeBufferPointer { offsets in
      var task = ck_gram()
      task.source = image
      task.source_offsets = offsets.baseAddress
      task.position_count = g.positionCount
      task.run_count = g.kernelHeight
      task.run_length = g.kernelWidth * g.inputChannels
      task.run_stride = width * g.inputChannels
      task.gradient = outputGradient
      task.channel_count = g.outputChannels
      return table.f32_gram(&task)
    }
  }
}
