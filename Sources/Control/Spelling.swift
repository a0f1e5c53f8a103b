/// Finds the word that was probably meant.
public enum Spelling {
  /// The nearest of the known words, or the only one that begins with `word`; nil when none is near enough to be a
  /// misspelling or an abbreviation.
  ///
  /// A misspelling changes at most a third of the word's letters, with a limit from one to three, and keeps
  /// at least one letter.
  public static func nearest(to word: String, among known: some Sequence<String>) -> String? {
    let limit = min(word.count - 1, max(1, min(3, word.count / 3)))
    let distances = known.map { (word: $0, distance: distance(from: word, to: $0)) }
    if let near = distances.filter({ $0.distance <= limit }).min(by: { $0.distance < $1.distance })
    {
      return near.word
    }
    let longer = known.filter { word.count > 1 && $0.hasPrefix(word) }
    return longer.count == 1 ? longer[0] : nil
  }

  /// Letters to insert, delete, replace or swap with their neighbour: the optimal string alignment
  /// distance.
  static func distance(from first: String, to second: String) -> Int {
    let a = Array(first)
    let b = Array(second)
    guard !a.isEmpty, !b.isEmpty else { return max(a.count, b.count) }
    var beforeLast = [Int](repeating: 0, count: b.count + 1)
    var last = Array(0...b.count)
    for i in 1...a.count {
      var row = [i] + [Int](repeating: 0, count: b.count)
      for j in 1...b.count {
        let replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)
        row[j] = min(last[j] + 1, row[j - 1] + 1, replaced)
        if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] {
          row[j] = min(row[j], beforeLast[j - 2] + 1)
        }
      }
      (beforeLast, last) = (last, row)
    }
    return last[b.count]
  }
}
