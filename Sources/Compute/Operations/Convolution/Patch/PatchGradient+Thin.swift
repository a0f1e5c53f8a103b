import CKernels

extension PatchGradient {
  /// A stretch of contiguous patch entries.
  struct ThinPiece {
    let entry: Int, length: Int
  }

  /// The patch's runs, cut to at most `maximumLength` entries.
  func thinPieces(maximumLength: Int) -> [ThinPiece] {
    let runLength = geometry.kernelWidth * geometry.inputChannels
    // Multiples of a wide block of vectors, so that only the end of a run is partial.
    let length = max(128, maximumLength / 128 * 128)
    return (0..<geometry.kernelHeight).flatMap { row in
      stride(from: 0, to: runLength, by: length).map {
        ThinPiece(entry: row * runLength + $0, length: min(length, runLength - $0))
      }
    }
  }

  /// Adds pieces of a gradient of few output channels to the target.
  func sumThin(
    _ work: Work, examples: Range<Int>, pieces: ArraySlice<ThinPiece>, scratch: Scratch,
    scratchOffset: Int = 0
  ) {
    let g = geometry
    let channels = g.outputChannels
    let base = scratch.floats(scratchOffset + thinScratchCount) + scratchOffset
    for block in blocks(examples) {
      let image = paddedBlock(work.input, block, base + thinGradientCount)
      let rowsLength = block.rows.count * g.outputWidth
      for (index, example) in block.examples.enumerated() {
        let line = (example * g.outputHeight + block.rows.lowerBound) * g.outputWidth
        ck_f32_pack_right(
          work.outputGradient + line * channels, 1, 0, rowsLength * channels,
          rowsLength * channels, work.exampleWeights?[example] ?? 1,
          base + index * rowsLength * channels)
      }
      positionOffsets.withUnsafeBufferPointer { offsets in
        var task = ck_thin_gradient()
        task.source_offsets = offsets.baseAddress
        task.position_count = block.examples.count * rowsLength
        task.gradient = UnsafePointer(base)
        task.filter_count = channels
        for piece in pieces {
          task.source = image + Int(entryOffsets[piece.entry])
          task.length = piece.length
          task.target = work.target + piece.entry * channels
          machine.kernels.table.pointee.f32_thin_gradient(&task)
        }
      }
    }
  }

  private var thinGradientCount: Int {
    (blockPositions * geometry.outputChannels + 15) / 16 * 16
  }

  /// Floats of scratch that `sumThin` needs.
  var thinScratchCount: Int { thinGradientCount + paddedBlockCount }
}
