import CKernels

/// Patches of a zero-padded image times filters, written to a grid of target pixels.
///
/// Forward convolution is one such product over the input. Backward-data, which is transposed
/// convolution forward, is one product per phase of the stride over the output gradient.
///
/// Work is cut into units: several small examples, or a band of rows of a large one, so that a
/// unit's padded source and target stay in the second cache while the filters stream by once. The
/// cut never changes the order in which an output is summed.
final class ImageProduct {
  /// Rows, columns and channels of an image.
  struct Extent {
    let height: Int, width: Int, channels: Int
    var count: Int { height * width * channels }
  }

  /// A grid of patches and the target pixels that they give.
  struct Phase {
    /// Patches along each axis.
    let rows: Int, columns: Int
    /// Where the first patch begins in the padded source, and the step between patches.
    let sourceRow: Int, sourceColumn: Int, sourceStep: Int
    /// Taps of a patch along each axis; none means that the target pixels get the bias alone.
    let tapRows: Int, tapColumns: Int
    /// The first patch's target pixel, and the step between target pixels.
    let targetRow: Int, targetColumn: Int, targetStep: Int
  }

  private struct Block {
    let sourceOffset: Int, runCount: Int, runLength: Int, firstEntry: Int
  }

  private struct PhasePlan {
    let phase: Phase
    let entryCount: Int
    let blocks: [Block]
    let sourceOffsets: [Int32], targetOffsets: [Int32]
    let weights: FloatStorage
  }

  private let machine: Machine
  private let source: Extent, target: Extent
  private let padding: ConvolutionGeometry.Padding
  private let phases: [PhasePlan]
  private let firstSourceRow: Int
  private let unitExamples: Int, bandRows: Int, bandCount: Int
  private let bandSourceRows: Int
  let panels: FilterPanels

  private var isPadded: Bool {
    padding.top + padding.left + padding.bottom + padding.right > 0
  }
  private var paddedWidth: Int { source.width + padding.left + padding.right }

  /// Prepares the product; weights are zero until `pack` is called.
  init(
    source: Extent, padding: ConvolutionGeometry.Padding, phases: [Phase], target: Extent,
    on machine: Machine
  ) {
    self.machine = machine
    self.source = source
    self.target = target
    self.padding = padding
    let longestPatch = phases.map { $0.tapRows * $0.tapColumns * source.channels }.max() ?? 0
    panels = FilterPanels(
      filterCount: target.channels, patchLength: longestPatch, kernels: machine.kernels)
    let cut = UnitCut(source: source, padding: padding, phases: phases)
    unitExamples = cut.examples
    bandRows = cut.rows
    bandCount = cut.bands
    firstSourceRow = cut.firstSourceRow
    bandSourceRows = cut.sourceRows
    let width = source.width + padding.left + padding.right
    let exampleStride =
      padding.top + padding.left + padding.bottom + padding.right > 0
      ? cut.sourceRows * width * source.channels : source.count
    let origin = cut.firstSourceRow
    let panels = panels
    self.phases = phases.map { phase in
      let entryCount = phase.tapRows * phase.tapColumns * source.channels
      var sourceOffsets: [Int32] = []
      var targetOffsets: [Int32] = []
      for example in 0..<cut.examples {
        for row in 0..<min(cut.rows, phase.rows) {
          for column in 0..<phase.columns {
            let sourceRow = row * phase.sourceStep + phase.sourceRow - origin
            let sourceColumn = column * phase.sourceStep + phase.sourceColumn
            sourceOffsets.append(
              Int32(example * exampleStride + (sourceRow * width + sourceColumn) * source.channels))
            let targetRow = row * phase.targetStep + phase.targetRow
            let targetColumn = column * phase.targetStep + phase.targetColumn
            targetOffsets.append(
              Int32(
                example * target.count + (targetRow * target.width + targetColumn) * target.channels
              ))
          }
        }
      }
      return PhasePlan(
        phase: phase, entryCount: entryCount,
        blocks: Self.blocks(
          of: phase, channels: source.channels, paddedWidth: width, limit: panels.blockEntries),
        sourceOffsets: sourceOffsets, targetOffsets: targetOffsets,
        weights: FloatStorage(count: panels.floatCount(entryCount: entryCount)))
    }
  }

  /// Cuts a patch so that a block of a panel stays in the first cache.
  private static func blocks(
    of phase: Phase, channels: Int, paddedWidth: Int, limit: Int
  ) -> [Block] {
    let runLength = phase.tapColumns * channels
    guard runLength > 0 else { return [] }
    var blocks: [Block] = []
    if runLength >= limit {
      let pieces = (runLength + limit - 1) / limit
      for row in 0..<phase.tapRows {
        for piece in 0..<pieces {
          let start = runLength * piece / pieces
          blocks.append(
            Block(
              sourceOffset: row * paddedWidth * channels + start, runCount: 1,
              runLength: runLength * (piece + 1) / pieces - start,
              firstEntry: row * runLength + start))
        }
      }
    } else {
      let rowsPerBlock = max(1, limit / runLength)
      let pieces = (phase.tapRows + rowsPerBlock - 1) / rowsPerBlock
      for piece in 0..<pieces {
        let row = phase.tapRows * piece / pieces
        blocks.append(
          Block(
            sourceOffset: row * paddedWidth * channels,
            runCount: phase.tapRows * (piece + 1) / pieces - row, runLength: runLength,
            firstEntry: row * runLength))
      }
    }
    return blocks
  }

