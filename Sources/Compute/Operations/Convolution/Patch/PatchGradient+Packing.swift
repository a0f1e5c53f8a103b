import CKernels

// Packs the operands of a block in the order in which its positions are summed.
extension PatchGradient {
  /// Packs the output gradient, panel × position × width, times the examples' weights.
  ///
  /// Positions are in the order example × row × column, or in the order of packed entries: column
  /// span × row × example × column.
  func packRight(
    _ work: Work, _ block: Block, panels: ArraySlice<FilterPanels.Panel>,
    into right: UnsafeMutablePointer<Float>
  ) {
    let rowsLength = block.rows.count * geometry.outputWidth
    guard !panels.isEmpty else { return }
    for (index, example) in block.examples.enumerated() {
      let line = (example * geometry.outputHeight + block.rows.lowerBound) * geometry.outputWidth
      guard packsEntries else {
        packRight(
          work, example, positions: line..<(line + rowsLength), panels, to: index * rowsLength,
          of: block.examples.count * rowsLength, right)
        continue
      }
      for span in columnSpans {
        for row in 0..<block.rows.count {
          let first = line + row * geometry.outputWidth + span.lowerBound
          let place =
            span.lowerBound * block.rows.count * block.examples.count
            + (row * block.examples.count + index) * span.count
          packRight(
            work, example, positions: first..<(first + span.count), panels, to: place,
            of: block.examples.count * rowsLength, right)
        }
      }
    }
  }

  /// Packs consecutive positions of an example to consecutive places, starting at `place` of `count`.
  private func packRight(
    _ work: Work, _ example: Int, positions: Range<Int>, _ panels: ArraySlice<FilterPanels.Panel>,
    to place: Int, of count: Int, _ right: UnsafeMutablePointer<Float>
  ) {
    guard let first = panels.first else { return }
    let channels = geometry.outputChannels
    let source = work.outputGradient + positions.lowerBound * channels
    let scale = work.exampleWeights?[example] ?? 1
    // Whole panels are packed together, so that memory is read in order; the last may be partial.
    let whole = panels.prefix { $0.width == first.width && $0.filterCount == $0.width }
    ck_f32_pack_panels(
      source + first.firstFilter, positions.count, channels, whole.count, first.width,
      count * first.width, scale, right + place * first.width)
    for panel in panels.dropFirst(whole.count) {
      let target = right + (panel.firstFilter - first.firstFilter) * count
      ck_f32_pack_right(
        source + panel.firstFilter, positions.count, channels, panel.filterCount, panel.width,
        scale, target + place * panel.width)
    }
  }

  /// Output rows and columns whose tap lies inside the image.
  private func inside(_ tap: Int, _ stride: Int, padding: Int, input: Int, _ outputs: Range<Int>)
    -> Range<Int>
  {
    let first = max(0, (padding - tap + stride - 1) / stride)
    let end = (input - 1 + padding - tap) < 0 ? 0 : (input - 1 + padding - tap) / stride + 1
    let lower = max(first, outputs.lowerBound)
    return lower..<max(lower, min(end, outputs.upperBound))
  }

  private func insideRows(_ tile: Tile, _ block: Block) -> Range<Int> {
    inside(
      tile.tapRow, geometry.stride, padding: geometry.padding.top, input: geometry.inputHeight,
      block.rows)
  }

  private func insideColumns(_ tile: Tile) -> Range<Int> {
    inside(
      tile.tapColumn, geometry.stride, padding: geometry.padding.left, input: geometry.inputWidth,
      0..<geometry.outputWidth)
  }

  /// Packs the entries of the tiles of a pass at the positions of `setPackedLines`, in their order.
  func packLeft(
    _ tiles: ArraySlice<Tile>, _ input: UnsafePointer<Float>, _ block: Block,
    into target: UnsafeMutablePointer<Float>
  ) {
    guard let tile = tiles.first, let last = tiles.last else { return }
    let g = geometry
    let columns = insideColumns(tile)
    let rows = insideRows(tile, block)
    let examples = block.examples
    // Only the last tile of a tap may have unused entries.
    let full = last.width == tile.rows ? tiles.count : tiles.count - 1
    var place = target
    for span in columnSpans where columns.contains(span.lowerBound) {
      let column = span.lowerBound * g.stride + tile.tapColumn - g.padding.left
      for row in rows {
        let pixel = (row * g.stride + tile.tapRow - g.padding.top) * g.inputWidth + column
        let source = input + examples.lowerBound * g.input.count + pixel * g.inputChannels
        func pack(_ tile: Tile, count: Int, to place: UnsafeMutablePointer<Float>) {
          ck_f32_pack_left(
            source + tile.channel, examples.count, span.count, g.input.count,
            g.stride * g.inputChannels, count, 6 * blockPositions, tile.width, tile.rows, place)
        }
        pack(tile, count: full, to: place)
        if full < tiles.count { pack(last, count: 1, to: place + full * 6 * blockPositions) }
        place += examples.count * span.count * tile.rows
      }
    }
  }

  /// Lists the positions of a block whose tap lies inside the image, in the order of packed
  /// entries: a tap reads whole spans of columns and consecutive rows.
  func setPackedLines(_ lines: inout [ck_line], _ tile: Tile, _ block: Block) {
    lines.removeAll(keepingCapacity: true)
    let rows = insideRows(tile, block)
    let columns = insideColumns(tile)
    guard !rows.isEmpty else { return }
    var packed = 0
    for span in columnSpans where columns.contains(span.lowerBound) {
      let perRow = block.examples.count * span.count
      let first =
        span.lowerBound * block.rows.count * block.examples.count
        + (rows.lowerBound - block.rows.lowerBound) * perRow
      append(
        ck_line(
          source: Int32(packed * tile.rows), first: UInt32(first),
          count: UInt32(rows.count * perRow)), to: &lines, follows: true)
      packed += rows.count * perRow
    }
  }

  /// Appends a line, or extends the last one if gradients and entries are both contiguous with it.
  private func append(_ line: ck_line, to lines: inout [ck_line], follows: Bool) {
    if follows, let last = lines.last, last.first + last.count == line.first {
      lines[lines.count - 1].count += line.count
    } else {
      lines.append(line)
    }
  }

  /// Lists the positions of a block whose tap lies inside the image, for entries read in the image.
  func setLines(_ lines: inout [ck_line], _ tile: Tile, _ block: Block) {
    let g = geometry
    lines.removeAll(keepingCapacity: true)
    let columns = insideColumns(tile)
    guard !columns.isEmpty else { return }
    let column = columns.lowerBound * g.stride + tile.tapColumn - g.padding.left
    let isWhole = columns.count == g.outputWidth && columns.count == g.inputWidth
    let rows = insideRows(tile, block)
    for example in 0..<block.examples.count {
      for row in rows {
        let line = example * block.rows.count + row - block.rows.lowerBound
        let imageRow = row * g.stride + tile.tapRow - g.padding.top
        let source = example * g.input.count + (imageRow * g.inputWidth + column) * g.inputChannels
        append(
          ck_line(
            source: Int32(source), first: UInt32(line * g.outputWidth + columns.lowerBound),
            count: UInt32(columns.count)), to: &lines,
          follows: isWhole && g.stride == 1 && row > rows.lowerBound)
      }
    }
  }
}
