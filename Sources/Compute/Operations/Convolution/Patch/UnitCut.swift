/// The part of a batch in one unit of a `PatchProduct`: whole examples or a band of rows.
struct UnitCut {
  /// Examples per unit; more than one only if an example is one band.
  let examples: Int
  /// Patch rows per band, and the bands of an example.
  let rows: Int, bands: Int
  /// The first padded source row that any patch reads, and the source rows of a band.
  let firstSourceRow: Int, sourceRows: Int

  /// Pixels per unit that amortise loading the filters from memory.
  static let pixelTarget = 384
  /// Floats of padded source that leave space in the L2 cache.
  static let sourceTarget = 64 * 1024

  init(
    source: ImageExtent, padding: ConvolutionGeometry.Padding,
    phases: [ProductPhase]
  ) {
    let taken = phases.filter { $0.tapRows > 0 }
    let rows = phases.map(\.rows).max() ?? 1
    let columns = max(1, phases.map(\.columns).max() ?? 1)
    let step = phases.first?.sourceStep ?? 1
    let first = taken.map(\.sourceRow).min() ?? 0
    let beyond = taken.map { $0.sourceRow + $0.tapRows - step }.max() ?? first
    let line = (source.width + padding.left + padding.right) * source.channels
    func sourceRows(_ bandRows: Int) -> Int { max(0, bandRows * step + beyond - first) }

    // A quarter of the target is the minimum that keeps register tiles full.
    var bandRows = rows
    while bandRows > 1, sourceRows(bandRows) * line > Self.sourceTarget,
      bandRows * columns > Self.pixelTarget
    {
      bandRows = (bandRows + 1) / 2
    }
    bands = (rows + bandRows - 1) / bandRows
    self.rows = (rows + bands - 1) / bands
    examples = bands > 1 ? 1 : max(1, (Self.pixelTarget + rows * columns - 1) / (rows * columns))
    firstSourceRow = first
    self.sourceRows = sourceRows(self.rows)
  }
}
