/// One phase of a `WinogradProduct`: which sums of pixels meet which sums of taps.
///
/// The products of the two axes make those of the plane: entries multiply out, and so do the terms of
/// sums. Products whose entries meet the same sums of taps are a group, and share the filters.
struct WinogradPhase {
  /// Entries of a patch whose filters follow each other in the packed memory.
  struct Run {
    let firstEntry: Int, firstBlock: Int
    var count: Int
  }

  struct Group {
    /// The sum of taps that each entry of a patch meets, in the order of the packed memory.
    let blocks: [Int]
    let runs: [Run]
  }

  /// What a band has of a group.
  struct GroupPart {
    let group: Int, placeCount: Int
    /// Makes the patches: example × place × entry × channel.
    let sourceSums: RowSums
    /// Of each patch: where it begins, and where its products are written.
    let sourceOffsets: [Int32], productOffsets: [Int32]
  }

  /// Rows of tiles.
  struct Band {
    let parts: [GroupPart]
    /// Products of an example, each of as many floats as the target has channels.
    let productCount: Int
    /// Makes the target of the products.
    let targetSums: RowSums
    let targetRows: Range<Int>
  }

  /// Sums of taps in the order of the packed memory; terms name taps of a patch.
  let blocks: [[WinogradAxis.Term]]
  let groups: [Group]
  let bands: [Band]
  let tapCount: Int
}

extension WinogradPhase {
  /// Puts a phase's two axes together.
  ///
  /// A unit takes up to `exampleCount` examples and one of `bandCount` bands; a run has at most
  /// `runLimit` entries.
  init(
    _ axes: Axes, _ phase: ProductPhase, source: ImageExtent, target: ImageExtent,
    exampleCount: Int, bandCount: Int, runLimit: Int
  ) {
    let (rows, columns) = (axes.rows, axes.columns)
    let columnSums = columns.tapSums.count
    var places: [Int: Int] = [:]
    let numbers = rows.kinds.flatMap { row in
      columns.kinds.map { column in row.flatMap { sum in column.map { sum * columnSums + $0 } } }
    }
    for number in numbers.joined() where places[number] == nil { places[number] = places.count }
    let groups = numbers.map { list in
      Group(blocks: list.compactMap { places[$0] }.sorted(), runLimit: runLimit)
    }
    blocks = places.sorted { $0.value < $1.value }.map { number, _ in
      Self.products(rows.tapSums[number / columnSums], columns.tapSums[number % columnSums]) {
        $0 * phase.tapColumns + $1
      }
    }
    let layout = Layout(
      axes: axes, phase: phase, source: source, target: target, exampleCount: exampleCount,
      groups: groups, block: { places[$0 * columnSums + $1] ?? 0 })
    let tileCount = rows.tiles.count
    bands = (0..<bandCount).map {
      layout.band(tiles: (tileCount * $0 / bandCount)..<(tileCount * ($0 + 1) / bandCount))
    }
    self.groups = groups
    tapCount = phase.tapRows * phase.tapColumns
  }

  /// The terms of the product of two sums.
  fileprivate static func products(
    _ rows: [WinogradAxis.Term], _ columns: [WinogradAxis.Term], _ index: (Int, Int) -> Int
  ) -> [WinogradAxis.Term] {
    rows.flatMap { row in
      columns.map { WinogradAxis.Term(index(row.index, $0.index), row.factor * $0.factor) }
    }
  }

  /// The two axes of a phase.
  struct Axes {
    let rows: WinogradAxis, columns: WinogradAxis

    /// Nil if minimal filtering has nothing for filters of that size.
    init?(_ phase: ProductPhase, source: ImageExtent, padding: ConvolutionGeometry.Padding) {
      guard
        let rows = WinogradAxis(
          count: phase.rows, step: phase.sourceStep, start: phase.sourceRow - padding.top,
          tapCount: phase.tapRows, extent: source.height),
        let columns = WinogradAxis(
          count: phase.columns, step: phase.sourceStep, start: phase.sourceColumn - padding.left,
          tapCount: phase.tapColumns, extent: source.width)
      else { return nil }
      self.rows = rows
      self.columns = columns
    }

