/// The two axes of a phase combined: which sums of pixels and sums of taps are multiplied, and where.
///
/// The products of the plane are the products of the two axes: entries multiply out, and so do the
/// terms of sums.
struct WinogradLayout {
  /// A product of each axis.
  struct Place {
    let row: Int, column: Int
  }

  /// Products whose entries use the same sums of taps and thus share filters.
  struct Group {
    /// The sum of taps of each entry, in ascending order.
    let blocks: [Int]
    let places: [Place]
  }

  /// Sums of taps; terms refer to taps of a patch.
  let blocks: [[WinogradAxis.Term]]
  let groups: [Group]
  private let axes: WinogradAxes
  private let phase: ProductPhase
  private let source: ImageExtent, target: ImageExtent
  /// The block for a pair of sums, one per axis.
  private let blockNumbers: [Int: Int]

  init(_ axes: WinogradAxes, _ phase: ProductPhase, source: ImageExtent, target: ImageExtent) {
    self.axes = axes
    self.phase = phase
    self.source = source
    self.target = target
    let (rows, columns) = (axes.rows, axes.columns)
    let columnSums = columns.tapSums.count
    // In the order of the groups, so that the filters of a group are contiguous.
    var numbers: [Int: Int] = [:]
    groups = rows.kinds.indices.flatMap { rowKind in
      columns.kinds.indices.map { columnKind in
        let sums = rows.kinds[rowKind].flatMap { row in
          columns.kinds[columnKind].map { row * columnSums + $0 }
        }
        for sum in sums where numbers[sum] == nil { numbers[sum] = numbers.count }
        let places = rows.products.indices.filter { rows.products[$0].kind == rowKind }
          .flatMap { row in
            columns.products.indices.filter { columns.products[$0].kind == columnKind }
              .map { Place(row: row, column: $0) }
          }
        return Group(blocks: sums.compactMap { numbers[$0] }.sorted(), places: places)
      }
    }
    blockNumbers = numbers
    blocks = numbers.sorted { $0.value < $1.value }.map { sum, _ in
      Self.product(rows.tapSums[sum / columnSums], columns.tapSums[sum % columnSums]) {
        $0 * phase.tapColumns + $1
      }
    }
  }

  /// The sums of source pixels for the entries of a place, in the order of its group's blocks.
  func sources(of place: Place, in group: Group) -> [[WinogradAxis.Term]] {
    let columnSums = axes.columns.tapSums.count
    var sources = [[WinogradAxis.Term]](repeating: [], count: group.blocks.count)
    for row in axes.rows.products[place.row].entries {
      for column in axes.columns.products[place.column].entries {
        let block = blockNumbers[row.taps * columnSums + column.taps]
        guard let entry = group.blocks.firstIndex(where: { $0 == block }) else {
          preconditionFailure("an entry of another group")
        }
        sources[entry] = Self.product(row.source, column.source) { $0 * source.width + $1 }
      }
    }
    return sources
  }

  /// The target pixels that a place is added to.
  func targets(of place: Place) -> [WinogradAxis.Term] {
    Self.product(
      axes.rows.products[place.row].targets, axes.columns.products[place.column].targets,
      targetPixel)
  }

  /// The products that add up to a pixel of the phase's grid, as indices in a row of places whose
  /// first has the index `firstRow`.
  func products(row: Int, column: Int, firstRow: Int) -> [WinogradAxis.Term] {
    Self.product(axes.rows.targets[row], axes.columns.targets[column]) {
      ($0 - firstRow) * axes.columns.products.count + $1
    }
  }

  /// The number of a target pixel of the phase's grid.
  func targetPixel(row: Int, column: Int) -> Int {
    (phase.targetRow + row * phase.targetStep) * target.width + phase.targetColumn
      + column * phase.targetStep
  }

  /// The terms of the product of two sums.
  private static func product(
    _ rows: [WinogradAxis.Term], _ columns: [WinogradAxis.Term], _ index: (Int, Int) -> Int
  ) -> [WinogradAxis.Term] {
    rows.flatMap { row in
      columns.map { WinogradAxis.Term(index(row.index, $0.index), row.factor * $0.factor) }
    }
  }
}
