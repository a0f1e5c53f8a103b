/// Minimal filtering along both axes of a phase.
struct WinogradAxes {
  let rows: WinogradAxis, columns: WinogradAxis

  /// Returns nil if minimal filtering does not support filters of this size.
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
