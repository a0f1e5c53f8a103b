/// How one phase of a `PatchProduct` is computed: its patches in order, and which of their taps are
/// multiplied by which part of the filters.
struct PatchPlan {
  /// Patches of some rows and columns whose taps are the same.
  struct Group {
    let rows: Range<Int>, columns: Range<Int>
    let tapRows: Range<Int>, tapColumns: Range<Int>
    /// The first index of the group in the lists of offsets.
    let first: Int

    /// Whether such a patch reads only padding, so that its result is the bias.
    var isEmpty: Bool { tapRows.isEmpty || tapColumns.isEmpty }
  }

  /// The part of a block that a group of patches uses.
  struct Piece {
    let group: Int
    let sourceOffset: Int, runCount: Int, runLength: Int, firstEntry: Int
    /// Whether nothing was summed for these patches yet.
    let isFirst: Bool
  }

  let phase: ProductPhase
  /// Entries of a patch with all its taps, and of one row of them.
  let entryCount: Int, runLength: Int
  let groups: [Group]
  /// Parts of a patch whose filters fit in the L2 cache while all patches are multiplied by them.
  let blocks: [[Piece]]
  /// The offsets of each patch in a band of a unit: group × example × row × column.
  let sourceOffsets: [Int32], targetOffsets: [Int32]
  let weights: FloatStorage
  private let cut: UnitCut

  init(
    _ phase: ProductPhase, source: ImageExtent, target: ImageExtent,
    padding: ConvolutionGeometry.Padding, choice: PaddingChoice, cut: UnitCut, panels: FilterPanels
  ) {
    self.phase = phase
    self.cut = cut
    runLength = phase.tapColumns * source.channels
    entryCount = phase.tapRows * runLength
    weights = FloatStorage(count: panels.floatCount(entryCount: entryCount))
    let spans = choice.spans(of: phase, source: source, padding: padding)
    let isPadded = choice.readsPadding
    let width = source.width + (isPadded ? padding.left + padding.right : 0)
    let exampleStride = isPadded ? cut.sourceRows * width * source.channels : source.count
    // A padded copy begins with the first row that is read; the image itself begins after its padding.
    let firstRow = phase.sourceRow - (isPadded ? cut.firstSourceRow : padding.top)
    let firstColumn = phase.sourceColumn - (isPadded ? 0 : padding.left)
    var groups: [Group] = []
    var sourceOffsets: [Int32] = []
    var targetOffsets: [Int32] = []
    for rows in spans.rows {
      for columns in spans.columns {
        groups.append(
          Group(
            rows: rows.places, columns: columns.places, tapRows: rows.taps,
            tapColumns: columns.taps, first: sourceOffsets.count))
        for example in 0..<cut.examples {
          for row in Self.listedRows(rows.places, cut) {
            for column in columns.places {
              let pixel =
                (firstRow + row * phase.sourceStep) * width + firstColumn
                + column * phase.sourceStep
              sourceOffsets.append(Int32(example * exampleStride + pixel * source.channels))
              let place =
                (phase.targetRow + row * phase.targetStep) * target.width + phase.targetColumn
                + column * phase.targetStep
              targetOffsets.append(Int32(example * target.count + place * target.channels))
            }
          }
        }
      }
    }
    self.groups = groups
    self.sourceOffsets = sourceOffsets
    self.targetOffsets = targetOffsets
    blocks = Self.blocks(
      of: phase, groups, channels: source.channels, lineLength: width * source.channels,
      limit: panels.blockEntries)
  }

  /// The rows of a group in its lists, counted from a band's first row: the rows of any band,
  /// because a group's rows differ from band to band.
  private static func listedRows(_ rows: Range<Int>, _ cut: UnitCut) -> Range<Int> {
    cut.bands > 1 ? 0..<cut.rows : rows
  }

  /// Cuts patches so that a block of a panel fits in the L2 cache: into pieces of one tap row, or
  /// into several tap rows.
  private static func blocks(
    of phase: ProductPhase, _ groups: [Group], channels: Int, lineLength: Int, limit: Int
  ) -> [[Piece]] {
    let runLength = phase.tapColumns * channels
    guard runLength > 0, phase.tapRows > 0 else { return [] }
    func block(rows: Range<Int>, _ run: Range<Int>) -> [Piece] {
      groups.enumerated().compactMap { index, group -> Piece? in
        let columns = group.tapColumns
        let inside = (columns.lowerBound * channels)..<(columns.upperBound * channels)
        let taps = rows.clamped(to: group.tapRows)
        let entries = run.clamped(to: inside)
        guard !taps.isEmpty, !entries.isEmpty else { return nil }
        return Piece(
          group: index, sourceOffset: taps.lowerBound * lineLength + entries.lowerBound,
          runCount: taps.count, runLength: entries.count,
          firstEntry: taps.lowerBound * runLength + entries.lowerBound,
          isFirst: taps.lowerBound == group.tapRows.lowerBound
            && entries.lowerBound == inside.lowerBound)
      }
    }
    func cut(_ count: Int, into parts: Int) -> [Range<Int>] {
      (0..<parts).map { (0..<count).part($0, of: parts) }
    }
    if runLength >= limit {
      let runs = cut(runLength, into: (runLength + limit - 1) / limit)
      return (0..<phase.tapRows).flatMap { row in runs.map { block(rows: row..<(row + 1), $0) } }
    }
    let rowsPerBlock = max(1, limit / runLength)
    return cut(phase.tapRows, into: (phase.tapRows + rowsPerBlock - 1) / rowsPerBlock)
      .map { block(rows: $0, 0..<runLength) }
  }

  /// The range in the lists of a group's patches in a band, for the first examples of a unit.
  func patches(of group: Group, inBand band: Int, exampleCount: Int) -> Range<Int> {
    guard cut.bands > 1 else {
      let count = exampleCount * group.rows.count * group.columns.count
      return group.first..<(group.first + count)
    }
    let first = band * cut.rows
    let rows = group.rows.clamped(to: first..<(first + cut.rows))
    let start = group.first + (rows.lowerBound - first) * group.columns.count
    return start..<(start + rows.count * group.columns.count)
  }
}
