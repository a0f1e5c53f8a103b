import CKernels

extension PatchGradient {
  /// Positions of a full block.
  var blockPositions: Int { blockExamples * blockRows * geometry.outputWidth }

  /// Tiles whose packed entries fit in the L2 cache; with more tiles, gradients are read less often.
  private var tilesPerPass: Int { max(1, Self.packedTarget / (6 * blockPositions)) }
  /// Floats of packed entries.
  private static let packedTarget = 16 * 1024

  /// Floats of scratch that `sum` needs for panels of this total width.
  func sumScratchCount(width: Int) -> Int {
    width * blockPositions + (isAligned ? leftScratchCount : paddedBlockCount)
  }

  private var leftScratchCount: Int { packsEntries ? tilesPerPass * 6 * blockPositions : 0 }

  /// The tiles and panels of a block, and its output gradient in their layout.
  private struct Share {
    let tiles: ArraySlice<Tile>
    let panels: ArraySlice<FilterPanels.Panel>
    let right: UnsafePointer<Float>
    let positions: Int
    /// The factor of the sums.
    var scale: Float = 1

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
    // Where tiles run across taps, gradients are read in place if their channels fill a panel,
    // because memory may end after the last channel.
    let packed = isAligned ? panels : panels.drop { $0.filterCount == $0.width }
    let blocks = blocks(examples)
    for (index, block) in blocks.enumerated() {
      var ahead = ahead(
        work, index + 1 < blocks.count ? blocks[index + 1] : nil,
        parts: tiles.count * panels.count)
      if let share = shareInPlace(work, block, tiles) {
        sumAligned(share, work, block, left: left, &ahead)
        continue
      }
      packRight(work, block, panels: packed, into: right)
      let share = Share(
        tiles: tiles, panels: packed, right: UnsafePointer(right),
        positions: block.examples.count * block.rows.count * g.outputWidth)
      if isAligned {
        sumAligned(share, work, block, left: left, &ahead)
      } else {
        let image = paddedBlock(work.input, block, left)
        sumInRows(panels.dropLast(packed.count), tiles, work, block, image: image, &ahead)
        sumAcrossTaps(share, work, block, image: image, &ahead)
      }
    }
  }

  /// A share that needs no packing: output gradients that already have the layout of one panel, of
  /// examples with equal weights.
  private func shareInPlace(_ work: Work, _ block: Block, _ tiles: ArraySlice<Tile>) -> Share? {
    let g = geometry
    guard isAligned, !packsEntries, panels.count == 1, panels[0].width == g.outputChannels,
      work.exampleWeights == nil || block.examples.count == 1
    else { return nil }
    let line =
      (block.examples.lowerBound * g.outputHeight + block.rows.lowerBound) * g.outputWidth
    return Share(
      tiles: tiles, panels: panels[...], right: work.outputGradient + line * g.outputChannels,
      positions: block.examples.count * block.rows.count * g.outputWidth,
      scale: work.exampleWeights?[block.examples.lowerBound] ?? 1)
  }

  /// The memory that the next block reads in strides: its output gradients, or its input if those
  /// are packed.
  private func ahead(_ work: Work, _ next: Block?, parts: Int) -> Ahead {
    guard let next else { return Ahead(memory: work.input, part: 0, step: 0) }
    let g = geometry
    let (examples, rows) = (next.examples, next.rows)
    let row = examples.lowerBound * g.outputHeight + rows.lowerBound
    var memory = work.outputGradient + row * g.outputWidth * g.outputChannels
    var floats = g.outputChannels
    if isAligned {
      let row = examples.lowerBound * g.inputHeight + rows.lowerBound * g.stride
      memory = work.input + row * g.inputWidth * g.inputChannels
      floats = g.inputChannels * g.stride * g.stride
    }
    // Gradients that are read in place are summed example by example.
    let positions = (isAligned ? examples.count : 1) * rows.count * g.outputWidth
    let step = (floats + parts - 1) / parts
    return Ahead(memory: memory, part: step * positions, step: step)
  }

  /// Multiplies the tiles of one tap after another with all panels.
  ///
  /// Positions whose tap lies outside the image are skipped. Entries are read in place, or packed
  /// for a few tiles at a time.
  private func sumAligned(
    _ share: Share, _ work: Work, _ block: Block, left: UnsafeMutablePointer<Float>,
    _ ahead: inout Ahead
  ) {
    let g = geometry
    let image = work.input + block.examples.lowerBound * g.input.count
    var task = lineTask()
    task.scale = share.scale
    var lines: [ck_line] = []
    lines.reserveCapacity(blockExamples * blockRows)
    var first = share.tiles.startIndex
    while first < share.tiles.endIndex {
      let limit = packsEntries ? tilesPerPass : share.tiles.count
      let tiles = share.tiles[first..<endOfPass(share.tiles, from: first, limit: limit)]
      first = tiles.endIndex
      if packsEntries {
        setPackedLines(&lines, tiles[tiles.startIndex], block)
        packLeft(tiles, work.input, block, into: left)
      } else {
        setLines(&lines, tiles[tiles.startIndex], block)
      }
      lines.withUnsafeBufferPointer {
        task.lines = $0.baseAddress
        task.line_count = $0.count
        for panel in share.panels {
          task.right = share.right(of: panel)
          task.right_stride = panel.width
          multiplyLines(
            &task, panel, tiles, packsEntries ? UnsafePointer(left) : image, work.target,
            &ahead)
        }
      }
    }
  }