    /// Products of a pixel and a tap, with minimal filtering and without.
    var entryCount: Int { rows.entryCount * columns.entryCount }
    var directEntryCount: Int { rows.directEntryCount * columns.directEntryCount }
  }
}

extension WinogradPhase.Group {
  fileprivate init(blocks: [Int], runLimit: Int) {
    self.blocks = blocks
    var runs: [WinogradPhase.Run] = []
    for (entry, block) in blocks.enumerated() {
      if let last = runs.last, last.count < runLimit, last.firstBlock + last.count == block {
        runs[runs.count - 1].count += 1
      } else {
        runs.append(WinogradPhase.Run(firstEntry: entry, firstBlock: block, count: 1))
      }
    }
    self.runs = runs
  }
}

/// Where a phase's patches, products and targets lie.
private struct Layout {
  let axes: WinogradPhase.Axes
  let phase: ProductPhase
  let source: ImageExtent, target: ImageExtent
  let exampleCount: Int
  let groups: [WinogradPhase.Group]
  /// The place in the packed memory of two axes' sums of taps.
  let block: (Int, Int) -> Int

  /// The band of some rows of tiles.
  func band(tiles: Range<Int>) -> WinogradPhase.Band {
    let (rows, columns) = (axes.rows, axes.columns)
    let taken = rows.tiles[tiles]
    let first = taken.first?.products.lowerBound ?? 0
    let products = first..<(taken.last?.products.upperBound ?? first)
    let firstTarget = taken.first?.targets.lowerBound ?? 0
    let targets = firstTarget..<(taken.last?.targets.upperBound ?? firstTarget)
    let productCount = products.count * columns.products.count
    let parts = groups.indices.compactMap { group -> WinogradPhase.GroupPart? in
      let (rowKind, columnKind) = group.quotientAndRemainder(dividingBy: columns.kinds.count)
      let places = products.filter { rows.products[$0].kind == rowKind }.flatMap { row in
        columns.products.indices.filter { columns.products[$0].kind == columnKind }
          .map { (row: row, column: $0) }
      }
      return places.isEmpty
        ? nil : part(group, places, firstRow: first, productCount: productCount)
    }
    var targetSums = RowSums()
    for row in targets {
      for column in columns.targets.indices {
        let terms = WinogradPhase.products(rows.targets[row], columns.targets[column]) {
          ($0 - first) * columns.products.count + $1
        }
        let pixel =
          (phase.targetRow + row * phase.targetStep) * target.width + phase.targetColumn
          + column * phase.targetStep
        targetSums.append(terms, stride: target.channels, to: pixel * target.channels)
      }
    }
    return WinogradPhase.Band(
      parts: parts, productCount: productCount, targetSums: targetSums, targetRows: targets)
  }

  private func part(
    _ group: Int, _ places: [(row: Int, column: Int)], firstRow: Int, productCount: Int
  ) -> WinogradPhase.GroupPart {
    let blocks = groups[group].blocks
    var sourceSums = RowSums()
    for (number, place) in places.enumerated() {
      for row in axes.rows.products[place.row].entries {
        for column in axes.columns.products[place.column].entries {
          let entry = blocks.firstIndex(of: block(row.taps, column.taps)) ?? 0
          let terms = WinogradPhase.products(row.source, column.source) { $0 * source.width + $1 }
          sourceSums.append(
            terms, stride: source.channels,
            to: (number * blocks.count + entry) * source.channels)
        }
      }
    }
    let patchLength = blocks.count * source.channels
    let offsets = places.map {
      ($0.row - firstRow) * axes.columns.products.count + $0.column
    }
    return WinogradPhase.GroupPart(
      group: group, placeCount: places.count, sourceSums: sourceSums,
      sourceOffsets: (0..<exampleCount * places.count).map { Int32($0 * patchLength) },
      productOffsets: (0..<exampleCount).flatMap { example in
        offsets.map { Int32((example * productCount + $0) * target.channels) }
      })
  }
}
