import CKernels

/// Weight gradients of a convolution: Σ over positions of patch × output gradient.
///
/// A gradient is cut into tiles of a few patch entries × a panel of output channels. A tile is
/// summed over blocks of positions in a fixed order, so its bits do not depend on which thread
/// computes it. If a tile covers a single tap, positions whose tap lies in the padding are skipped.
final class PatchGradient {
  struct Tile {
    /// The first patch entry, the number of entries, and the rows of the tile.
    let entry: Int, width: Int, rows: Int
    /// Its tap and first input channel (aligned tiles only).
    let tapRow: Int, tapColumn: Int, channel: Int
  }

  /// A stretch of positions: some examples, and rows of the output of each.
  struct Block {
    let examples: Range<Int>, rows: Range<Int>
  }

  /// Memory that the next block reads, prefetched in parts while this block is computed.
  struct Ahead {
    var memory: UnsafePointer<Float>
    /// Floats per tile and per position.
    let part: Int, step: Int
  }

  /// The operands of the sum and its target.
  struct Work {
    let input: UnsafePointer<Float>, outputGradient: UnsafePointer<Float>
    let exampleWeights: UnsafePointer<Float>?
    let target: UnsafeMutablePointer<Float>
  }

  let geometry: ConvolutionGeometry
  let machine: Machine
  let tiles: [Tile]
  let panels: [FilterPanels.Panel]
  /// Whether tiles cover a single tap and read the image in place, or run across taps of a padded copy.
  let isAligned: Bool
  /// Whether lines are so short, or so far apart, that the entries of aligned tiles are packed first.
  let packsEntries: Bool
  /// Columns of the output with the same taps; packed positions are ordered by column span, so that
  /// the positions that a tap reads are contiguous.
  let columnSpans: [Range<Int>]
  /// Whether there are too few output channels for a panel, so that vectors run along the patch.
  let isThin: Bool
  let entryOffsets: [Int32]
  let positionOffsets: [Int32]
  /// The lines of a block in the padded image.
  let lines: [ck_line]
  /// Where each position's patch begins in the padded image.
  let gramOffsets: [Int32]
  /// The faster of the two Gram forms of the norm.
  let gramForm: NormForm
  /// The layout of the pixel form; nil if its matrices would be too large.
  let pixelGram: PixelGram?
  let blockRows: Int, blockExamples: Int
  private var partStorage: FloatStorage?

  /// Positions summed in registers before a tile is added to its target: more of them if the target
  /// does not fit in the L2 cache.
  private static func positionTarget(weightCount: Int) -> Int {
    weightCount > 128 * 1024 ? 512 : 256
  }
  /// Positions of a line that amortise the change to the next line.
  private static let lineTarget = 12

