/// Columns of text under a line of titles.
struct Table {
  private var rows: [[String]]
  private let numbers: Set<Int>

  /// Starts a table.
  ///
  /// - Parameter numbers: columns that are aligned to the right.
  init(_ titles: [String], numbers: Set<Int> = []) {
    rows = [titles]
    self.numbers = numbers
  }

  /// Adds a row.
  mutating func add(_ cells: [String]) {
    precondition(cells.count == rows[0].count, "a row has a cell for every title")
    rows.append(cells)
  }

  /// The lines of the table, without spaces at their ends.
  var lines: [String] {
    let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
      let cells = row.indices.map { column in
        let space = String(repeating: " ", count: widths[column] - row[column].count)
        return numbers.contains(column) ? space + row[column] : row[column] + space
      }
      let line = cells.joined(separator: "  ")
      return String(line.reversed().drop { $0 == " " }.reversed())
    }
  }
}
