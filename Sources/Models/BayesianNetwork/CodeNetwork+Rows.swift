import Compute

extension CodeNetwork {
  /// Draws rows, one code for each column after another.
  ///
  /// The columns are drawn in topological order. Rows whose parents have the same codes share out the codes of a
  /// column in proportion to their probabilities: how often a code occurs among them differs from what is expected
  /// by less than one row, and which rows get it is left to chance. So each row follows the distribution of the
  /// network, and the tables of all rows lie nearer to it than those of independent rows would (systematic sampling).
  /// The rows depend only on the seed, on their number and on `first`.
  ///
  /// - Parameters:
  ///   - count: the number of rows.
  ///   - first: the code of column 0 in each row; nil to draw it too. It needs a network whose first node is column 0.
  func rows(_ count: Int, seed: UInt64, first: [Int]? = nil) -> [UInt8] {
    precondition(
      first.map { $0.count == count && nodes.first?.column == 0 } ?? true,
      "column 0 is not the root, or has not a code for each row")
    let width = codeCounts.count
    var rows = [UInt8](repeating: 0, count: count * width)
    var stream = SeededStream(seed: seed)
    for node in nodes {
      if let first, node.column == 0 {
        for (row, code) in first.enumerated() { rows[row * width] = UInt8(code) }
        continue
      }
      let places = (0..<count).map { place(of: node, in: rows[($0 * width)..<(($0 + 1) * width)]) }
      // Rows in random order, those with the same parents one after another.
      var order = Array(0..<count)
      order.shuffle(using: &stream)
      let groups = Self.grouped(order, by: places, size: node.probabilities.count)
      for group in groups {
        let start = places[group[group.startIndex]]
        let shares = node.probabilities[start..<(start + codeCounts[node.column])]
        let offset = stream.uniform()
        Self.share(out: shares, among: group.count, offset: offset) { place, code in
          rows[group[group.startIndex + place] * width + node.column] = UInt8(code)
        }
      }
    }
    return rows
  }

  /// The rows that have the same place, for each place that occurs, in ascending order.
  private static func grouped(_ rows: [Int], by places: [Int], size: Int) -> [ArraySlice<Int>] {
    var ends = [Int](repeating: 0, count: size + 1)
    for row in rows { ends[places[row] + 1] += 1 }
    for place in 0..<size { ends[place + 1] += ends[place] }
    let starts = ends
    var sorted = [Int](repeating: 0, count: rows.count)
    for row in rows {
      sorted[ends[places[row]]] = row
      ends[places[row]] += 1
    }
    return (0..<size).compactMap { place in
      let range = starts[place]..<starts[place + 1]
      return range.isEmpty ? nil : sorted[range]
    }
  }

  /// Gives each of `count` places a code: code k those between the sums of probabilities below it and up to it, times
  /// `count`, moved by an offset in [0, 1) that is left to chance.
  private static func share(
    out probabilities: ArraySlice<Float>, among count: Int, offset: Double,
    _ give: (_ place: Int, _ code: Int) -> Void
  ) {
    let whole = probabilities.reduce(0) { $0 + Double($1) }
    var (sum, place) = (0.0, 0)
    var likeliest = 0
    for (code, probability) in probabilities.enumerated() {
      if probability > probabilities[probabilities.startIndex + likeliest] { likeliest = code }
      sum += Double(probability)
      let end = min(count, Int((sum / whole * Double(count) + offset).rounded(.down)))
      while place < end {
        give(place, code)
        place += 1
      }
    }
    // Rounding of the sum may leave one place.
    while place < count {
      give(place, likeliest)
      place += 1
    }
  }
}
