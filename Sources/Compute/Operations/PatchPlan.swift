import CKernels

/// How one phase of an `ImageProduct` is computed: its patches in order, and which of their taps meet
/// which part of the filters.
///
/// Taps above or below the image meet nothing but padding and are left out: a sixth of a 3×3 layer's
/// work on 7×7 pixels. Those at its sides stay, since a patch is read in whole runs.
struct PatchPlan {
  /// Consecutive rows of patches whose taps inside the image are the same.
  struct RowGroup {
    let rows: Range<Int>, taps: Range<Int>
  }

  /// What a group of rows takes of a block.
  struct Piece {
    let group: Int
    let sourceOffset: Int, runCount: Int, firstEntry: Int
    /// Nothing was summed for these patches yet.
    let isFirst: Bool
  }

  /// A part of a patch whose filters stay in the second cache while all patches meet them.
  struct Block {
    let runLength: Int
    let pieces: [Piece]
  }

  /// Patches that follow each other in the lists of offsets.
  struct Stretch {
    let first: Int, count: Int
  }

  let phase: ImageProduct.Phase
  /// Entries of a patch with all its taps.
  let entryCount: Int
  let groups: [RowGroup]
  let blocks: [Block]
  /// Of each patch, row × example × column, in a band of a unit.
  let sourceOffsets: [Int32], targetOffsets: [Int32]
  let weights: FloatStorage
  private let cut: UnitCut
  /// The stretches of each band and group when a unit has all its examples: asked for so often that
  /// making lists would be felt.
  private var wholeUnits: [[[Stretch]]] = []

  init(
    _ phase: ImageProduct.Phase, source: ImageProduct.Extent, target: ImageProduct.Extent,
    padding: ConvolutionGeometry.Padding, cut: UnitCut, panels: FilterPanels
  ) {
    self.phase = phase
    entryCount = phase.tapRows * phase.tapColumns * source.channels
    self.cut = cut
    weights = FloatStorage(count: panels.floatCount(entryCount: entryCount))
    groups = Self.groups(
      of: phase, firstRow: padding.top, rowCount: source.height, cut: cut,
      tileRows: panels.tileRows)
    let width = source.width + padding.left + padding.right
    blocks = Self.blocks(
      of: phase, groups, channels: source.channels, lineLength: width * source.channels,
      limit: panels.blockEntries)
    let isPadded = padding != .all(0)
    let exampleStride = isPadded ? cut.sourceRows * width * source.channels : source.count
    var sourceOffsets: [Int32] = []
    var targetOffsets: [Int32] = []
    for row in 0..<min(cut.rows, phase.rows) {
      let sourceRow = row * phase.sourceStep + phase.sourceRow - cut.firstSourceRow
      let targetRow = row * phase.targetStep + phase.targetRow
      for example in 0..<cut.examples {
        for column in 0..<phase.columns {
          let pixel = sourceRow * width + column * phase.sourceStep + phase.sourceColumn
          sourceOffsets.append(Int32(example * exampleStride + pixel * source.channels))
          let place = targetRow * target.width + column * phase.targetStep + phase.targetColumn
          targetOffsets.append(Int32(example * target.count + place * target.channels))
        }
      }
    }
    self.sourceOffsets = sourceOffsets
    self.targetOffsets = targetOffsets
    let rowCount = cut.examples * phase.columns
    wholeUnits = (0..<cut.bands).map { band in
      groups.map { group in
        let rows = rows(of: group, inBand: band)
        return rows.isEmpty
          ? [] : [Stretch(first: rows.lowerBound * rowCount, count: rows.count * rowCount)]
      }
    }
  }

