/// The part of a product that one thread computes at a time.
struct ProductUnit {
  let examples: Range<Int>
  let band: Int
  let panels: Range<Int>

  /// Cuts a batch into units of at most `examplesPerUnit` examples, `bands` bands and all panels,
  /// or smaller ones if some threads would otherwise be idle.
  ///
  /// Units have the same size, and every thread gets the same number, so that none waits for
  /// another at the end.
  static func forEach(
    exampleCount: Int, examplesPerUnit: Int, bands: Int, panelCount: Int, on machine: Machine,
    _ body: (ProductUnit, Scratch) -> Void
  ) {
    guard exampleCount > 0 else { return }
    let threadCount = machine.threads.threadCount
    let wanted = machine.threads.wantedUnits
    var parts = (exampleCount + examplesPerUnit - 1) / examplesPerUnit
    if parts > threadCount { parts = (parts + threadCount - 1) / threadCount * threadCount }
    var columnParts = 1
    while parts * bands * columnParts < wanted, columnParts * 2 <= panelCount { columnParts *= 2 }
    while parts * bands * columnParts < wanted, parts < exampleCount { parts *= 2 }
    parts = min(parts, exampleCount)
    machine.threads.forEach(parts * bands * columnParts) { index, worker in
      let column = index % columnParts
      let part = index / columnParts / bands
      let unit = ProductUnit(
        examples: (0..<exampleCount).part(part, of: parts), band: index / columnParts % bands,
        panels: (0..<panelCount).part(column, of: columnParts))
      body(unit, machine.scratch(worker))
    }
  }

  /// Runs a call's epilogue on the unit's channels in some rows of its examples' targets.
  func runEpilogue(
    rows: Range<Int>, of target: ImageExtent, panels list: FilterPanels, in call: ProductCall,
    on machine: Machine
  ) {
    guard !call.epilogue.isEmpty else { return }
    let line = target.width * target.channels
    for example in examples {
      EpilogueTarget(
        target: call.target, channelCount: target.channels, example: example,
        offset: example * target.count + rows.lowerBound * line,
        pixelCount: rows.count * target.width, channels: list.filters(of: panels)
      ).run(call.epilogue, machine.kernels.table.pointee)
    }
  }
}
