import CKernels

/// A product by Winograd's minimal filtering (arXiv 1509.09308): sums of pixels are multiplied by
/// sums of taps, which takes fewer multiplications, and the targets are sums of the products.
///
/// Factors are ±1 and ±½, so rounding errors grow little. The sums of taps are computed when
/// weights are packed. A unit builds the patches of one group after another, multiplies them with
/// the kernels of the patch form, and finally computes its targets.
final class WinogradProduct: ConvolutionProduct {
  private let machine: Machine
  private let source: ImageExtent, target: ImageExtent
  private let panels: FilterPanels
  private let phases: [WinogradPhase]
  private let weights: [FloatStorage]
  private let cut: Cut

  /// The part of a batch in one unit.
  private struct Cut {
    let examples: Int, bands: Int
    /// Floats of a unit's patches of a group, and of its products.
    let patchFloats: Int, productFloats: Int
  }

  init(_ sizes: ProductSizes, on machine: Machine) {
    let (source, target) = (sizes.source, sizes.target)
    self.machine = machine
    self.source = source
    self.target = target
    panels = FilterPanels(
      filterCount: target.channels, patchLength: 0, kernels: machine.kernels)
    guard let axes = Self.axes(of: sizes) else {
      preconditionFailure("filters of too many taps for minimal filtering")
    }
    let (examples, bands) = Self.unitSize(axes, source: source, target: target)
    let runLimit = max(1, panels.blockEntries / source.channels)
    self.phases = zip(axes, sizes.phases).map {
      WinogradPhase(
        $0, $1, source: source, target: target, exampleCount: examples, bandCount: bands,
        runLimit: runLimit)
    }
    let panels = panels
    weights = self.phases.map {
      FloatStorage(count: panels.floatCount(entryCount: $0.blocks.count * source.channels))
    }
    let parts = self.phases.flatMap { phase in
      phase.bands.flatMap { $0.parts.map { $0.placeCount * $0.entryCount } }
    }
    let products = self.phases.flatMap { $0.bands.map(\.productCount) }
    cut = Cut(
      examples: examples, bands: bands,
      patchFloats: examples * (parts.max() ?? 0) * source.channels,
      productFloats: examples * (products.max() ?? 0) * target.channels)
  }

  /// Floats of patches and products that leave space in the L2 cache.
  private static let unitTarget = 192 * 1024
  /// The most examples per unit; more gain nothing.
  private static let largestUnit = 16

  /// Examples and bands per unit; at least one of the two numbers is one.
  private static func unitSize(
    _ axes: [WinogradAxes], source: ImageExtent, target: ImageExtent
  ) -> (examples: Int, bands: Int) {
    let floats =
      axes.map {
        $0.rows.products.count * $0.columns.products.count * target.channels
      }.max() ?? 1
    guard floats > unitTarget, axes.count == 1, let rows = axes.first?.rows else {
      return (max(1, min(largestUnit, unitTarget / max(1, floats))), 1)
    }
    return (1, min(rows.tiles.count, (floats + unitTarget - 1) / unitTarget))
  }

  func pack(
    _ body: (
      _ phase: Int, _ panel: FilterPanels.Panel?, _ memory: UnsafeMutablePointer<Float>
    ) -> Void
  ) {
    let table = machine.kernels.table.pointee
    machine.threads.forEach(phases.count * panels.count) { unit, worker in
      let (index, number) = unit.quotientAndRemainder(dividingBy: panels.count)
      let phase = phases[index]
      let panel = panels.list[number]
      let tapFloats = source.channels * panel.width
      let taps = machine.scratch(worker).floats(phase.tapCount * tapFloats)
      body(index, panel, taps)
      var sums = RowSums()
      for (place, terms) in phase.blocks.enumerated() {
        sums.append(terms, stride: tapFloats, to: place * tapFloats)
      }
      let entryCount = phase.blocks.count * source.channels
      sums.run(
        RowSums.Rows(
          source: taps, sourceStride: 0,
          target: weights[index].base + panel.firstFilter * entryCount, targetStride: 0,
          length: tapFloats, exampleCount: 1), table)
    }
  }