  init(_ geometry: ConvolutionGeometry, on machine: Machine) {
    let g = geometry
    self.geometry = g
    self.machine = machine
    let lanes = machine.kernels.table.pointee.lanes
    isThin =
      g.outputChannels <= Int(CK_MAX_THIN_FILTERS)
      && g.kernelWidth * g.inputChannels >= 2 * lanes
    pixelGram = PixelGram.fits(g) ? PixelGram(g) : nil
    let prefersPixels = pixelGram?.isPreferred(for: g, lanes: lanes) ?? false
    gramForm = prefersPixels ? .pixelGram : .patchGram
    isAligned = !isThin && g.inputChannels >= 16
    packsEntries = isAligned && (g.stride > 1 || g.outputWidth < Self.lineTarget)
    columnSpans =
      packsEntries
      ? TapSpan.spans(
        count: g.outputWidth, step: g.stride, start: -g.padding.left, tapCount: g.kernelWidth,
        extent: g.inputWidth
      ).map(\.places) : [0..<g.outputWidth]
    panels =
      FilterPanels(filterCount: g.outputChannels, patchLength: 0, kernels: machine.kernels).list
    tiles = isAligned ? Self.alignedTiles(g) : Self.tiles(of: 0..<g.patchLength) { ($0, 0, 0) }
    let columns = g.outputWidth
    let positionTarget = Self.positionTarget(weightCount: g.weightCount)
    let fittingRows = min(g.outputHeight, max(1, positionTarget / columns))
    let rowParts = (g.outputHeight + fittingRows - 1) / fittingRows
    blockRows = (g.outputHeight + rowParts - 1) / rowParts
    blockExamples =
      blockRows < g.outputHeight ? 1 : max(1, positionTarget / g.positionCount)
    let paddedWidth = g.inputWidth + g.padding.left + g.padding.right
    let paddedHeight = (blockRows - 1) * g.stride + g.kernelHeight
    let exampleStride =
      g.needsPadding ? paddedHeight * paddedWidth * g.inputChannels : g.input.count
    entryOffsets = (0..<g.patchLength).map { entry in
      let line = g.kernelWidth * g.inputChannels
      return Int32(entry / line * paddedWidth * g.inputChannels + entry % line)
    }
    var offsets: [Int32] = []
    for example in 0..<blockExamples {
      for row in 0..<blockRows {
        for column in 0..<columns {
          let pixel = row * g.stride * paddedWidth + column * g.stride
          offsets.append(Int32(example * exampleStride + pixel * g.inputChannels))
        }
      }
    }
    positionOffsets = offsets
    lines = stride(from: 0, to: offsets.count, by: columns).map {
      ck_line(source: offsets[$0], first: UInt32($0), count: UInt32(columns))
    }
    gramOffsets = (0..<g.positionCount).map { position in
      let pixel = position / columns * g.stride * paddedWidth + position % columns * g.stride
      return Int32(pixel * g.inputChannels)
    }
  }

  private static func alignedTiles(_ g: ConvolutionGeometry) -> [Tile] {
    (0..<g.kernelHeight * g.kernelWidth).flatMap { tap in
      let first = tap * g.inputChannels
      return tiles(of: first..<(first + g.inputChannels)) {
        (tap / g.kernelWidth, tap % g.kernelWidth, $0 - first)
      }
    }
  }

  private static func tiles(
    of entries: Range<Int>, _ place: (Int) -> (row: Int, column: Int, channel: Int)
  ) -> [Tile] {
    var tiles: [Tile] = []
    var entry = entries.lowerBound
    while entry < entries.upperBound {
      // A tile of two rows stalls on its own sums, so six and two rows take longer than four and four.
      let left = entries.upperBound - entry
      let width = left == 7 || left == 8 ? 4 : min(6, left)
      let at = place(entry)
      tiles.append(
        Tile(
          entry: entry, width: width, rows: (width + 1) / 2 * 2, tapRow: at.row,
          tapColumn: at.column, channel: at.channel))
      entry += width
    }
    return tiles
  }

  /// Adds Σᵢ wᵢ·gᵢ to `target`.
  func addSum(
    input: UnsafePointer<Float>, outputGradient: UnsafePointer<Float>,
    exampleWeights: UnsafePointer<Float>?, exampleCount: Int,
    into target: UnsafeMutablePointer<Float>
  ) {
    let parts = exampleParts(exampleCount)
    let weightCount = geometry.weightCount
    let sums = parts > 1 ? partSums(parts) : target
    let cut = unitCut(wanted: (machine.threads.wantedUnits + parts - 1) / parts)
    machine.threads.forEach(parts * cut.count) { index, worker in
      let (part, unit) = index.quotientAndRemainder(dividingBy: cut.count)
      let work = Work(
        input: input, outputGradient: outputGradient, exampleWeights: exampleWeights,
        target: sums + part * weightCount)
      sum(
        work, examples: (0..<exampleCount).part(part, of: parts), cut, unit: unit,
        scratch: machine.scratch(worker))
    }
    guard parts > 1 else { return }
    machine.kernels.table.pointee.f32_weighted_rows(
      sums, nil, parts, weightCount, weightCount, target, 1)
  }

  /// The largest number of weights for which partial sums over the batch cost less than reading the
  /// batch in every thread.
  private static let partedWeightCount = 64 * 1024
  private static let partPositions = 4096, largestPartCount = 8

