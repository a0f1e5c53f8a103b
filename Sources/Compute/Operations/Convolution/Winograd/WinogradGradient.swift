import CKernels

/// Weight gradients by Winograd's minimal filtering: the transpose of `WinogradProduct`.
///
/// An output is a sum of products of pixel sums and tap sums. So the gradient of a tap sum is the
/// sum over places of pixel sum × gradient sum, and a tap's gradient is the sum of the gradients of
/// all tap sums that contain it. Positions are summed in a fixed order, so bits do not depend on
/// the threads.
final class WinogradGradient {
  /// A group of places whose entries use the same sums of taps.
  private struct Part {
    let blocks: [Int]
    let placeCount: Int
    /// Computes each entry's sums of pixels: chunk × position × 16 channels; a position is example × place.
    let leftSums: [RowSums]
    /// Computes the sums of output gradients: position × panel width.
    let rightSums: RowSums
    /// Examples that are summed in registers before a tile is added to its target.
    let exampleCount: Int
    /// Positions of these examples.
    var positionCount: Int { exampleCount * placeCount }
  }

  /// A share of the weights: some chunks of input channels, and panels of output channels.
  private struct Cut {
    let chunks: Range<Int>
    let panels: ArraySlice<FilterPanels.Panel>
    var channelCount: Int { chunks.count * WinogradGradient.chunkLength }
    var columns: Int { panels.reduce(0) { $0 + $1.filterCount } }
  }

  /// The batch, and the part that one thread computes.
  private struct Work {
    let input: UnsafePointer<Float>, outputGradient: UnsafePointer<Float>
    let exampleWeights: UnsafePointer<Float>?
    let sums: UnsafeMutablePointer<Float>
    let cut: Cut
  }

  private let geometry: ConvolutionGeometry
  private let machine: Machine
  private let panels: [FilterPanels.Panel]
  private let parts: [Part]
  /// Computes each tap's gradient from the gradients of the sums that contain it.
  private let tapSums: RowSums
  /// Gradients of the sums of taps: portion × sum × input channel × output channel.
  private let sums: FloatStorage
  private let blockCount: Int, blockFloats: Int
  /// Portions of a batch with separate sums: the same number on every machine, because sums round.
  private let portionCount: Int
  private let portionFloats: Int
  /// Examples that all groups process before the next block.
  private let blockExamples: Int

  /// Contiguous channels of a sum of pixels; tiles take six, six and four of them.
  private static let chunkLength = 16
  private static let tiles = [0..<6, 6..<12, 12..<16]
  /// Floats of all portions' sums.
  private static let portionTarget = 768 * 1024
  private static let largestPortionCount = 8
  /// The largest number of floats of sums; beyond it, the memory outweighs the saved time.
  private static let largestSums = 8 * 1024 * 1024
  /// Floats of both sides that leave space in the L2 cache.
  private static let sideTarget = 192 * 1024
  /// Floats of images that stay in the cache while all groups read them.
  private static let nearTarget = 96 * 1024

  /// Examples that amortise clearing the sums and distributing them to the taps.
  static let leastExamples = 8

  /// Whether this form takes less time than summing position by position.
  static func isPreferred(for g: ConvolutionGeometry) -> Bool {
    let sizes = ProductSizes(forward: g)
    guard canCompute(g), WinogradProduct.isPreferred(for: sizes),
      let axes = WinogradAxes(sizes.phases[0], source: sizes.source, padding: sizes.padding)
    else { return false }
    let blockCount = axes.rows.tapSums.count * axes.columns.tapSums.count
    return blockCount * g.inputChannels * g.outputChannels <= largestSums
  }

  /// Whether filters are small enough, and channels fill chunks.
  static func canCompute(_ g: ConvolutionGeometry) -> Bool {
    g.inputChannels % chunkLength == 0 && g.outputChannels % chunkLength == 0
      && WinogradProduct.canCompute(ProductSizes(forward: g))
  }