  func run(_ call: ProductCall) {
    ProductUnit.forEach(
      exampleCount: call.exampleCount, examplesPerUnit: cut.examples, bands: cut.bands,
      panelCount: panels.count, on: machine
    ) { unit, scratch in
      for (phase, weights) in zip(phases, weights) {
        run(unit, phase, weights.base, of: call, scratch: scratch)
      }
      let rows = cut.bands > 1 ? phases[0].bands[unit.band].targetRows : 0..<target.height
      unit.runEpilogue(rows: rows, of: target, panels: panels, in: call, on: machine)
    }
  }

  private func run(
    _ unit: ProductUnit, _ phase: WinogradPhase, _ weights: UnsafePointer<Float>,
    of call: ProductCall, scratch: Scratch
  ) {
    let table = machine.kernels.table.pointee
    let band = phase.bands[unit.band]
    let products = scratch.floats(cut.productFloats + cut.patchFloats)
    let patches = products + cut.productFloats
    let exampleCount = unit.examples.count
    for part in band.parts {
      part.sourceSums.run(
        RowSums.Rows(
          source: call.source + unit.examples.lowerBound * source.count,
          sourceStride: source.count, target: patches,
          targetStride: part.placeCount * part.entryCount * source.channels,
          length: source.channels, exampleCount: exampleCount), table)
      for panel in panels.list[unit.panels] {
        multiply(
          part, panel, patches: patches,
          filters: weights + panel.firstFilter * phase.blocks.count * source.channels,
          exampleCount: exampleCount, into: products)
      }
    }
    let filters = panels.filters(of: unit.panels)
    band.targetSums.run(
      RowSums.Rows(
        source: products + filters.lowerBound,
        sourceStride: band.productCount * target.channels,
        target: call.target + unit.examples.lowerBound * target.count + filters.lowerBound,
        targetStride: target.count, length: filters.count, exampleCount: exampleCount,
        initial: call.bias.map { $0 + filters.lowerBound }), table)
  }

  private func multiply(
    _ part: WinogradPhase.Part, _ panel: FilterPanels.Panel, patches: UnsafePointer<Float>,
    filters: UnsafePointer<Float>, exampleCount: Int, into products: UnsafeMutablePointer<Float>
  ) {
    var task = ck_patch_product()
    task.patch_count = exampleCount * part.placeCount
    task.run_count = 1
    task.filter_count = panel.filterCount
    task.target = products + panel.firstFilter
    part.sourceOffsets.withUnsafeBufferPointer { sourceOffsets in
      part.productOffsets.withUnsafeBufferPointer { productOffsets in
        task.source_offsets = sourceOffsets.baseAddress
        task.target_offsets = productOffsets.baseAddress
        for (number, run) in part.runs.enumerated() {
          task.source = patches + run.firstEntry * source.channels
          task.filters = filters + run.firstBlock * source.channels * panel.width
          task.run_length = run.count * source.channels
          task.run_stride = task.run_length
          task.filter_run_stride = task.run_length
          task.accumulate = number == 0 ? 0 : 1
          panel.product(&task)
        }
      }
    }
  }
}

// The conditions for using the form.
extension WinogradProduct {
  /// The fewest channels on both sides for which sums of pixels cost little compared to products.
  private static let leastChannels = 32
  /// The time to compute a float of a patch or a target, in multiply-adds.
  private static let sumCost = 8
  /// The largest share of the patch form's time at which the form is used.
  private static let largestShare = 0.9

  private static func axes(of sizes: ProductSizes) -> [WinogradAxes]? {
    let axes = sizes.phases.map {
      WinogradAxes($0, source: sizes.source, padding: sizes.padding)
    }
    return axes.contains { $0 == nil } ? nil : axes.compactMap(\.self)
  }

  /// Whether filters are small enough.
  static func canCompute(_ sizes: ProductSizes) -> Bool { axes(of: sizes) != nil }

  /// Whether a product takes less time in this form than in the patch form.
  static func isPreferred(for sizes: ProductSizes) -> Bool {
    let (inputs, outputs) = (sizes.source.channels, sizes.target.channels)
    guard min(inputs, outputs) >= leastChannels, let axes = axes(of: sizes) else { return false }
    let entryCount = axes.reduce(0) { $0 + $1.entryCount }
    let directCount = axes.reduce(0) { $0 + $1.directEntryCount }
    let time = entryCount * (inputs * outputs + sumCost * (inputs + outputs))
    return Double(time) < largestShare * Double(directCount * inputs * outputs)
  }
}