  /// Parts of the batch that are summed separately: as many on every machine, because sums round.
  private func exampleParts(_ exampleCount: Int) -> Int {
    guard geometry.weightCount <= Self.partedWeightCount else { return 1 }
    let positions = exampleCount * geometry.positionCount
    return max(1, min(exampleCount, positions / Self.partPositions, Self.largestPartCount))
  }

  /// Zeroed memory for the partial sums.
  private func partSums(_ parts: Int) -> UnsafeMutablePointer<Float> {
    let count = parts * geometry.weightCount
    if let storage = partStorage, storage.count >= count {
      storage.base.update(repeating: 0, count: count)
      return storage.base
    }
    let storage = FloatStorage(count: count)
    partStorage = storage
    return storage.base
  }

  /// How the gradient's tiles and panels are distributed.
  private struct UnitCut {
    let pieces: [ThinPiece]
    let channelParts: Int, tileParts: Int
    var count: Int { pieces.isEmpty ? channelParts * tileParts : pieces.count }
  }

  private func unitCut(wanted: Int) -> UnitCut {
    if isThin {
      let pieces = thinPieces(maximumLength: max(64, geometry.patchLength / wanted))
      return UnitCut(pieces: pieces, channelParts: 0, tileParts: 0)
    }
    // Split along the side whose repeated packing costs less; entries read in place cost nothing.
    let readsInPlace = isAligned && !packsEntries
    let channelsFirst = readsInPlace || geometry.patchLength < geometry.outputChannels
    let alongChannels =
      channelsFirst ? min(wanted, panels.count) : (wanted + tiles.count - 1) / tiles.count
    let channelParts = max(1, min(panels.count, alongChannels))
    return UnitCut(
      pieces: [], channelParts: channelParts,
      tileParts: min(tiles.count, (wanted + channelParts - 1) / channelParts))
  }

  private func sum(
    _ work: Work, examples: Range<Int>, _ cut: UnitCut, unit: Int, scratch: Scratch
  ) {
    if isThin {
      return sumThin(work, examples: examples, pieces: cut.pieces[unit...unit], scratch: scratch)
    }
    let (tile, channel) = unit.quotientAndRemainder(dividingBy: cut.channelParts)
    sum(
      work, examples: examples, tiles: tiles[tiles.indices.part(tile, of: cut.tileParts)],
      panels: panels[panels.indices.part(channel, of: cut.channelParts)], scratch: scratch)
  }

  /// Writes the gradient of one example.
  func writeExample(
    _ example: Int, input: UnsafePointer<Float>, outputGradient: UnsafePointer<Float>,
    into target: UnsafeMutablePointer<Float>, scratch: Scratch, scratchOffset: Int = 0
  ) {
    target.update(repeating: 0, count: geometry.weightCount)
    let work = Work(
      input: input, outputGradient: outputGradient, exampleWeights: nil, target: target)
    let examples = example..<(example + 1)
    if isThin {
      sumThin(
        work, examples: examples, pieces: thinPieces(maximumLength: geometry.patchLength)[...],
        scratch: scratch, scratchOffset: scratchOffset)
    } else {
      sum(
        work, examples: examples, tiles: tiles[...], panels: panels[...], scratch: scratch,
        scratchOffset: scratchOffset)
    }
  }

  /// The blocks of positions of some examples, in the order of summation.
  func blocks(_ examples: Range<Int>) -> [Block] {
    let g = geometry
    if blockExamples > 1 || blockRows == g.outputHeight {
      return stride(from: examples.lowerBound, to: examples.upperBound, by: blockExamples).map {
        Block(
          examples: $0..<min($0 + blockExamples, examples.upperBound), rows: 0..<g.outputHeight)
      }
    }
    return examples.flatMap { example in
      stride(from: 0, to: g.outputHeight, by: blockRows).map {
        Block(examples: example..<(example + 1), rows: $0..<min($0 + blockRows, g.outputHeight))
      }
    }
  }
}
