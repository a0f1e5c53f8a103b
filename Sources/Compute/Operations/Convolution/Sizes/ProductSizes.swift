/// Rows, columns and channels of an image.
struct ImageExtent {
  let height: Int, width: Int, channels: Int
  var count: Int { height * width * channels }
}

/// A grid of patches and their target pixels.
struct ProductPhase {
  /// Patches along each axis.
  let rows: Int, columns: Int
  /// The origin of the first patch in the padded source, and the step between patches.
  let sourceRow: Int, sourceColumn: Int, sourceStep: Int
  /// Taps of a patch along each axis; zero means that the target pixels are the bias alone.
  let tapRows: Int, tapColumns: Int
  /// The first patch's target pixel, and the step between target pixels.
  let targetRow: Int, targetColumn: Int, targetStep: Int
}

/// The operands of a product: `source` surrounded by `padding`, and the grids of `target`.
struct ProductSizes {
  let source: ImageExtent
  let padding: ConvolutionGeometry.Padding
  let phases: [ProductPhase]
  let target: ImageExtent
}

extension ProductSizes {
  /// Convolution forward: one patch per output pixel.
  init(forward g: ConvolutionGeometry) {
    let phase = ProductPhase(
      rows: g.outputHeight, columns: g.outputWidth, sourceRow: 0, sourceColumn: 0,
      sourceStep: g.stride, tapRows: g.kernelHeight, tapColumns: g.kernelWidth, targetRow: 0,
      targetColumn: 0, targetStep: 1)
    self.init(source: g.input, padding: g.padding, phases: [phase], target: g.output)
  }

  /// Gradient of the input, the forward pass of a transposed convolution.
  ///
  /// Input pixels fall into stride × stride phases. Within a phase, all pixels have the same taps,
  /// and their patches in the output gradient lie one step apart; with the taps in descending
  /// order, a patch's rows are contiguous.
  init(backward g: ConvolutionGeometry) {
    let vertical = (0..<g.stride).map {
      PhaseAxis($0, extent: g.inputHeight, kernel: g.kernelHeight, g.stride, padding: g.padding.top)
    }
    let horizontal = (0..<g.stride).map {
      PhaseAxis($0, extent: g.inputWidth, kernel: g.kernelWidth, g.stride, padding: g.padding.left)
    }
    let padding = ConvolutionGeometry.Padding(
      top: PhaseAxis.paddingBefore(vertical), left: PhaseAxis.paddingBefore(horizontal),
      bottom: PhaseAxis.paddingAfter(vertical, extent: g.outputHeight),
      right: PhaseAxis.paddingAfter(horizontal, extent: g.outputWidth))
    let phases = vertical.flatMap { row in
      horizontal.map { column in
        let isEmpty = row.tapCount == 0 || column.tapCount == 0
        return ProductPhase(
          rows: row.count, columns: column.count,
          sourceRow: isEmpty ? 0 : row.first + padding.top,
          sourceColumn: isEmpty ? 0 : column.first + padding.left,
          sourceStep: 1, tapRows: isEmpty ? 0 : row.tapCount,
          tapColumns: isEmpty ? 0 : column.tapCount, targetRow: row.index,
          targetColumn: column.index, targetStep: g.stride)
      }
    }
    self.init(source: g.output, padding: padding, phases: phases, target: g.input)
  }
}

/// One axis of a phase of backward-data.
struct PhaseAxis {
  /// The first input coordinate, and the number of coordinates in the phase.
  let index: Int, count: Int
  /// The output coordinate where the first pixel's patch begins; negative values lie in the padding.
  let first: Int
  let tapCount: Int

  init(_ index: Int, extent: Int, kernel: Int, _ stride: Int, padding: Int) {
    self.index = index
    count = max(0, (extent - index + stride - 1) / stride)
    tapCount = Self.taps(index, kernel: kernel, stride, padding: padding).count
    first = (index + padding) / stride - max(0, tapCount - 1)
  }

  /// The taps that reach input coordinates ≡ `index`, in ascending order of the output coordinate:
  /// output · stride + tap = input + padding.
  static func taps(_ index: Int, kernel: Int, _ stride: Int, padding: Int) -> [Int] {
    Array(Swift.stride(from: (index + padding) % stride, to: kernel, by: stride).reversed())
  }

  static func paddingBefore(_ phases: [PhaseAxis]) -> Int {
    max(0, phases.filter { $0.tapCount > 0 && $0.count > 0 }.map { -$0.first }.max() ?? 0)
  }

  static func paddingAfter(_ phases: [PhaseAxis], extent: Int) -> Int {
    let ends = phases.filter { $0.tapCount > 0 && $0.count > 0 }
      .map { $0.first + $0.count - 1 + $0.tapCount }
    return max(0, (ends.max() ?? 0) - extent)
  }
}
