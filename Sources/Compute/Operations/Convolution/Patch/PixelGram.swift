import CKernels

/// The Gram matrix of a convolution's patches, computed from dot products of single pixels.
///
/// Patches overlap: xₚ·xᵩ is the sum over taps of the dot products of two pixels, and the same pair
/// occurs under several taps. With stride s, only pixels whose rows and columns have the same
/// residues modulo s occur together, so every residue has its own Gram matrix.
struct PixelGram {
  /// The pixels of a residue: the offset of each in an image, and its place in the grid.
  struct Residue {
    let offsets: [Int32], places: [Int32]
  }

  let residues: [Residue]
  /// Places of the grid: rows and columns of each matrix.
  ///
  /// A residue's pixels and the positions lie in the same grid, so that a tap moves both indices by
  /// the same number from a position to its pixel. The grid extends into the padding, which is
  /// zero.
  let gridCount: Int
  /// Offsets from a pair of positions in their matrix to a tap's pair of pixels in the residues' matrices.
  let tapOffsets: [Int32]
  /// The positions' places, and the offset of each position's output gradient in an example.
  let positions: [Int32], gradientOffsets: [Int32]

  init(_ g: ConvolutionGeometry) {
    let columns = Self.gridColumns(g)
    let gridCount = Self.gridCount(g)
    self.gridCount = gridCount
    let residueRows = min(g.stride, g.kernelHeight)
    let residueColumns = min(g.stride, g.kernelWidth)
    residues = (0..<residueRows * residueColumns).map { residue in
      var offsets: [Int32] = []
      var places: [Int32] = []
      for place in 0..<gridCount {
        let row = residue / residueColumns + place / columns * g.stride - g.padding.top
        let column = residue % residueColumns + place % columns * g.stride - g.padding.left
        guard (0..<g.inputHeight).contains(row), (0..<g.inputWidth).contains(column) else {
          continue
        }
        offsets.append(Int32((row * g.inputWidth + column) * g.inputChannels))
        places.append(Int32(place))
      }
      return Residue(offsets: offsets, places: places)
    }
    tapOffsets = (0..<g.kernelHeight * g.kernelWidth).map { tap in
      let (row, column) = (tap / g.kernelWidth, tap % g.kernelWidth)
      let residue = row % g.stride * residueColumns + column % g.stride
      let shift = row / g.stride * columns + column / g.stride
      return Int32(residue * gridCount * gridCount + shift * gridCount + shift)
    }
    positions = (0..<g.positionCount).map {
      Int32($0 / g.outputWidth * columns + $0 % g.outputWidth)
    }
    gradientOffsets = (0..<g.positionCount).map { Int32($0 * g.outputChannels) }
  }

  /// Floats of the matrices: one for the output gradients, then one per residue.
  var floatCount: Int { (1 + residues.count) * gridCount * gridCount }

  /// Σₚᵩ (xₚ·xᵩ)(gₚ·gᵩ) of one example.
  func squaredNorm(
    image: UnsafePointer<Float>, outputGradient: UnsafePointer<Float>, _ g: ConvolutionGeometry,
    table: ck_kernels, scratch: Scratch
  ) -> Double {
    let gradients = scratch.floats(floatCount)
    gradients.update(repeating: 0, count: floatCount)
    let pixels = gradients + gridCount * gridCount
    multiplyRows(
      outputGradient, gradientOffsets, length: g.outputChannels, places: positions,
      into: gradients, table)
    for (index, residue) in residues.enumerated() {
      multiplyRows(
        image, residue.offsets, length: g.inputChannels, places: residue.places,
        into: pixels + index * gridCount * gridCount, table)
    }
    return positions.withUnsafeBufferPointer { positions in
      tapOffsets.withUnsafeBufferPointer { taps in
        var task = ck_gram_sum()
        task.pixels = UnsafePointer(pixels)
        task.gradients = UnsafePointer(gradients)
        task.stride = gridCount
        task.positions = positions.baseAddress
        task.position_count = positions.count
        task.taps = taps.baseAddress
        task.tap_count = taps.count
        return table.f32_gram_sum(&task)
      }
    }
  }

  private func multiplyRows(
    _ source: UnsafePointer<Float>, _ offsets: [Int32], length: Int, places: [Int32],
    into target: UnsafeMutablePointer<Float>, _ table: ck_kernels
  ) {
    offsets.withUnsafeBufferPointer { offsets in
      places.withUnsafeBufferPointer { places in
        var task = ck_gram_rows()
        task.source = source
        task.source_offsets = offsets.baseAddress
        task.row_count = offsets.count
        task.row_length = length
        task.target = target
        task.places = places.baseAddress
        task.target_stride = gridCount
        table.f32_gram_rows(&task)
      }
    }
  }
}

// The conditions for using the form.
extension PixelGram {
  /// The largest number of matrix floats that fit in the L2 cache.
  private static let largestMatrices = 128 * 1024
  /// The time to sum the lanes of a product, in vectors of multiply-adds.
  private static let sumWait = 4

  private static func gridColumns(_ g: ConvolutionGeometry) -> Int {
    g.outputWidth + (g.kernelWidth - 1) / g.stride
  }

  private static func gridCount(_ g: ConvolutionGeometry) -> Int {
    gridColumns(g) * (g.outputHeight + (g.kernelHeight - 1) / g.stride)
  }

  private static func residueCount(_ g: ConvolutionGeometry) -> Int {
    min(g.stride, g.kernelHeight) * min(g.stride, g.kernelWidth)
  }

  /// Whether the matrices fit in the L2 cache.
  static func fits(_ g: ConvolutionGeometry) -> Bool {
    let grid = gridCount(g)
    return grid <= largestMatrices && (1 + residueCount(g)) * grid * grid <= largestMatrices
  }

  /// Whether the form takes less time than products of whole patches, estimated in multiply-adds
  /// from the row products that the two forms do not share and from the cost of the matrices.
  func isPreferred(for g: ConvolutionGeometry, lanes: Int) -> Bool {
    func products(rows: Int, length: Int) -> Int {
      rows * (rows + 1) / 2 * ((length + lanes - 1) / lanes + Self.sumWait) * lanes
    }
    let pixels = residues.reduce(0) {
      $0 + products(rows: $1.offsets.count, length: g.inputChannels)
    }
    let matrices = (tapOffsets.count * positions.count / 2 + 1 + residues.count) * gridCount
    return pixels + matrices < products(rows: positions.count, length: g.patchLength)
  }
}
