import Compute
public import Datasets

/// A table of columns with a public domain, one code per value, in memory.
public struct CodedTable: Sendable {
  /// The columns; a code is a category, a bin, or the last code for a missing value.
  public let domains: [ColumnDomain]
  /// rowCount × columns: the codes, row by row.
  public let codes: [UInt8]
  /// The number of rows.
  public let rowCount: Int

  /// Creates a table.
  ///
  /// - Throws: `EvaluationError.badTable` if there is no column, if the codes are not `rowCount` rows, or if a code lies
  ///   outside its column's domain. The message names the column, never the value.
  public init(domains: [ColumnDomain], codes: [UInt8], rowCount: Int) throws {
    guard !domains.isEmpty else {
      throw EvaluationError.badTable(found: "no column", expected: "at least one column")
    }
    guard rowCount >= 0, codes.count == rowCount * domains.count else {
      throw EvaluationError.badTable(
        found: "\(codes.count) codes",
        expected: "\(rowCount) rows of \(domains.count) codes")
    }
    for (column, domain) in domains.enumerated() {
      guard (1...ColumnDomain.maximumCodeCount).contains(domain.codeCount) else {
        throw EvaluationError.badTable(
          found: "column \(domain.name) with \(domain.codeCount) codes",
          expected: "1 to \(ColumnDomain.maximumCodeCount) codes")
      }
      let places = stride(from: column, to: codes.count, by: domains.count)
      guard places.allSatisfy({ Int(codes[$0]) < domain.codeCount }) else {
        throw EvaluationError.badTable(
          found: "a code outside the domain of column \(domain.name)",
          expected: "codes below \(domain.codeCount)")
      }
    }
    self.domains = domains
    self.codes = codes
    self.rowCount = rowCount
  }

  /// A table of rows that are known to be valid.
  private init(known domains: [ColumnDomain], _ codes: [UInt8]) {
    self.domains = domains
    self.codes = codes
    rowCount = codes.count / domains.count
  }

  /// The number of columns.
  public var columnCount: Int { domains.count }

  /// The codes of one row.
  public subscript(row: Int) -> ArraySlice<UInt8> {
    codes[(row * columnCount)..<((row + 1) * columnCount)]
  }

  /// The codes of one column, row by row.
  func column(_ column: Int) -> [UInt8] {
    (0..<rowCount).map { codes[$0 * columnCount + column] }
  }

  /// The codes column by column, for loops over rows.
  var columns: [[UInt8]] { domains.indices.map(column) }

  /// The rows at `places`, in that order.
  func rows(at places: some Sequence<Int>) -> CodedTable {
    CodedTable(known: domains, places.flatMap { self[$0] })
  }

  /// At most `limit` different rows, drawn at random and kept in their order; all rows if there are no more.
  func sample(_ limit: Int, seed: UInt64) -> CodedTable {
    limit >= rowCount ? self : rows(at: shuffledPlaces(seed: seed).prefix(limit).sorted())
  }

  /// Two parts without a common row: `first` random rows, and the others.
  func split(first: Int, seed: UInt64) -> (CodedTable, CodedTable) {
    let places = shuffledPlaces(seed: seed)
    return (rows(at: places.prefix(first)), rows(at: places.dropFirst(first)))
  }

  private func shuffledPlaces(seed: UInt64) -> [Int] {
    var stream = SeededStream(seed: seed)
    return (0..<rowCount).shuffled(using: &stream)
  }
}

extension ColumnDomain {
  /// The centre of each bin, in the column's unit; nil for categories.
  ///
  /// A missing value has none.
  var binCentres: [Double]? {
    guard hasNumbers else { return nil }
    return (0..<valueCount).map { bin in
      let ends = ends(of: bin)
      return (ends.first + ends.last) / 2
    }
  }

  /// The smallest and the largest number of a bin; the end of a bin of real numbers is the start of the next.
  private func ends(of bin: Int) -> (first: Double, last: Double) {
    guard case .numbers(_, _, _, let areIntegers) = values else {
      preconditionFailure("column \(name) has no bins")
    }
    let edges = binEdges
    return (edges[bin], edges[bin + 1] - (areIntegers ? 1 : 0))
  }

  /// What a code stands for, for readers.
  func label(of code: Int) -> String {
    if code == missingCode { return "missing" }
    switch values {
    case .categories(let names): return names[code]
    case .numbers:
      let ends = ends(of: code)
      let first = Figures.text(ends.first)
      return ends.first == ends.last ? first : "\(first) to \(Figures.text(ends.last))"
    }
  }

  /// The declared domain in words.
  var words: String {
    let missing = allowsMissing ? "; may be missing" : ""
    switch values {
    case .categories(let names):
      return "\(names.count) \(names.count == 1 ? "category" : "categories")" + missing
    case .numbers(let minimum, let maximum, let bins, let areIntegers):
      return "\(areIntegers ? "whole numbers" : "numbers") from \(Figures.text(minimum)) to "
        + "\(Figures.text(maximum)) in \(bins) bin\(bins == 1 ? "" : "s")" + missing
    }
  }
}