  /// Groups rows by their taps in the image, which begins at `firstRow` of the padded one; or puts all
  /// rows into one group, where tiles that small groups leave half empty would cost what is saved.
  private static func groups(
    of phase: ImageProduct.Phase, firstRow: Int, rowCount: Int, cut: UnitCut, tileRows: Int
  ) -> [RowGroup] {
    guard phase.rows > 0 else { return [] }
    let groups = groups(of: phase, firstRow: firstRow, rowCount: rowCount)
    let whole = [RowGroup(rows: 0..<phase.rows, taps: 0..<phase.tapRows)]
    // Without a tap inside, a patch gives the bias: that group must be known.
    if groups.contains(where: { $0.taps.isEmpty }) { return groups }
    func cost(_ groups: [RowGroup]) -> Double {
      groups.reduce(0) { cost, group in
        let rows = min(group.rows.count, cut.rows)
        let tiles = (rows * cut.examples * phase.columns + tileRows - 1) / tileRows
        return cost + Double(tiles * group.taps.count) * Double(group.rows.count) / Double(rows)
      }
    }
    return cost(groups) < leastGain * cost(whole) ? groups : whole
  }

  /// Rows are told apart where that leaves less than this of the work.
  private static let leastGain = 0.98

  /// Groups rows by their taps in the image.
  private static func groups(
    of phase: ImageProduct.Phase, firstRow: Int, rowCount: Int
  ) -> [RowGroup] {
    var groups: [RowGroup] = []
    for row in 0..<phase.rows {
      let start = row * phase.sourceStep + phase.sourceRow
      let lower = min(phase.tapRows, max(0, firstRow - start))
      let upper = max(lower, min(phase.tapRows, firstRow + rowCount - start))
      if let last = groups.last, last.taps == lower..<upper {
        groups[groups.count - 1] = RowGroup(rows: last.rows.lowerBound..<(row + 1), taps: last.taps)
      } else {
        groups.append(RowGroup(rows: row..<(row + 1), taps: lower..<upper))
      }
    }
    return groups
  }

  /// Cuts patches so that a block of a panel stays in the second cache: into pieces of one tap row, or
  /// into several tap rows.
  private static func blocks(
    of phase: ImageProduct.Phase, _ groups: [RowGroup], channels: Int, lineLength: Int, limit: Int
  ) -> [Block] {
    let runLength = phase.tapColumns * channels
    guard runLength > 0, phase.tapRows > 0 else { return [] }
    func block(rows: Range<Int>, _ run: Range<Int>) -> Block {
      let pieces = groups.enumerated().compactMap { index, group -> Piece? in
        let taps = rows.clamped(to: group.taps)
        guard !taps.isEmpty else { return nil }
        return Piece(
          group: index, sourceOffset: taps.lowerBound * lineLength + run.lowerBound,
          runCount: taps.count, firstEntry: taps.lowerBound * runLength + run.lowerBound,
          isFirst: taps.lowerBound == group.taps.lowerBound && run.lowerBound == 0)
      }
      return Block(runLength: run.count, pieces: pieces)
    }
    func cut(_ count: Int, into parts: Int) -> [Range<Int>] {
      (0..<parts).map { (count * $0 / parts)..<(count * ($0 + 1) / parts) }
    }
    if runLength >= limit {
      let runs = cut(runLength, into: (runLength + limit - 1) / limit)
      return (0..<phase.tapRows).flatMap { row in runs.map { block(rows: row..<(row + 1), $0) } }
    }
    let rowsPerBlock = max(1, limit / runLength)
    return cut(phase.tapRows, into: (phase.tapRows + rowsPerBlock - 1) / rowsPerBlock)
      .map { block(rows: $0, 0..<runLength) }
  }

  /// The patches of each group in a band, for the first examples of a unit.
  func stretches(inBand band: Int, exampleCount: Int) -> [[Stretch]] {
    if exampleCount == cut.examples { return wholeUnits[band] }
    return groups.map { group in
      let rows = rows(of: group, inBand: band)
      return rows.map {
        Stretch(first: $0 * cut.examples * phase.columns, count: exampleCount * phase.columns)
      }
    }
  }

  /// A group's rows in a band, counted from the band's first.
  private func rows(of group: RowGroup, inBand band: Int) -> Range<Int> {
    let first = band * cut.rows
    let rows = group.rows.clamped(to: first..<(first + cut.rows))
    return (rows.lowerBound - first)..<(rows.upperBound - first)
  }
}
