import CKernels

extension WeightGradient {
  /// Positions of a full block.
  var blockPositions: Int { blockExamples * blockRows * geometry.outputWidth }

  /// Tiles whose packed entries stay in the first cache beside a panel.
  private var tilesPerPass: Int { max(1, 4096 / (6 * blockPositions)) }

  /// Floats of scratch that `sum` takes for panels of that width altogether.
  func sumScratchCount(width: Int) -> Int {
    width * blockPositions + (isAligned ? leftScratchCount : paddedBlockCount)
  }

  private var leftScratchCount: Int { tilesPerPass * 6 * blockPositions }

  /// The tiles and panels of a block, its output gradient packed.
  private struct Share {
    let tiles: ArraySlice<Tile>
    let panels: ArraySlice<FilterPanels.Panel>
    let right: UnsafePointer<Float>
    let positions: Int

    /// A panel's packed gradients.
    func right(of panel: FilterPanels.Panel) -> UnsafePointer<Float> {
      right + (panel.firstFilter - panels[panels.startIndex].firstFilter) * positions
    }
  }

  /// Adds tiles × panels of the gradient of some examples to the target.
  func sum(
    _ work: Work, examples: Range<Int>, tiles: ArraySlice<Tile>,
    panels: ArraySlice<FilterPanels.Panel>, scratch: Scratch, scratchOffset: Int = 0
  ) {
    guard let firstPanel = panels.first, let lastPanel = panels.last, !tiles.isEmpty else { return }
    let g = geometry
    let width = lastPanel.firstFilter + lastPanel.width - firstPanel.firstFilter
    let right = scratch.floats(scratchOffset + sumScratchCount(width: width)) + scratchOffset
    let left = right + width * blockPositions
    // Rows are read where channels fill a panel: beyond the last channel there may be nothing.
    let packed = readsRows ? panels.drop { $0.filterCount == $0.width } : panels
    for block in blocks(examples) {
      packRight(work, block, panels: packed, into: right)
      let share = Share(
        tiles: tiles, panels: packed, right: UnsafePointer(right),
        positions: block.examples.count * block.rows.count * g.outputWidth)
      if isAligned {
        sumAligned(share, work, block, left: left)
      } else {
        let image = paddedBlock(work.input, block, left)
        sumInRows(panels.dropLast(packed.count), tiles, work, block, image: image)
        sumAcrossTaps(share, work, block, image: image)
      }
    }
  }

  /// Packs the entries of a few tiles at a time and multiplies them with all panels.
  private func sumAligned(
    _ share: Share, _ work: Work, _ block: Block, left: UnsafeMutablePointer<Float>
  ) {
    let tiles = share.tiles
    var segments: [ck_segment] = []
    segments.reserveCapacity(blockExamples * blockRows)
    var first = tiles.startIndex
    while first < tiles.endIndex {
      let last = endOfPass(tiles, from: first, limit: tilesPerPass)
      for index in first..<last {
        packAligned(
          tiles[index], work.input, block, into: left + (index - first) * 6 * blockPositions)
      }
      setSegments(&segments, tiles[first], block)
      multiply(share, first..<last, left: left, segments: segments, target: work.target)
      first = last
    }
  }

  /// Reads the entries of each tile where they lie, and the gradients as packed.
  private func sumAcrossTaps(
    _ share: Share, _ work: Work, _ block: Block, image: UnsafePointer<Float>
  ) {
    var task = lineTask()
    task.source = image
    task.line_count = block.examples.count * block.rows.count
    for panel in share.panels {
      task.right = share.right(of: panel)
      task.right_stride = panel.width
      multiplyLines(&task, panel, share.tiles, work.target)
    }
  }

  /// Reads the entries of each tile and the gradients where they lie; an example's weight is applied
  /// to its sum.
  private func sumInRows(
    _ panels: ArraySlice<FilterPanels.Panel>, _ tiles: ArraySlice<Tile>, _ work: Work,
    _ block: Block, image: UnsafePointer<Float>
  ) {
    let g = geometry
    var task = lineTask()
    task.line_count = block.rows.count
    task.right_stride = g.outputChannels
    for (index, example) in block.examples.enumerated() {
      task.source = image + index * paddedExampleStride
      task.scale = work.exampleWeights?[example] ?? 1
      let line = (example * g.outputHeight + block.rows.lowerBound) * g.outputWidth
      for panel in panels {
        task.right = work.outputGradient + line * g.outputChannels + panel.firstFilter
        multiplyLines(&task, panel, tiles, work.target)
      }
    }
  }

  private func lineTask() -> ck_line_product {
    var task = ck_line_product()
    task.line_length = geometry.outputWidth
    task.step = geometry.stride * geometry.inputChannels
    task.target_stride = geometry.outputChannels
    task.scale = 1
    return task
  }

  /// Adds a panel's tiles to the target.
  private func multiplyLines(
    _ task: inout ck_line_product, _ panel: FilterPanels.Panel, _ tiles: ArraySlice<Tile>,
    _ target: UnsafeMutablePointer<Float>
  ) {
    positionOffsets.withUnsafeBufferPointer { positionOffsets in
      entryOffsets.withUnsafeBufferPointer { entryOffsets in
        task.source_offsets = positionOffsets.baseAddress
        task.columns = panel.filterCount
        for tile in tiles {
          task.entry_offsets = entryOffsets.baseAddress.map { $0 + tile.entry }
          task.rows = tile.width
          task.target = target + tile.entry * geometry.outputChannels + panel.firstFilter
          panel.line[tile.rows / 2 - 1](&task)
        }
      }
    }
  }

