import CKernels

/// Rows, columns and channels of an image.
struct ImageExtent {
  let height: Int, width: Int, channels: Int
  var count: Int { height * width * channels }
}

/// A grid of patches and the target pixels that they give.
struct ProductPhase {
  /// Patches along each axis.
  let rows: Int, columns: Int
  /// Where the first patch begins in the padded source, and the step between patches.
  let sourceRow: Int, sourceColumn: Int, sourceStep: Int
  /// Taps of a patch along each axis; none means that the target pixels get the bias alone.
  let tapRows: Int, tapColumns: Int
  /// The first patch's target pixel, and the step between target pixels.
  let targetRow: Int, targetColumn: Int, targetStep: Int
}

/// What a product reads and writes: `source` surrounded by `padding`, and the grids of `target`.
struct ProductSizes {
  let source: ImageExtent
  let padding: ConvolutionGeometry.Padding
  let phases: [ProductPhase]
  let target: ImageExtent
}

/// A batch to compute: `target` (batch × target extent) from `source` (batch × source extent).
struct ProductCall {
  let source: UnsafePointer<Float>
  let bias: UnsafePointer<Float>?
  let target: UnsafeMutablePointer<Float>
  let exampleCount: Int
  let finishing: [FinishingStep]
}

/// Patches of an image surrounded by zeros times filters, written to a grid of target pixels.
///
/// Forward convolution is one such product over the input. Backward-data, which is transposed
/// convolution forward, is one product per phase of the stride over the output gradient. The order in
/// which an output is summed depends on the sizes alone, not on the batch or the threads.
protocol ConvolutionProduct: AnyObject {
  /// Prepares the product; weights are zero until `pack` is called.
  init(_ sizes: ProductSizes, on machine: Machine)

  /// Takes the weights of each phase, panel by panel: `body` writes those of a panel, patch entry ×
  /// panel width (of all filters, filter × patch entry, if they are too few for panels), to memory.
  func pack(
    _ body: (
      _ phase: Int, _ panel: FilterPanels.Panel?, _ memory: UnsafeMutablePointer<Float>
    ) -> Void)

  /// Computes a batch.
  func run(_ call: ProductCall)
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

  /// Gradient of the input, which is transposed convolution forward.
  ///
  /// Input pixels fall into stride × stride phases. Within one, the filters that see a pixel are
  /// the same taps and the pixels' patches in the output gradient lie one step apart; with the
  /// taps in descending order a patch's rows are contiguous.
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

  /// The product that `arithmetic` asks for.
  func makeProduct(
    by arithmetic: ConvolutionPlan.Arithmetic, on machine: Machine
  ) -> any ConvolutionProduct {
    arithmetic.usesMinimalFiltering(
      ifPreferred: WinogradProduct.isPreferred(for: self),
      ifPossible: WinogradProduct.canCompute(self))
      ? WinogradProduct(self, on: machine) : ImageProduct(self, on: machine)
  }
}

extension ConvolutionProduct {
  /// Packs weights kernel height × kernel width × input channels × output channels for `forward`.
  func packForward(_ weights: UnsafePointer<Float>, _ g: ConvolutionGeometry) {
    let filterCount = g.outputChannels
    pack { _, panel, packed in
      guard let panel else {
        return ck_f32_pack_transposed(
          weights, filterCount, filterCount, g.patchLength, g.patchLength, packed)
      }
      ck_f32_pack_right(
        weights + panel.firstFilter, g.patchLength, filterCount, panel.filterCount, panel.width,
        1, packed)
    }
  }

  /// Packs the same weights for `backward`.
  func packBackward(_ weights: UnsafePointer<Float>, _ g: ConvolutionGeometry) {
    pack { index, panel, packed in
      let rowTaps = PhaseAxis.taps(
        index / g.stride, kernel: g.kernelHeight, g.stride, padding: g.padding.top)
      let columnTaps = PhaseAxis.taps(
        index % g.stride, kernel: g.kernelWidth, g.stride, padding: g.padding.left)
      let filters = g.outputChannels
      let entryCount = rowTaps.count * columnTaps.count * filters
      var entry = 0
      for row in rowTaps {
        for column in columnTaps {
          let tap = weights + (row * g.kernelWidth + column) * g.inputChannels * filters
          if let panel {
            ck_f32_pack_transposed(
              tap + panel.firstFilter * filters, filters, filters, panel.filterCount,
              panel.width, packed + entry * panel.width)
          } else {
            for channel in 0..<g.inputChannels {
              (packed + channel * entryCount + entry).update(
                from: tap + channel * filters, count: filters)
            }
          }
          entry += filters
        }
      }
    }
  }
}

/// One axis of a phase of backward-data.
private struct PhaseAxis {
  /// The first input coordinate, and how many the phase has.
  let index: Int, count: Int
  /// The output coordinate where the first pixel's patch begins; negative reaches into padding.
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
