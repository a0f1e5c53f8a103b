/// One phase of a `WinogradProduct`, prepared for units of a batch.
struct WinogradPhase {
  /// Entries of a patch whose filters are contiguous in the packed memory.
  struct Run {
    let firstEntry: Int, firstBlock: Int
    var count: Int
  }

  /// The part of a group in a band.
  struct Part {
    let placeCount: Int, entryCount: Int
    let runs: [Run]
    /// Computes the patches: example × place × entry × channel.
    let sourceSums: RowSums
    /// The offset of each patch, and the offset of its products.
    let sourceOffsets: [Int32], productOffsets: [Int32]
  }

  /// Rows of tiles.
  struct Band {
    let parts: [Part]
    /// Products per example, each with one float per target channel.
    let productCount: Int
    /// Computes the target from the products.
    let targetSums: RowSums
    let targetRows: Range<Int>
  }

  /// Sums of taps in the order of the packed memory; terms refer to taps of a patch.
  let blocks: [[WinogradAxis.Term]]
  let tapCount: Int
  let bands: [Band]

  /// Prepares a phase.
  ///
  /// A unit takes up to `exampleCount` examples and one of `bandCount` bands; a run has at most
  /// `runLimit` entries.
  init(
    _ axes: WinogradAxes, _ phase: ProductPhase, source: ImageExtent, target: ImageExtent,
    exampleCount: Int, bandCount: Int, runLimit: Int
  ) {
    let layout = WinogradLayout(axes, phase, source: source, target: target)
    let builder = BandBuilder(
      layout: layout, axes: axes, sourceChannels: source.channels,
      targetChannels: target.channels, exampleCount: exampleCount, runLimit: runLimit)
    blocks = layout.blocks
    tapCount = phase.tapRows * phase.tapColumns
    bands = (0..<bandCount).map {
      builder.band(tiles: axes.rows.tiles.indices.part($0, of: bandCount))
    }
  }
}

/// The memory layout of a phase's patches, products and targets.
private struct BandBuilder {
  let layout: WinogradLayout
  let axes: WinogradAxes
  let sourceChannels: Int, targetChannels: Int
  let exampleCount: Int, runLimit: Int

  /// Builds the band for some rows of tiles.
  func band(tiles: Range<Int>) -> WinogradPhase.Band {
    let taken = axes.rows.tiles[tiles]
    let first = taken.first?.products.lowerBound ?? 0
    let products = first..<(taken.last?.products.upperBound ?? first)
    let firstTarget = taken.first?.targets.lowerBound ?? 0
    let targets = firstTarget..<(taken.last?.targets.upperBound ?? firstTarget)
    let productCount = products.count * axes.columns.products.count
    let parts = layout.groups.compactMap { group -> WinogradPhase.Part? in
      let places = group.places.filter { products.contains($0.row) }
      return places.isEmpty
        ? nil : part(group, places, firstRow: first, productCount: productCount)
    }
    var targetSums = RowSums()
    for row in targets {
      for column in axes.columns.targets.indices {
        targetSums.append(
          layout.products(row: row, column: column, firstRow: first), stride: targetChannels,
          to: layout.targetPixel(row: row, column: column) * targetChannels)
      }
    }
    return WinogradPhase.Band(
      parts: parts, productCount: productCount, targetSums: targetSums, targetRows: targets)
  }

  private func part(
    _ group: WinogradLayout.Group, _ places: [WinogradLayout.Place], firstRow: Int,
    productCount: Int
  ) -> WinogradPhase.Part {
    let patchLength = group.blocks.count * sourceChannels
    var sourceSums = RowSums()
    for (number, place) in places.enumerated() {
      for (entry, terms) in layout.sources(of: place, in: group).enumerated() {
        sourceSums.append(
          terms, stride: sourceChannels, to: number * patchLength + entry * sourceChannels)
      }
    }
    let numbers = places.map {
      ($0.row - firstRow) * axes.columns.products.count + $0.column
    }
    return WinogradPhase.Part(
      placeCount: places.count, entryCount: group.blocks.count, runs: runs(of: group),
      sourceSums: sourceSums,
      sourceOffsets: (0..<exampleCount * places.count).map { Int32($0 * patchLength) },
      productOffsets: (0..<exampleCount).flatMap { example in
        numbers.map { Int32((example * productCount + $0) * targetChannels) }
      })
  }

  private func runs(of group: WinogradLayout.Group) -> [WinogradPhase.Run] {
    var runs: [WinogradPhase.Run] = []
    for (entry, block) in group.blocks.enumerated() {
      if let last = runs.last, last.count < runLimit, last.firstBlock + last.count == block {
        runs[runs.count - 1].count += 1
      } else {
        runs.append(WinogradPhase.Run(firstEntry: entry, firstBlock: block, count: 1))
      }
    }
    return runs
  }
}