  /// Prepares the gradient of a convolution for which `canCompute` is true.
  init(_ geometry: ConvolutionGeometry, on machine: Machine) {
    let sizes = ProductSizes(forward: geometry)
    let phase = sizes.phases[0]
    guard let axes = WinogradAxes(phase, source: sizes.source, padding: sizes.padding) else {
      preconditionFailure("filters of too many taps for minimal filtering")
    }
    self.geometry = geometry
    self.machine = machine
    panels =
      FilterPanels(
        filterCount: geometry.outputChannels, patchLength: 0, kernels: machine.kernels
      ).list
    let layout = WinogradLayout(axes, phase, source: sizes.source, target: sizes.target)
    parts = layout.groups.map { Self.part($0, layout, geometry) }
    var tapSums = RowSums()
    blockFloats = geometry.inputChannels * geometry.outputChannels
    for tap in 0..<phase.tapRows * phase.tapColumns {
      let terms = layout.blocks.enumerated().flatMap { number, block in
        block.filter { $0.index == tap }.map { WinogradAxis.Term(number, $0.factor) }
      }
      tapSums.append(terms, stride: blockFloats, to: tap * blockFloats)
    }
    self.tapSums = tapSums
    blockCount = layout.blocks.count
    portionFloats = blockCount * blockFloats
    portionCount = max(1, min(Self.largestPortionCount, Self.portionTarget / portionFloats))
    sums = FloatStorage(count: portionCount * portionFloats)
    // Either every group reads all images again, or every block of examples reads all sums again.
    let imageFloats = sizes.source.count + sizes.target.count
    let nearExamples = max(1, Self.nearTarget / imageFloats)
    let readsImages = parts.count * imageFloats * nearExamples
    blockExamples =
      readsImages > 2 * blockCount * blockFloats ? nearExamples : Int.max
  }

  private static func part(
    _ group: WinogradLayout.Group, _ layout: WinogradLayout, _ g: ConvolutionGeometry
  ) -> Part {
    var leftSums = group.blocks.map { _ in RowSums() }
    var rightSums = RowSums()
    for (number, place) in group.places.enumerated() {
      for (entry, terms) in layout.sources(of: place, in: group).enumerated() {
        leftSums[entry].append(terms, stride: g.inputChannels, to: number * chunkLength)
      }
      rightSums.append(layout.targets(of: place), stride: g.outputChannels, to: number)
    }
    let floats = group.blocks.count * g.inputChannels + g.outputChannels
    return Part(
      blocks: group.blocks, placeCount: group.places.count, leftSums: leftSums,
      rightSums: rightSums,
      exampleCount: max(1, sideTarget / (floats * group.places.count)))
  }

  /// Adds Σᵢ wᵢ·gᵢ to `target`.
  func addSum(
    input: UnsafePointer<Float>, outputGradient: UnsafePointer<Float>,
    exampleWeights: UnsafePointer<Float>?, exampleCount: Int,
    into target: UnsafeMutablePointer<Float>
  ) {
    guard exampleCount > 0 else { return }
    let wanted = machine.threads.wantedUnits
    let portionCount = min(portionCount, exampleCount)
    let step = min(blockExamples, exampleCount)
    let cuts = cuts(wanted: (wanted + portionCount - 1) / portionCount)
    machine.threads.forEach(portionCount * cuts.count) { unit, worker in
      let (portion, cut) = unit.quotientAndRemainder(dividingBy: cuts.count)
      let work = Work(
        input: input, outputGradient: outputGradient, exampleWeights: exampleWeights,
        sums: sums.base + portion * portionFloats, cut: cuts[cut])
      clear(work)
      let taken = (0..<exampleCount).part(portion, of: portionCount)
      for first in stride(from: taken.lowerBound, to: taken.upperBound, by: step) {
        let examples = first..<min(first + step, taken.upperBound)
        for part in parts { sum(part, work, examples, scratch: machine.scratch(worker)) }
      }
    }
    let tapCuts = self.cuts(wanted: wanted)
    machine.threads.forEach(tapCuts.count) { unit, _ in
      for portion in 0..<portionCount {
        addTaps(of: portion, tapCuts[unit], to: target)
      }
    }
  }

  /// Splits the weights into `wanted` shares: first along the input channels, whose sums are most
  /// of the work to prepare a share, then along the panels.
  private func cuts(wanted: Int) -> [Cut] {
    let chunkCount = geometry.inputChannels / Self.chunkLength
    let channelParts = min(wanted, chunkCount)
    let panelParts = min(panels.count, (wanted + channelParts - 1) / channelParts)
    return (0..<channelParts * panelParts).map {
      let (channel, panel) = $0.quotientAndRemainder(dividingBy: panelParts)
      return Cut(
        chunks: (0..<chunkCount).part(channel, of: channelParts),
        panels: panels[panels.indices.part(panel, of: panelParts)])
    }
  }

