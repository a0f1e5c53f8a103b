import CKernels

/// A batch to compute: `target` (batch × target extent) from `source` (batch × source extent).
struct ProductCall {
  let source: UnsafePointer<Float>
  let bias: UnsafePointer<Float>?
  let target: UnsafeMutablePointer<Float>
  let exampleCount: Int
  let epilogue: [EpilogueStep]
}

/// Patches of an image surrounded by zeros times filters, written to a grid of target pixels.
///
/// A forward convolution is one such product over the input. Backward-data, the forward pass of a
/// transposed convolution, is one product per phase of the stride over the output gradient. The
/// summation order of an output depends only on the sizes, not on the batch or the threads.
protocol ConvolutionProduct: AnyObject {
  /// Prepares the product; weights are zero until `pack` is called.
  init(_ sizes: ProductSizes, on machine: Machine)

  /// Packs the weights of each phase, panel by panel: `body` writes those of a panel, patch entry ×
  /// panel width (of all filters, filter × patch entry, if they are too few for panels), to memory.
  func pack(
    _ body: (
      _ phase: Int, _ panel: FilterPanels.Panel?, _ memory: UnsafeMutablePointer<Float>
    ) -> Void)

  /// Computes a batch.
  func run(_ call: ProductCall)
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
