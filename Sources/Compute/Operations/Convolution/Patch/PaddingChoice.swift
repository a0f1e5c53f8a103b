/// How taps are treated that read only padding: they are skipped along an axis, or multiplied by
/// the zeros of a padded copy of the image.
///
/// Skipping them saves a third of a 3×3 layer's work on 7×7 pixels. But patches with the same taps
/// must fill their own tiles, and their runs are shorter: for large images with few channels this
/// would cost more than it saves.
struct PaddingChoice: Equatable {
  let skipsRows: Bool, skipsColumns: Bool

  /// Whether patches still read padding and the image must be copied.
  var readsPadding: Bool { !(skipsRows && skipsColumns) }

  static let all: [PaddingChoice] = [
    PaddingChoice(skipsRows: false, skipsColumns: false),
    PaddingChoice(skipsRows: true, skipsColumns: false),
    PaddingChoice(skipsRows: true, skipsColumns: true),
  ]

  /// Makes the choice that costs least for the phases of a product.
  init(
    for phases: [ProductPhase], source: ImageExtent,
    padding: ConvolutionGeometry.Padding, cut: UnitCut, panels: FilterPanels
  ) {
    guard padding != .all(0) else {
      self.init(skipsRows: true, skipsColumns: true)
      return
    }
    func cost(_ choice: PaddingChoice) -> Double {
      let width = source.width + padding.left + padding.right
      let copied = cut.sourceRows * width * source.channels * cut.examples * cut.bands
      let copy = choice.readsPadding ? Double(copied) * Self.copyCost : 0
      return phases.reduce(copy) {
        $0 + choice.cost(of: $1, source: source, padding: padding, cut: cut, panels: panels)
      }
    }
    let costs = Self.all.map { (choice: $0, cost: cost($0)) }
    self = costs.min { $0.cost < $1.cost }?.choice ?? Self.all[0]
  }

  private init(skipsRows: Bool, skipsColumns: Bool) {
    self.skipsRows = skipsRows
    self.skipsColumns = skipsColumns
  }

  /// The spans of a phase along both axes.
  func spans(
    of phase: ProductPhase, source: ImageExtent, padding: ConvolutionGeometry.Padding
  ) -> (rows: [TapSpan], columns: [TapSpan]) {
    (
      TapSpan.spans(
        leavingOutPadding: skipsRows, count: phase.rows, step: phase.sourceStep,
        start: phase.sourceRow - padding.top, tapCount: phase.tapRows, extent: source.height),
      TapSpan.spans(
        leavingOutPadding: skipsColumns, count: phase.columns, step: phase.sourceStep,
        start: phase.sourceColumn - padding.left, tapCount: phase.tapColumns, extent: source.width)
    )
  }

  /// The time to copy a float, in multiply-adds.
  private static let copyCost = 12.0

  /// The cost of a phase in multiply-adds, for all bands of a unit's examples.
  private func cost(
    of phase: ProductPhase, source: ImageExtent,
    padding: ConvolutionGeometry.Padding, cut: UnitCut, panels: FilterPanels
  ) -> Double {
    let spans = spans(of: phase, source: source, padding: padding)
    var cost = 0.0
    for row in spans.rows {
      // The rows of the span that a band covers at once.
      let rows = min(row.places.count, cut.rows)
      for column in spans.columns {
        let patches = rows * cut.examples * column.places.count
        cost +=
          panels.cost(
            patchCount: patches, runCount: row.taps.count,
            runLength: column.taps.count * source.channels, readsCopy: readsPadding)
          * Double(row.places.count) / Double(rows)
      }
    }
    return cost
  }
}