  /// The offset of a share's first weight in a block or a tap.
  private func place(of cut: Cut) -> Int {
    cut.chunks.lowerBound * Self.chunkLength * geometry.outputChannels
      + (cut.panels.first?.firstFilter ?? 0)
  }

  private func clear(_ work: Work) {
    for block in 0..<blockCount {
      let first = work.sums + block * blockFloats + place(of: work.cut)
      for channel in 0..<work.cut.channelCount {
        (first + channel * geometry.outputChannels).update(repeating: 0, count: work.cut.columns)
      }
    }
  }

  private func addTaps(of portion: Int, _ cut: Cut, to target: UnsafeMutablePointer<Float>) {
    tapSums.run(
      RowSums.Rows(
        source: sums.base + portion * portionFloats + place(of: cut),
        sourceStride: geometry.outputChannels, target: target + place(of: cut),
        targetStride: geometry.outputChannels, length: cut.columns,
        exampleCount: cut.channelCount, accumulates: true), machine.kernels.table.pointee)
  }

  private func sum(_ part: Part, _ work: Work, _ block: Range<Int>, scratch: Scratch) {
    let channels = work.cut.channelCount
    let entryFloats = channels * part.positionCount
    let left = scratch.floats(
      part.blocks.count * entryFloats + work.cut.columns * part.positionCount)
    let right = left + part.blocks.count * entryFloats
    for first in stride(from: block.lowerBound, to: block.upperBound, by: part.exampleCount) {
      let examples = first..<min(first + part.exampleCount, block.upperBound)
      makeSides(part, work, examples, left: left, right: right)
      multiply(part, work, exampleCount: examples.count, left: left, right: right)
    }
  }

  private func makeSides(
    _ part: Part, _ work: Work, _ examples: Range<Int>, left: UnsafeMutablePointer<Float>,
    right: UnsafeMutablePointer<Float>
  ) {
    let g = geometry
    let table = machine.kernels.table.pointee
    let channels = work.cut.channelCount
    for (entry, sums) in part.leftSums.enumerated() {
      sums.run(
        RowSums.Rows(
          source: work.input + examples.lowerBound * g.input.count + work.cut.chunks.lowerBound
            * Self.chunkLength, sourceStride: g.input.count,
          target: left + entry * channels * part.positionCount,
          targetStride: part.placeCount * Self.chunkLength, length: channels,
          exampleCount: examples.count,
          chunk: (Self.chunkLength, part.positionCount * Self.chunkLength)), table)
    }
    var target = right
    for panel in work.cut.panels {
      part.rightSums.run(
        RowSums.Rows(
          source: work.outputGradient + examples.lowerBound * g.output.count + panel.firstFilter,
          sourceStride: g.output.count, target: target,
          targetStride: part.placeCount * panel.width, length: panel.width,
          exampleCount: examples.count, placeStride: panel.width,
          exampleFactors: work.exampleWeights.map { $0 + examples.lowerBound }), table)
      target += part.positionCount * panel.width
    }
  }

  /// Adds left × right to the gradients of the sums of taps.
  private func multiply(
    _ part: Part, _ work: Work, exampleCount: Int, left: UnsafePointer<Float>,
    right: UnsafePointer<Float>
  ) {
    let g = geometry
    let chunkFloats = part.positionCount * Self.chunkLength
    var line = ck_line(source: 0, first: 0, count: UInt32(exampleCount * part.placeCount))
    withUnsafePointer(to: &line) { line in
      var task = ck_line_product()
      task.lines = line
      task.line_count = 1
      task.step = Self.chunkLength
      task.scale = 1
      task.target_stride = g.outputChannels
      task.right = right
      task.ahead = right
      for panel in work.cut.panels {
        task.right_stride = panel.width
        task.columns = panel.filterCount
        for (entry, block) in part.blocks.enumerated() {
          for chunk in 0..<work.cut.chunks.count {
            let channel = (work.cut.chunks.lowerBound + chunk) * Self.chunkLength
            let source = left + (entry * work.cut.chunks.count + chunk) * chunkFloats
            for tile in Self.tiles {
              task.source = source + tile.lowerBound
              task.rows = tile.count
              task.target =
                work.sums + block * blockFloats + (channel + tile.lowerBound) * g.outputChannels
                + panel.firstFilter
              panel.line(rows: tile.count)(&task)
            }
          }
        }
        task.right += part.positionCount * panel.width
      }
    }
  }
}