  /// Fills the weights of each phase: `body` gets the phase's index and its packed memory.
  func pack(_ body: (_ phase: Int, _ weights: UnsafeMutablePointer<Float>) -> Void) {
    machine.threads.forEach(phases.count) { index, _ in body(index, phases[index].weights.base) }
  }

  /// Computes `target` (batch × target extent) from `source` (batch × source extent).
  func run(
    _ sourceBase: UnsafePointer<Float>, bias: UnsafePointer<Float>?,
    into targetBase: UnsafeMutablePointer<Float>, exampleCount: Int
  ) {
    guard exampleCount > 0 else { return }
    let threadCount = machine.threads.threadCount
    let wanted = threadCount > 1 ? 2 * threadCount : 1
    var examplesPerUnit = unitExamples
    var columnParts = 1
    func unitCount() -> Int {
      (exampleCount + examplesPerUnit - 1) / examplesPerUnit * bandCount * columnParts
    }
    while unitCount() < wanted, columnParts * 2 <= panels.count { columnParts *= 2 }
    while unitCount() < wanted, examplesPerUnit > 1 {
      examplesPerUnit = (examplesPerUnit + 1) / 2
    }
    machine.threads.forEach(unitCount()) { unit, worker in
      let part = unit % columnParts
      let band = unit / columnParts % bandCount
      let first = unit / columnParts / bandCount * examplesPerUnit
      runUnit(
        sourceBase + first * source.count, bias: bias,
        into: targetBase + first * target.count,
        exampleCount: min(examplesPerUnit, exampleCount - first), band: band,
        panelRange: (panels.count * part / columnParts)..<(panels.count * (part + 1) / columnParts),
        scratch: machine.scratch(worker))
    }
  }

  private func runUnit(
    _ sourceBase: UnsafePointer<Float>, bias: UnsafePointer<Float>?,
    into targetBase: UnsafeMutablePointer<Float>, exampleCount: Int, band: Int,
    panelRange: Range<Int>, scratch: Scratch
  ) {
    var image = sourceBase
    if isPadded {
      let imageStride = bandSourceRows * paddedWidth * source.channels
      let padded = scratch.floats(unitExamples * imageStride)
      let step = phases[0].phase.sourceStep
      for example in 0..<exampleCount {
        ck_f32_pad_image(
          sourceBase + example * source.count, source.height, source.width, source.channels,
          padding.top, padding.left, padding.right, firstSourceRow + band * bandRows * step,
          bandSourceRows, padded + example * imageStride)
      }
      image = UnsafePointer(padded)
    } else {
      let row = firstSourceRow + band * bandRows * phases[0].phase.sourceStep
      image += row * source.width * source.channels
    }
    for plan in phases {
      let rows = min(bandRows, plan.phase.rows - band * bandRows)
      guard rows > 0 else { continue }
      let pixels =
        targetBase + band * bandRows * plan.phase.targetStep * target.width * target.channels
      run(
        plan, image: image, bias: bias, pixels: pixels,
        patchCount: exampleCount * rows * plan.phase.columns, panelRange: panelRange)
    }
  }

  private func run(
    _ plan: PhasePlan, image: UnsafePointer<Float>, bias: UnsafePointer<Float>?,
    pixels: UnsafeMutablePointer<Float>, patchCount: Int, panelRange: Range<Int>
  ) {
    let table = machine.kernels.table.pointee
    plan.sourceOffsets.withUnsafeBufferPointer { sourceOffsets in
      plan.targetOffsets.withUnsafeBufferPointer { targetOffsets in
        var task = ck_patch_product()
        task.source_offsets = sourceOffsets.baseAddress
        task.target_offsets = targetOffsets.baseAddress
        task.patch_count = patchCount
        task.run_stride = paddedWidth * source.channels
        if plan.blocks.isEmpty {
          for index in 0..<patchCount {
            let pixel = pixels + Int(targetOffsets[index])
            for channel in 0..<target.channels { pixel[channel] = bias?[channel] ?? 0 }
          }
          return
        }
        if panels.areThin {
          task.source = image
          task.target = pixels
          task.run_count = plan.phase.tapRows
          task.run_length = plan.phase.tapColumns * source.channels
          task.filters = UnsafePointer(plan.weights.base)
          task.filter_stride = plan.entryCount
          task.filter_count = target.channels
          task.initial = bias
          table.f32_thin_product(&task)
          return
        }
        for (index, block) in plan.blocks.enumerated() {
          task.source = image + block.sourceOffset
          task.run_count = block.runCount
          task.run_length = block.runLength
          task.accumulate = index > 0 ? 1 : 0
          for panel in panels.list[panelRange] {
            task.filters = UnsafePointer(
              plan.weights.base + panel.firstFilter * plan.entryCount
                + block.firstEntry * panel.width)
            task.target = pixels + panel.firstFilter
            task.filter_count = panel.filterCount
            task.initial = bias.map { $0 + panel.firstFilter }
            panel.product(&task)
          }
        }
      }
    }
  }
}
