/// Numbers of images by class, as commands take them: `cat=100,dog=20`.
public enum ClassCounts {
  /// The most images that are drawn at once: the manifest of a set lists every one.
  public static let largestTotal = 1_000_000

  /// Reads a list of classes and numbers.
  ///
  /// - Throws: `ControlError.invalid` if it is no such list, names a class twice, or requests fewer
  ///   than one or more than `largestTotal` images.
  public static func read(_ text: String) throws(ControlError) -> [String: Int] {
    var counts: [String: Int] = [:]
    for item in text.split(separator: ",", omittingEmptySubsequences: false) {
      guard let sign = item.lastIndex(of: "="), sign != item.startIndex,
        let count = Int(item[item.index(after: sign)...])
      else {
        throw .invalid(
          "class counts '\(text)': '\(item)' is no class and number (cat=100,dog=20 for instance "
            + "expected).")
      }
      let name = String(item[..<sign])
      guard counts.updateValue(count, forKey: name) == nil else {
        throw .invalid("class counts '\(text)': class '\(name)' is named twice. Drop one.")
      }
    }
    try validate(counts, called: "class counts '\(text)'")
    return counts
  }

  /// Refuses numbers that no job can draw; `name` is their name in the message.
  static func validate(_ counts: [String: Int], called name: String) throws(ControlError) {
    for (label, count) in counts.sorted(by: { $0.key < $1.key }) where count < 0 {
      throw .invalid("\(name): \(count) of class '\(label)' (0 or more expected).")
    }
    // Numbers this large need no exact sum.
    let total = counts.values.reduce(0) { min($0, largestTotal) + min($1, largestTotal) }
    guard (1...largestTotal).contains(total) else {
      throw .invalid(
        "\(name): \(total == 0 ? "none" : "too many") in all (1 to \(largestTotal) images expected)."
      )
    }
  }

  /// The numbers in the order of `classes`; none for a class without one.
  ///
  /// - Throws: `ControlError.notFound` for a class that is not among them.
  public static func inOrder(
    of classes: [String], _ counts: [String: Int]
  ) throws(ControlError) -> [Int] {
    for name in counts.keys.sorted() where !classes.contains(name) {
      throw .unknown("class", name, among: classes)
    }
    return classes.map { counts[$0] ?? 0 }
  }
}
