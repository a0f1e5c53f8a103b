/// What a network draws an image for: its class, and the values of columns beside it.
///
/// Both travel as one label: class + classes · (code₀ + codes₀ · (code₁ + …)). Images without a class have the label
/// after the last one.
struct Conditions: Hashable, Sendable {
  /// The number of classes; one without classes.
  let classCount: Int
  /// The number of codes of each column that images depend on.
  let columnCodeCounts: [Int]

  /// Conditions of `classCount` classes, and of columns with these numbers of codes.
  init(classCount: Int, columnCodeCounts: [Int] = []) {
    precondition(classCount > 0 && columnCodeCounts.allSatisfy { $0 > 0 }, "at least one of each")
    self.classCount = classCount
    self.columnCodeCounts = columnCodeCounts
  }

  /// The number of combinations.
  var labelCount: Int { columnCodeCounts.reduce(classCount, *) }

  /// The number of codes of all columns: rows of a table of their biases.
  var columnRowCount: Int { columnCodeCounts.reduce(0, +) }

  /// The class of a label; `classCount` for images without a class.
  func classRow(of label: Int) -> Int {
    label == labelCount ? classCount : label % classCount
  }

  /// Calls `body` with the row and the number of each column of a label; with none for images without a class.
  func forEachColumnRow(of label: Int, _ body: (_ row: Int, _ column: Int) -> Void) {
    guard label < labelCount else { return }
    var rest = label / classCount
    var first = 0
    for (column, count) in columnCodeCounts.enumerated() {
      body(first + rest % count, column)
      rest /= count
      first += count
    }
  }
}

extension Conditions {
  /// The label of a class and codes, one for each column.
  func label(ofClass label: Int, codes: some Sequence<UInt8>) -> Int {
    var factor = classCount
    var joint = label
    for (code, count) in zip(codes, columnCodeCounts) {
      precondition(Int(code) < count, "code \(code) of a column with \(count)")
      joint += factor * Int(code)
      factor *= count
    }
    return joint
  }
}
