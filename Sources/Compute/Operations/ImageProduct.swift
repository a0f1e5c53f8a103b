import CKernels

/// Patches of an image surrounded by zeros times filters, written to a grid of target pixels.
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

  /// A batch to compute: `target` (batch × target extent) from `source` (batch × source extent).
  struct Call {
    let source: UnsafePointer<Float>
    let bias: UnsafePointer<Float>?
    let target: UnsafeMutablePointer<Float>
    let exampleCount: Int
    let finishing: [FinishingStep]
  }

  /// What one thread computes at a time.
  private struct Unit {
    let examples: Range<Int>
    let band: Int
    let panels: Range<Int>
  }

  private let machine: Machine
  private let source: Extent, target: Extent
  private let padding: ConvolutionGeometry.Padding
  private let phases: [PatchPlan]
  private let cut: UnitCut
  let panels: FilterPanels
  /// Patches are read from a padded copy, and not from the image itself.
  private let isPadded: Bool
  /// Floats of a line of what patches are read from.
  private let lineLength: Int

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
    self.cut = cut
    let panels = panels
    let choice = PaddingChoice(
      for: phases, source: source, padding: padding, cut: cut, panels: panels)
    isPadded = choice.readsPadding
    let width = source.width + (isPadded ? padding.left + padding.right : 0)
    lineLength = width * source.channels
    self.phases = phases.map {
      PatchPlan(
        $0, source: source, target: target, padding: padding, choice: choice, cut: cut,
        panels: panels)
    }
  }

  /// Fills the weights of each phase, panel by panel: `body` gets the phase's index, the panel (none if
  /// filters are too few for panels) and the phase's packed memory.
  func pack(
    _ body: (
      _ phase: Int, _ panel: FilterPanels.Panel?, _ weights: UnsafeMutablePointer<Float>
    ) -> Void
  ) {
    machine.threads.forEach(phases.count * panels.count) { unit, _ in
      let phase = unit / panels.count
      let panel = panels.areThin ? nil : panels.list[unit % panels.count]
      body(phase, panel, phases[phase].weights.base)
    }
  }

  /// Computes the batch of `call`.
  func run(_ call: Call) {
    let exampleCount = call.exampleCount
    guard exampleCount > 0 else { return }
    let threadCount = machine.threads.threadCount
    let wanted = threadCount > 1 ? 2 * threadCount : 1
    // Units of the same size, so that no thread waits for one with a large last unit.
    let parts = (exampleCount + cut.examples - 1) / cut.examples
    var examplesPerUnit = (exampleCount + parts - 1) / parts
    var columnParts = 1
    func unitCount() -> Int {
      (exampleCount + examplesPerUnit - 1) / examplesPerUnit * cut.bands * columnParts
    }
    while unitCount() < wanted, columnParts * 2 <= panels.count { columnParts *= 2 }
    while unitCount() < wanted, examplesPerUnit > 1 {
      examplesPerUnit = (examplesPerUnit + 1) / 2
    }
    machine.threads.forEach(unitCount()) { unit, worker in
      let part = unit % columnParts
      let band = unit / columnParts % cut.bands
      let first = unit / columnParts / cut.bands * examplesPerUnit
      let unit = Unit(
        examples: first..<min(first + examplesPerUnit, exampleCount), band: band,
        panels: (panels.count * part / columnParts)..<(panels.count * (part + 1) / columnParts))
      run(unit, of: call, scratch: machine.scratch(worker))
      finish(unit, of: call)
    }
  }

  private func run(_ unit: Unit, of call: Call, scratch: Scratch) {
    let (band, exampleCount) = (unit.band, unit.examples.count)
    let sourceBase = call.source + unit.examples.lowerBound * source.count
    let targetBase = call.target + unit.examples.lowerBound * target.count
    let step = phases[0].phase.sourceStep
    var image = sourceBase
    if isPadded {
      let imageStride = cut.sourceRows * lineLength
      let padded = scratch.floats(cut.examples * imageStride)
      for example in 0..<exampleCount {
        ck_f32_pad_image(
          sourceBase + example * source.count, source.height, source.width, source.channels,
          padding.top, padding.left, padding.right, cut.firstSourceRow + band * cut.rows * step,
          cut.sourceRows, padded + example * imageStride)
      }
      image = UnsafePointer(padded)
    } else {
      image += band * cut.rows * step * lineLength
    }
    for plan in phases {
      let first = band * cut.rows
      guard first < plan.phase.rows else { continue }
      let pixels = targetBase + first * plan.phase.targetStep * target.width * target.channels
      let patches = plan.groups.map {
        plan.patches(of: $0, inBand: band, exampleCount: exampleCount)
      }
      run(
        plan, patches, image: image, bias: call.bias, pixels: pixels, panelRange: unit.panels)
    }
  }

  /// Does what follows the product to the rows of the target that the unit has written.
  private func finish(_ unit: Unit, of call: Call) {
    guard !call.finishing.isEmpty else { return }
    let bandRows = cut.rows * phases[0].phase.targetStep
    let first = unit.band * bandRows
    let rows = cut.bands > 1 ? first..<min(first + bandRows, target.height) : 0..<target.height
    let line = target.width * target.channels
    for example in unit.examples {
      FinishedPart(
        target: call.target, channelCount: target.channels, example: example,
        offset: example * target.count + rows.lowerBound * line,
        pixelCount: rows.count * target.width, channels: panels.filters(of: unit.panels)
      ).finish(by: call.finishing, machine.kernels.table.pointee)
    }
  }

  private func run(
    _ plan: PatchPlan, _ patches: [Range<Int>], image: UnsafePointer<Float>,
    bias: UnsafePointer<Float>?, pixels: UnsafeMutablePointer<Float>, panelRange: Range<Int>
  ) {
    var task = ck_patch_product()
    task.run_stride = lineLength
    task.filter_run_stride = plan.runLength
    for (group, patches) in zip(plan.groups, patches) where group.isEmpty {
      fill(plan, patches, pixels: pixels, bias: bias, filters: panels.filters(of: panelRange))
    }
    if panels.areThin {
      task.filter_stride = plan.entryCount
      task.filter_count = target.channels
      task.initial = bias
      task.target = pixels
      for (group, patches) in zip(plan.groups, patches) where !group.isEmpty {
        let column = group.tapColumns.lowerBound * source.channels
        let row = group.tapRows.lowerBound
        task.source = image + row * lineLength + column
        task.filters = UnsafePointer(plan.weights.base + row * plan.runLength + column)
        task.run_count = group.tapRows.count
        task.run_length = group.tapColumns.count * source.channels
        multiply(&task, plan, patches, by: machine.kernels.table.pointee.f32_thin_product)
      }
      return
    }
    for block in plan.blocks {
      for panel in panels.list[panelRange] {
        task.target = pixels + panel.firstFilter
        task.filter_count = panel.filterCount
        task.initial = bias.map { $0 + panel.firstFilter }
        let filters = plan.weights.base + panel.firstFilter * plan.entryCount
        for piece in block {
          task.source = image + piece.sourceOffset
          task.run_count = piece.runCount
          task.run_length = piece.runLength
          task.accumulate = piece.isFirst ? 0 : 1
          task.filters = UnsafePointer(filters + piece.firstEntry * panel.width)
          multiply(&task, plan, patches[piece.group], by: panel.product)
        }
      }
    }
  }

  private func multiply(
    _ task: inout ck_patch_product, _ plan: PatchPlan, _ patches: Range<Int>,
    by product: FilterPanels.Product
  ) {
    plan.sourceOffsets.withUnsafeBufferPointer { sourceOffsets in
      plan.targetOffsets.withUnsafeBufferPointer { targetOffsets in
        task.source_offsets = sourceOffsets.baseAddress.map { $0 + patches.lowerBound }
        task.target_offsets = targetOffsets.baseAddress.map { $0 + patches.lowerBound }
        task.patch_count = patches.count
        product(&task)
      }
    }
  }

  /// Patches that meet nothing but padding give the bias.
  private func fill(
    _ plan: PatchPlan, _ patches: Range<Int>, pixels: UnsafeMutablePointer<Float>,
    bias: UnsafePointer<Float>?, filters: Range<Int>
  ) {
    for index in patches {
      let pixel = pixels + Int(plan.targetOffsets[index])
      for channel in filters { pixel[channel] = bias?[channel] ?? 0 }
    }
  }
}