  /// Reads the entries of each tile from the padded image, and the packed gradients.
  private func sumAcrossTaps(
    _ share: Share, _ work: Work, _ block: Block, image: UnsafePointer<Float>,
    _ ahead: inout Ahead
  ) {
    var task = lineTask()
    task.line_count = block.examples.count * block.rows.count
    lines.withUnsafeBufferPointer {
      task.lines = $0.baseAddress
      for panel in share.panels {
        task.right = share.right(of: panel)
        task.right_stride = panel.width
        multiplyLines(&task, panel, share.tiles, image, work.target, &ahead)
      }
    }
  }

  /// Reads the entries of each tile and the gradients in place; an example's weight is applied to
  /// its sum.
  private func sumInRows(
    _ panels: ArraySlice<FilterPanels.Panel>, _ tiles: ArraySlice<Tile>, _ work: Work,
    _ block: Block, image: UnsafePointer<Float>, _ ahead: inout Ahead
  ) {
    let g = geometry
    var task = lineTask()
    task.line_count = block.rows.count
    task.right_stride = g.outputChannels
    lines.withUnsafeBufferPointer {
      task.lines = $0.baseAddress
      for (index, example) in block.examples.enumerated() {
        let source = image + index * paddedExampleStride
        task.scale = work.exampleWeights?[example] ?? 1
        let line = (example * g.outputHeight + block.rows.lowerBound) * g.outputWidth
        for panel in panels {
          task.right = work.outputGradient + line * g.outputChannels + panel.firstFilter
          multiplyLines(&task, panel, tiles, source, work.target, &ahead)
        }
      }
    }
  }

  private func lineTask() -> ck_line_product {
    var task = ck_line_product()
    task.step = geometry.stride * geometry.inputChannels
    task.target_stride = geometry.outputChannels
    task.scale = 1
    return task
  }

  /// Adds a panel's tiles to the target; entries are read from the image, or packed tile by tile.
  private func multiplyLines(
    _ task: inout ck_line_product, _ panel: FilterPanels.Panel, _ tiles: ArraySlice<Tile>,
    _ source: UnsafePointer<Float>, _ target: UnsafeMutablePointer<Float>,
    _ ahead: inout Ahead
  ) {
    entryOffsets.withUnsafeBufferPointer { entryOffsets in
      task.columns = panel.filterCount
      for (index, tile) in tiles.enumerated() {
        if !isAligned {
          task.source = source
          task.entry_offsets = entryOffsets.baseAddress.map { $0 + tile.entry }
        } else if packsEntries {
          task.source = source + index * 6 * blockPositions
          task.step = tile.rows
        } else {
          // The entries of a tile are contiguous, but memory may end after the last.
          task.source = source + tile.channel
          task.entry_offsets = tile.width < tile.rows ? entryOffsets.baseAddress : nil
        }
        task.rows = tile.width
        task.target = target + tile.entry * geometry.outputChannels + panel.firstFilter
        task.ahead = ahead.memory
        task.ahead_step = ahead.step
        ahead.memory += ahead.part
        panel.line(rows: tile.rows)(&task)
      }
    }
  }

  /// Tiles of one pass share a tap and a number of rows, and thus the places of their positions.
  private func endOfPass(_ tiles: ArraySlice<Tile>, from first: Int, limit: Int) -> Int {
    var last = first + 1
    while last < tiles.endIndex, last - first < limit, tiles[last].rows == tiles[first].rows,
      tiles[last].tapRow == tiles[first].tapRow, tiles[last].tapColumn == tiles[first].tapColumn
    {
      last += 1
    }
    return last
  }

  // MARK: The padded copy of a block

  private var paddedBlockRows: Int { (blockRows - 1) * geometry.stride + geometry.kernelHeight }

  /// Floats from one example of a padded block to the next.
  private var paddedExampleStride: Int {
    let g = geometry
    guard g.needsPadding else { return g.input.count }
    return paddedBlockRows * (g.inputWidth + g.padding.left + g.padding.right) * g.inputChannels
  }

  /// Floats of a padded block; zero if the image can be read in place.
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
