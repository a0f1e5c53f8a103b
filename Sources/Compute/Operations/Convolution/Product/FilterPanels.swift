import CKernels

/// How filters are cut into panels of a few vectors.
///
/// A panel is laid out patch entry × width, so that a kernel reads it as one stream. Filters too
/// few to fill a vector are stored filter by filter instead, and kernels run along the patch
/// (thin).
struct FilterPanels {
  typealias Product = @convention(c) (UnsafePointer<ck_patch_product>?) -> Void
  typealias Line = @convention(c) (UnsafePointer<ck_line_product>?) -> Void

  struct Panel {
    let firstFilter: Int, filterCount: Int, width: Int, vectors: Int
    let product: Product
    /// Weight gradient tiles of 2, 4 and 6 rows.
    ///
    /// A tuple, because copying an array would update reference counts.
    let lines: (Line, Line, Line)

    /// The kernel for weight gradient tiles of an even number of rows.
    func line(rows: Int) -> Line {
      switch rows {
      case 2: lines.0
      case 4: lines.1
      default: lines.2
      }
    }
  }

  let list: [Panel]
  let areThin: Bool
  /// Patch entries of a panel that fit in the L2 cache: a kernel reads them as one stream, which
  /// costs less than entering and leaving register tiles to stay within the L1 cache.
  let blockEntries: Int
  private let lanes: Int, filterCount: Int
  /// Patches that a thin kernel processes at once.
  private var thinRows: Int { filterCount == 1 ? 8 : 4 }
  private let paddedFilterCount: Int

  /// Floats of a panel's block.
  private static let blockTarget = 64 * 1024

  init(filterCount: Int, patchLength: Int, kernels: Kernels) {
    let table = kernels.table.pointee
    let lanes = table.lanes
    areThin = filterCount <= Int(CK_MAX_THIN_FILTERS) && patchLength >= 4 * lanes
    let products = [
      table.f32_patch_product.0, table.f32_patch_product.1, table.f32_patch_product.2,
      table.f32_patch_product.3,
    ].compactMap { $0 }
    let lines = [table.f32_line_product.0, table.f32_line_product.1, table.f32_line_product.2]
      .map { [$0.0, $0.1, $0.2, $0.3].compactMap { $0 } }
    var list: [Panel] = []
    var first = 0
    while first < filterCount {
      let vectors = min(table.panel_vectors, (filterCount - first + lanes - 1) / lanes)
      let count = min(filterCount - first, vectors * lanes)
      list.append(
        Panel(
          firstFilter: first, filterCount: count, width: vectors * lanes, vectors: vectors,
          product: products[vectors - 1],
          lines: (
            lines[0][vectors - 1], lines[1][vectors - 1], lines[2][vectors - 1]
          )))
      first += count
    }
    self.list = list
    self.lanes = lanes
    self.filterCount = filterCount
    paddedFilterCount = list.reduce(0) { $0 + $1.width }
    blockEntries = Self.blockTarget / (table.panel_vectors * lanes)
  }

  var count: Int { areThin ? 1 : list.count }

  /// The filters of some of the `count` panels.
  func filters(of range: Range<Int>) -> Range<Int> {
    guard !areThin, let first = list[range].first, let last = list[range].last else {
      return 0..<filterCount
    }
    return first.firstFilter..<(last.firstFilter + last.filterCount)
  }

  /// Floats of the packed filters of a patch of `entryCount` entries.
  func floatCount(entryCount: Int) -> Int {
    entryCount * paddedFilterCount
  }

  /// The time for some patches, in multiply-adds, including partly filled tiles and the overhead of
  /// beginning and ending tiles and of changing runs.
  func cost(patchCount: Int, runCount: Int, runLength: Int, readsCopy: Bool) -> Double {
    guard patchCount > 0, runCount > 0, runLength > 0 else { return 0 }
    if areThin {
      // Unused rows are computed too, and vectors run along the patch.
      let tiles = (patchCount + thinRows - 1) / thinRows
      let length = (runLength + lanes - 1) / lanes * lanes
      return Double(tiles * thinRows * runCount * length * filterCount)
    }
    // Like the kernel: six at a time, the rest by four and two.
    let sixes = patchCount > 8 ? (patchCount - 3) / 6 : 0
    let left = patchCount - 6 * sixes
    let rest = left == 5 ? 6 : left > 6 ? 8 : left > 2 ? 4 : left > 0 ? 3 : 0
    let tiles = sixes + (left > 6 ? 2 : left > 0 ? 1 : 0)
    let entries = (6 * sixes + rest) * runCount * runLength
    let wait = Self.tileWait + (readsCopy ? 0 : Self.imageWait) + runCount * Self.runWait
    return Double((entries + tiles * wait) * paddedFilterCount)
  }

  /// The time to begin and end a tile, or a run, in entries of one patch.
  private static let tileWait = 60, runWait = 12
  /// The time to load the first pixels of a tile, which are not in the cache if there is no copy.
  private static let imageWait = 30
}
