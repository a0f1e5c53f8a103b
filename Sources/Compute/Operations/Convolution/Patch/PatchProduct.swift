import CKernels

/// The product in the patch form: every patch is multiplied by every filter.
///
/// Work is cut into units: several small examples, or a band of rows of a large one. A unit's
/// padded source and target fit in the L2 cache while the filters stream through once. The division
/// never changes the order in which an output is summed.
final class PatchProduct: ConvolutionProduct {
  private let machine: Machine
  private let source: ImageExtent, target: ImageExtent
  private let padding: ConvolutionGeometry.Padding
  private let phases: [PatchPlan]
  private let cut: UnitCut
  let panels: FilterPanels
  /// Whether patches are read from a padded copy instead of the image itself.
  private let isPadded: Bool
  /// Floats per line of the memory from which patches are read.
  private let lineLength: Int

  init(_ sizes: ProductSizes, on machine: Machine) {
    let (source, target) = (sizes.source, sizes.target)
    let (padding, phases) = (sizes.padding, sizes.phases)
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

  func pack(
    _ body: (
      _ phase: Int, _ panel: FilterPanels.Panel?, _ memory: UnsafeMutablePointer<Float>
    ) -> Void
  ) {
    machine.threads.forEach(phases.count * panels.count) { unit, _ in
      let phase = unit / panels.count
      let plan = phases[phase]
      let panel = panels.areThin ? nil : panels.list[unit % panels.count]
      body(phase, panel, plan.weights.base + (panel?.firstFilter ?? 0) * plan.entryCount)
    }
  }

  func run(_ call: ProductCall) {
    ProductUnit.forEach(
      exampleCount: call.exampleCount, examplesPerUnit: cut.examples, bands: cut.bands,
      panelCount: panels.count, on: machine
    ) { unit, scratch in
      run(unit, of: call, scratch: scratch)
      let bandRows = cut.rows * phases[0].phase.targetStep
      let first = unit.band * bandRows
      let rows =
        cut.bands > 1 ? first..<min(first + bandRows, target.height) : 0..<target.height
      unit.runEpilogue(rows: rows, of: target, panels: panels, in: call, on: machine)
    }
  }

  private func run(_ unit: ProductUnit, of call: ProductCall, scratch: Scratch) {
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

  /// Fills patches that read only padding with the bias.
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
