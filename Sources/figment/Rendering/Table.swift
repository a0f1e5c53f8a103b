import Control

/// A table of text with a header line.
struct Table {
  private var rows: [[String]]
  private let numbers: Set<Int>
  private let droppable: [Int]

  /// The minimum width of the last column.
  private static let leastLastColumn = 12

  /// Creates a table with a header.
  ///
  /// - Parameters:
  ///   - numbers: the columns to align to the right.
  ///   - droppable: the columns that may be dropped on a narrow terminal, in this order.
  init(_ titles: [String], numbers: Set<Int> = [], droppable: [Int] = []) {
    rows = [titles]
    self.numbers = numbers
    self.droppable = droppable
  }

  /// Adds a row.
  mutating func add(_ cells: [String]) {
    precondition(cells.count == rows[0].count, "a row has a cell for every title")
    rows.append(cells)
  }

  /// The lines of the table, without trailing spaces.
  var lines: [String] { lines(width: nil) }

  /// The lines of the table within `width` columns, as far as possible; nil for any width.
  ///
  /// Droppable columns are dropped first. Then the last column, if it contains text, is wrapped.
  func lines(width: Int?) -> [String] {
    var columns = Array(rows[0].indices)
    let widths = columns.map { column in rows.map { $0[column].count }.max() ?? 0 }
    func total() -> Int { columns.reduce(0) { $0 + widths[$1] } + 2 * (columns.count - 1) }
    guard let width else { return rows.map { line(of: $0, columns, widths) } }
    for column in droppable where total() > width { columns.removeAll { $0 == column } }
    guard total() > width, let last = columns.last, !numbers.contains(last) else {
      return rows.map { line(of: $0, columns, widths) }
    }
    let start = total() - widths[last]
    let room = max(Self.leastLastColumn, width - start)
    return rows.flatMap { row in
      Terminal.lines(row[last], width: room).enumerated().map { number, part in
        var cells = number == 0 ? row : row.map { _ in "" }
        cells[last] = part
        return line(of: cells, columns, widths)
      }
    }
  }

  private func line(of row: [String], _ columns: [Int], _ widths: [Int]) -> String {
    let cells = columns.map { column in
      let space = String(repeating: " ", count: max(0, widths[column] - row[column].count))
      return numbers.contains(column) ? space + row[column] : row[column] + space
    }
    let line = cells.joined(separator: "  ")
    return String(line.reversed().drop { $0 == " " }.reversed())
  }
}