  /// Tiles of one pass share a tap, and so their positions.
  private func endOfPass(_ tiles: ArraySlice<Tile>, from first: Int, limit: Int) -> Int {
    var last = first + 1
    while last < tiles.endIndex, last - first < limit,
      tiles[last].tapRow == tiles[first].tapRow, tiles[last].tapColumn == tiles[first].tapColumn
    {
      last += 1
    }
    return last
  }

  private func multiply(
    _ share: Share, _ pass: Range<Int>, left: UnsafePointer<Float>, segments: [ck_segment],
    target: UnsafeMutablePointer<Float>
  ) {
    let g = geometry
    segments.withUnsafeBufferPointer { segments in
      var task = ck_outer_product()
      task.segments = segments.baseAddress
      task.segment_count = segments.count
      task.target_stride = g.outputChannels
      for panel in share.panels {
        task.right = share.right(of: panel)
        task.columns = panel.filterCount
        for index in pass {
          let tile = share.tiles[index]
          task.left = left + (index - pass.lowerBound) * 6 * blockPositions
          task.rows = tile.width
          task.target = target + tile.entry * g.outputChannels + panel.firstFilter
          panel.outer[tile.rows / 2 - 1](&task)
        }
      }
    }
  }

  /// Packs the output gradient, panel × position × width, times the examples' weights.
  private func packRight(
    _ work: Work, _ block: Block, panels: ArraySlice<FilterPanels.Panel>,
    into right: UnsafeMutablePointer<Float>
  ) {
    let g = geometry
    let rowsLength = block.rows.count * g.outputWidth
    guard let first = panels.first else { return }
    let panelStride = block.examples.count * rowsLength
    // Whole panels are packed together, so that memory is read in order; the last may be ragged.
    let whole = panels.prefix { $0.width == first.width && $0.filterCount == $0.width }
    for (index, example) in block.examples.enumerated() {
      let line = (example * g.outputHeight + block.rows.lowerBound) * g.outputWidth
      let source = work.outputGradient + line * g.outputChannels
      let scale = work.exampleWeights?[example] ?? 1
      ck_f32_pack_panels(
        source + first.firstFilter, rowsLength, g.outputChannels, whole.count, first.width,
        panelStride * first.width, scale, right + index * rowsLength * first.width)
      for panel in panels.dropFirst(whole.count) {
        let place = right + (panel.firstFilter - first.firstFilter) * panelStride
        ck_f32_pack_right(
          source + panel.firstFilter, rowsLength, g.outputChannels, panel.filterCount, panel.width,
          scale, place + index * rowsLength * panel.width)
      }
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

  private func packAligned(
    _ tile: Tile, _ input: UnsafePointer<Float>, _ block: Block,
    into target: UnsafeMutablePointer<Float>
  ) {
    let g = geometry
    let rows = insideRows(tile, block)
    let columns = insideColumns(tile)
    guard !rows.isEmpty, !columns.isEmpty else { return }
    let row = rows.lowerBound * g.stride + tile.tapRow - g.padding.top
    let column = columns.lowerBound * g.stride + tile.tapColumn - g.padding.left
    let source = input + (row * g.inputWidth + column) * g.inputChannels + tile.channel
    let size = rows.count * columns.count * tile.rows
    for (index, example) in block.examples.enumerated() {
      ck_f32_pack_left(
        source + example * g.input.count, rows.count, columns.count,
        g.stride * g.inputWidth * g.inputChannels, g.stride * g.inputChannels, tile.width,
        tile.rows, target + index * size)
    }
  }

  private func setSegments(_ segments: inout [ck_segment], _ tile: Tile, _ block: Block) {
    segments.removeAll(keepingCapacity: true)
    let rows = insideRows(tile, block)
    let columns = insideColumns(tile)
    guard !rows.isEmpty, !columns.isEmpty else { return }
    let width = geometry.outputWidth
    for example in 0..<block.examples.count {
      for row in rows {
        let line = example * block.rows.count + row - block.rows.lowerBound
        let first = UInt32(line * width + columns.lowerBound)
        if let last = segments.last, last.first + last.count == first {
          segments[segments.count - 1].count += UInt32(columns.count)
        } else {
          segments.append(ck_segment(first: first, count: UInt32(columns.count)))
        }
      }
    }
  }

  // MARK: The padded copy of a block

  private var paddedBlockRows: Int { (blockRows - 1) * geometry.stride + geometry.kernelHeight }

  /// Floats from one example of a padded block to the next.
  private var paddedExampleStride: Int {
    let g = geometry
    guard g.needsPadding else { return g.input.count }
    return paddedBlockRows * (g.inputWidth + g.padding.left + g.padding.right) * g.inputChannels
  }

  /// Floats of a padded block; none if the image can be read as it is.
  var paddedBlockCount: Int {
    let g = geometry
    guard !isAligned, g.needsPadding else { return 0 }
    return blockExamples * paddedExampleStride
  }

  /// The images of a block with their padding, from the block's first row on.
  func paddedBlock(
    _ input: UnsafePointer<Float>, _ block: Block, _ memory: UnsafeMutablePointer<Float>
  ) -> UnsafePointer<Float> {
    let g = geometry
    let first = block.rows.lowerBound * g.stride
    guard g.needsPadding else {
      return input + block.examples.lowerBound * g.input.count
        + first * g.inputWidth * g.inputChannels
    }
    for (index, example) in block.examples.enumerated() {
      ck_f32_pad_image(
        input + example * g.input.count, g.inputHeight, g.inputWidth, g.inputChannels,
        g.padding.top, g.padding.left, g.padding.right, first, paddedBlockRows,
        memory + index * paddedExampleStride)
    }
    return UnsafePointer(memory)
  }
}
