/// A table of numbers over some columns of codes: one cell for each combination of their codes.
struct CodeTable: Equatable {
  /// The columns, as indices in ascending order.
  let columns: [Int]
  /// The number of codes of each column.
  let extents: [Int]
  /// The cells; the last column varies fastest.
  var values: [Double]

  /// A table that holds `values`.
  init(_ columns: [Int], extents: [Int], values: [Double]) {
    precondition(values.count == extents.reduce(1, *), "a value for each cell")
    self.columns = columns
    self.extents = extents
    self.values = values
  }

  /// The sum of all cells.
  var sum: Double { values.reduce(0, +) }

  /// The table over some of the columns, summed over the others.
  ///
  /// - Parameter part: columns of this table, in ascending order.
  func marginal(over part: [Int]) -> CodeTable {
    if part == columns { return self }
    let places = Self.cells(of: part, in: columns, extents: extents)
    var result = [Double](repeating: 0, count: size(of: part))
    for index in values.indices { result[Int(places[index])] += values[index] }
    return CodeTable(part, extents: part.map(extent), values: result)
  }

  /// The products of the cells of this table and of another one, over the columns of both.
  func product(with other: CodeTable) -> CodeTable {
    let all = Set(columns).union(other.columns).sorted()
    let sizes = all.map { columns.contains($0) ? extent(of: $0) : other.extent(of: $0) }
    let own = Self.cells(of: columns, in: all, extents: sizes)
    let others = Self.cells(of: other.columns, in: all, extents: sizes)
    return CodeTable(
      all, extents: sizes,
      values: own.indices.map { values[Int(own[$0])] * other.values[Int(others[$0])] })
  }

  /// The cells of this table divided by those of a table over some of its columns; nothing divided by nothing is 0.
  func quotient(by part: CodeTable) -> CodeTable {
    let places = Self.cells(of: part.columns, in: columns, extents: extents)
    var result = self
    for index in values.indices {
      let divisor = part.values[Int(places[index])]
      result.values[index] = divisor > 0 ? values[index] / divisor : 0
    }
    return result
  }

  private func extent(of column: Int) -> Int {
    guard let place = columns.firstIndex(of: column) else {
      preconditionFailure("column \(column) is not in a table over \(columns)")
    }
    return extents[place]
  }

  private func size(of part: [Int]) -> Int { part.reduce(1) { $0 * extent(of: $1) } }

  /// For each cell of a table over `columns`, the cell of the table over `part` of them to which it belongs.
  static func cells(of part: [Int], in columns: [Int], extents: [Int]) -> [Int32] {
    var strides = [Int](repeating: 0, count: columns.count)
    var size = 1
    for place in columns.indices.reversed() where part.contains(columns[place]) {
      strides[place] = size
      size *= extents[place]
    }
    var cells: [Int32] = [0]
    for place in columns.indices {
      var longer: [Int32] = []
      longer.reserveCapacity(cells.count * extents[place])
      for cell in cells {
        for code in 0..<extents[place] { longer.append(cell + Int32(code * strides[place])) }
      }
      cells = longer
    }
    return cells
  }
}
