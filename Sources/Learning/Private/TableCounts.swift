import Compute

/// Tables of the rows of private examples in whole steps: each unit counts the same number of steps in every table,
/// divided among its rows.
///
/// A unit of n rows that counts s steps adds ⌊s(i+1)/n⌋ − ⌊s·i/n⌋ for its row i: whole numbers whose sum is exactly s.
/// So adding or removing the unit changes a table by exactly s steps, whatever the rows are.
struct TableCounts {
  let marginals: [Marginal]
  /// The steps of one unit in each table.
  let unitSteps: Int

  /// Rows whose codes are in memory together.
  private static let block = 1 << 13

  /// The cells of each table.
  func cells(of examples: any ExampleSource) -> [[Int]] {
    precondition(
      examples.keepsUnitsTogether,
      "rows of one unit must be adjacent: otherwise each would count as a whole unit")
    var tables = marginals.map { [Int](repeating: 0, count: $0.cellCount) }
    let weights = weights(of: examples)
    for start in stride(from: 0, to: examples.count, by: Self.block) {
      let range = start..<min(start + Self.block, examples.count)
      let codes = examples.codes(in: range)
      precondition(
        !codes.isEmpty && codes.count % range.count == 0, "the examples have no columns")
      let width = codes.count / range.count
      for (index, marginal) in marginals.enumerated() {
        add(marginal, codes, width, weights[range], to: &tables[index])
      }
    }
    return tables
  }

  /// The steps of each row.
  private func weights(of examples: any ExampleSource) -> [Int32] {
    guard examples.units != nil else {
      return [Int32](repeating: Int32(unitSteps), count: examples.count)
    }
    var weights = [Int32](repeating: 0, count: examples.count)
    for rows in examples.microBatches(of: 1) {
      for (index, row) in rows.enumerated() {
        weights[row] = Int32(
          unitSteps * (index + 1) / rows.count - unitSteps * index / rows.count)
      }
    }
    return weights
  }

  private func add(
    _ marginal: Marginal, _ codes: [UInt8], _ width: Int, _ weights: ArraySlice<Int32>,
    to table: inout [Int]
  ) {
    precondition(marginal.columns.allSatisfy { $0 < width }, "a table over unknown columns")
    let columns = marginal.columns
    let counts = marginal.codeCounts
    codes.withUnsafeBufferPointer { codes in
      weights.withUnsafeBufferPointer { weights in
        table.withUnsafeMutableBufferPointer { table in
          for row in weights.indices {
            var cell = 0
            for index in columns.indices {
              // The last code is that of a missing value. A code beyond it is damage, which must not be a crash that
              // tells about one row.
              let code = min(Int(codes[row * width + columns[index]]), counts[index] - 1)
              cell = cell * counts[index] + code
            }
            table[cell] += Int(weights[row])
          }
        }
      }
    }
  }
}
