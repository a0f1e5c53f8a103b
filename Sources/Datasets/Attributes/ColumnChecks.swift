extension ColumnDomain {
  /// Names that mean a path, in lower case; a column with such a name would name units, not describe them.
  private static let pathNames: Set<String> = [
    "file_name", "file_names", "filename", "file", "file_path", "filepath", "path", "paths",
  ]

  /// Keys that a release's `metadata.jsonl` has of its own.
  private static let ownKeys: Set<String> = ["label", "teacher_label", "teacher_probabilities"]

  /// Checks declared columns: their number, names and domains.
  ///
  /// - Throws: `DatasetError.invalidDeclaration`, which names the column, what was found and what was expected.
  public static func check(_ columns: [ColumnDomain]) throws(DatasetError) {
    guard columns.count <= maximumColumnCount else {
      throw .invalidDeclaration(
        finding: "\(columns.count) columns (at most \(maximumColumnCount) expected)")
    }
    var names: Set<String> = []
    for column in columns {
      if let problem = column.problem {
        throw .invalidDeclaration(finding: "column '\(column.shownName)': \(problem)")
      }
      guard names.insert(column.name).inserted else {
        throw .invalidDeclaration(
          finding: "column '\(column.shownName)' is declared twice (distinct names expected)")
      }
    }
  }

  /// Checks the name of the column of persons, which ledgers and statements show.
  ///
  /// - Throws: `DatasetError.invalidDeclaration` with what was found and what was expected.
  public static func check(personColumn name: String) throws(DatasetError) {
    guard let problem = problem(withText: name) else { return }
    throw .invalidDeclaration(finding: "the column of persons: its name \(problem)")
  }

  /// The start of the name, with control characters escaped.
  private var shownName: String {
    name.unicodeScalars.prefix(60).map { $0.escaped(asASCII: false) }.joined()
  }

  /// What is wrong with this declaration; nil if nothing is.
  private var problem: String? {
    if let problem = Self.problem(withText: name) { return "its name \(problem)" }
    let lower = name.lowercased()
    if Self.pathNames.contains(lower) || lower.hasSuffix("_file_name")
      || name.utf8.contains(where: { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "\\") })
    {
      return "its name is that of a path, which identifies a unit (a property of the unit expected)"
    }
    if Self.ownKeys.contains(lower) {
      return "its name is that of a key which releases have of their own (another name expected)"
    }
    // Any whole number may come from a model file; one code more could overflow.
    guard (1...Self.maximumCodeCount).contains(valueCount), codeCount <= Self.maximumCodeCount
    else {
      return "\(valueCount) categories or bins\(allowsMissing ? " and missing" : "") "
        + "(at least one value, and at most \(Self.maximumCodeCount) codes with missing, expected)"
    }
    switch values {
    case .categories(let categories): return Self.problem(with: categories)
    case .numbers(let minimum, let maximum, let bins, let areIntegers):
      return areIntegers
        ? Self.problem(withWholeNumbersFrom: minimum, to: maximum, bins)
        : Self.problem(withNumbersFrom: minimum, to: maximum, bins)
    }
  }

  private static func problem(with categories: [String]) -> String? {
    var seen: Set<String> = []
    for category in categories {
      if let problem = problem(withText: category) { return "a category \(problem)" }
      guard seen.insert(category).inserted else {
        return "a category is listed twice (distinct categories expected)"
      }
    }
    return nil
  }

  /// What is wrong with a name or category, as the end of a sentence; nil if nothing is.
  private static func problem(withText text: String) -> String? {
    if text.isEmpty { return "is empty (a text expected)" }
    if text.utf8.count > 1_000 { return "is longer than 1,000 bytes (a shorter text expected)" }
    let isControl = { (letter: Unicode.Scalar) in
      switch letter.properties.generalCategory {
      case .control, .lineSeparator, .paragraphSeparator: true
      // Overrides of the direction of writing can make a text look like another one.
      case .format:
        (0x202A...0x202E).contains(letter.value) || (0x2066...0x2069).contains(letter.value)
      default: false
      }
    }
    if text.unicodeScalars.contains(where: isControl) {
      return "contains a control character (plain text expected)"
    }
    // Values are compared without the space around them, so no value could equal this one.
    if FieldText.trimmed(Array(text.utf8)[...]).count != text.utf8.count {
      return "begins or ends with a space (text without them expected)"
    }
    return nil
  }

  private static func problem(
    withNumbersFrom minimum: Double, to maximum: Double, _ bins: Int
  ) -> String? {
    guard minimum.isFinite, maximum.isFinite, (maximum - minimum).isFinite, minimum < maximum else {
      return "a range of \(minimum) to \(maximum) (two finite numbers, the first one smaller, "
        + "expected)"
    }
    // Otherwise neighbouring edges would round to the same number.
    let width = (maximum - minimum) / Double(bins)
    guard width >= 1_024 * max(minimum.magnitude.ulp, maximum.magnitude.ulp) else {
      return "\(bins) bins of \(minimum) to \(maximum) are narrower than the precision of numbers "
        + "of this size (fewer bins expected)"
    }
    return nil
  }

  /// The largest whole number up to which a Double represents every whole number.
  private static let largestWhole = 0x1p53

  private static func problem(
    withWholeNumbersFrom minimum: Double, to maximum: Double, _ bins: Int
  ) -> String? {
    let limits = -largestWhole...largestWhole
    guard limits.contains(minimum), limits.contains(maximum), minimum < maximum,
      minimum.rounded() == minimum, maximum.rounded() == maximum
    else {
      return "whole numbers from \(minimum) to \(maximum) (two whole numbers of at most 2^53, the "
        + "first one smaller, expected)"
    }
    guard Double(bins) <= maximum - minimum + 1 else {
      return "\(bins) bins for the whole numbers from \(minimum) to \(maximum) (at most one bin "
        + "per number expected)"
    }
    return nil
  }
}
