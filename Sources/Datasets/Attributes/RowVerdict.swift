/// Why a row of a table is not used.
///
/// A bad row is counted with its reason; it is never fatal and affects no other row.
public enum RowVerdict: String, Hashable, Sendable, Codable, CaseIterable {
  /// It is longer than the limit.
  case tooLong
  /// It contains a byte of value 0.
  case zeroByte
  /// It is not valid UTF-8.
  case invalidText
  /// A quote is not closed, or closed only by a quote that belongs to a later row.
  case unclosedQuote
  /// A quote is inside a field, or text follows a closing quote.
  case misplacedQuote
  /// It has another number of fields than the header.
  case wrongFieldCount
  /// It is not one object in JSON.
  case invalidJSON
  /// It has a field twice.
  case repeatedField
  /// It names no file.
  case noFileName
  /// It names a file that is not in the folder, or is not a candidate for an image.
  case noSuchFile
  /// Another row names the same file; none of them is used.
  case repeatedFile
  /// It names no person, who is the unit of privacy, or by more than 1,000 bytes.
  case noPerson
  /// A column that allows no missing value has none of its domain.
  case missingValue
  /// Its person has more rows than the limit allows.
  case beyondUnitLimit
}

extension RowVerdict: CustomStringConvertible {
  /// The finding, and what to do.
  public var description: String {
    switch self {
    case .tooLong: "longer than 1 MiB. Shorten it; look for a quote that is not closed."
    case .zeroByte: "contains a zero byte. Write the table as text in UTF-8."
    case .invalidText: "not valid UTF-8. Write the table in UTF-8."
    case .unclosedQuote: "a quote is not closed. Close it, and double quotes inside a text."
    case .misplacedQuote:
      "a quote inside a field, or text after a closing quote. Put the whole field into quotes, and double "
        + "quotes inside it."
    case .wrongFieldCount: "another number of fields than the header. Quote fields with a comma."
    case .invalidJSON: "not one object in JSON. Write one object per line."
    case .repeatedField: "has a field twice, so its value is unknown. Keep one of them."
    case .noFileName: "names no file. Add its path below the root as `file_name`."
    case .noSuchFile:
      "names a file that is not there. Write its path relative to the root, as `class/name.png`."
    case .repeatedFile: "another row names the same file, so neither is used. Keep one of them."
    case .noPerson:
      "names no person, who is the unit of privacy (1 to 1,000 bytes expected). Fill in the column of persons."
    case .missingValue:
      "has no value of the declared domain in a column that allows none to be missing. Correct the value or the domain, "
        + "or declare that it may be missing."
    case .beyondUnitLimit:
      "more rows of a person than the declared limit (max_per_unit). A hash of the values decides which of them are used."
    }
  }
}

/// What became of the rows of the tables of a root.
///
/// Private: computed from the rows, never part of a release, and for the owner of the folder only.
public struct TableSummary: Hashable, Sendable, Codable {
  /// A place in a table.
  public struct Place: Hashable, Sendable, Codable {
    /// The table.
    public let table: RelativePath
    /// The line on which the row begins, from 1.
    public let line: Int
  }

  /// The unused rows of one kind.
  public struct Fault: Hashable, Sendable, Codable {
    /// The reason.
    public let reason: RowVerdict
    /// How many rows.
    public internal(set) var count: Int
    /// The first of them, at most `shownPlaces`; without any for limits of persons, which no line breaks.
    public internal(set) var places: [Place]
  }

  /// The number of places that a summary names for each reason.
  public static let shownPlaces = 5

  /// The tables that were read.
  public internal(set) var tables: [RelativePath] = []
  /// All rows, without headers and blank lines.
  public internal(set) var rows = 0
  /// The rows whose values are used.
  public internal(set) var used = 0
  /// The units of privacy of the used rows, in tables without images: rows, or persons.
  public internal(set) var unitCount = 0
  /// The rows that are not used, in the order of `RowVerdict`.
  public internal(set) var faults: [Fault] = []
  /// For each declared column, the used rows whose value is empty or outside the domain.
  public internal(set) var missingValues: [Int] = []
  /// For each declared column, the rows with a text that is outside the domain, whether or not they are used.
  public internal(set) var outsideValues: [Int] = []
  /// For each declared column, the first rows of those, at most `shownPlaces`.
  public internal(set) var outsidePlaces: [[Place]] = []
  /// Images for which no row is used; 0 for tables without images.
  public internal(set) var filesWithoutRow = 0

  /// Counts `count` rows at `place` as unused.
  mutating func add(_ reason: RowVerdict, at place: Place? = nil, count: Int = 1) {
    let index = faults.firstIndex { $0.reason == reason } ?? faults.count
    if index == faults.count { faults.append(Fault(reason: reason, count: 0, places: [])) }
    faults[index].count += count
    if let place, faults[index].places.count < Self.shownPlaces {
      faults[index].places.append(place)
    }
  }

  /// Puts the reasons in the order of `RowVerdict`.
  mutating func sortFaults() {
    let order = Dictionary(
      uniqueKeysWithValues: RowVerdict.allCases.enumerated().map { ($1, $0) })
    faults.sort { order[$0.reason, default: 0] < order[$1.reason, default: 0] }
  }

  /// Counts a text of a column if it is outside the domain; `code` is what it counts as.
  mutating func countOutside(
    _ text: [UInt8], of column: Int, coded code: UInt8?, _ encoders: [ColumnEncoder],
    at place: Place? = nil
  ) {
    guard code == encoders[column].missing, encoders[column].isOutside(text) else { return }
    if outsideValues.isEmpty {
      outsideValues = [Int](repeating: 0, count: encoders.count)
      outsidePlaces = [[Place]](repeating: [], count: encoders.count)
    }
    outsideValues[column] += 1
    if let place, outsidePlaces[column].count < Self.shownPlaces {
      outsidePlaces[column].append(place)
    }
  }

  /// What is missing in the used rows, and what lies outside the domains in all rows, with numbers; nil if nothing.
  public func missingText(_ columns: [ColumnDomain]) -> String? {
    func list(_ what: String, _ counts: [Int], _ places: [[Place]] = []) -> String? {
      let found = counts.indices.filter { counts[$0] > 0 }.map { column in
        let own = places.indices.contains(column) ? places[column] : []
        let rows = counts[column] == 1 ? "1 row" : "\(counts[column]) rows"
        return "\(columns[column].name) in \(rows)" + Self.words(for: own, of: counts[column])
      }
      return found.isEmpty ? nil : "\(what): " + found.joined(separator: ", ")
    }
    let wrong = zip(columns, outsideValues).filter { 2 * $1 > rows }.map(\.0.name)
    let absent =
      used == 0
      ? []
      : zip(columns, missingValues).filter { $1 == used }.map(\.0.name).filter {
        !wrong.contains($0)
      }
    let lines = [
      list("missing in used rows", missingValues),
      list("values outside the declared domain", outsideValues, outsidePlaces),
      absent.isEmpty
        ? nil
        : "Warning: no used row has a value of \(absent.joined(separator: ", ")) within its domain. Compare the declaration "
          + "with the table.",
      wrong.isEmpty
        ? nil
        : "Warning: most values of \(wrong.joined(separator: ", ")) lie outside the declared domain and count as "
          + "missing. Compare the declaration with the table: spelling, range, 'integers'.",
    ].compactMap { $0 }
    return lines.isEmpty ? nil : lines.joined(separator: "\n")
  }

  /// The places of some of `count` rows in parentheses; empty without any.
  fileprivate static func words(for places: [Place], of count: Int) -> String {
    guard !places.isEmpty else { return "" }
    let list = places.map { "\($0.table), line \($0.line)" }.joined(separator: "; ")
    return " (\(list)\(count > places.count ? "; …" : ""))"
  }

  /// The number of rows with this verdict.
  public func count(of reason: RowVerdict) -> Int {
    faults.first { $0.reason == reason }?.count ?? 0
  }
}

extension TableSummary: CustomStringConvertible {
  /// For example "998 of 1000 rows used", and a line for each reason.
  public var description: String {
    var lines = ["\(used) of \(rows) \(rows == 1 ? "row" : "rows") used"]
    for fault in faults {
      lines.append(
        "\(fault.count) \(fault.count == 1 ? "row" : "rows"): \(fault.reason)"
          + Self.words(for: fault.places, of: fault.count))
    }
    if filesWithoutRow > 0 {
      lines.append(
        "\(filesWithoutRow) \(filesWithoutRow == 1 ? "image" : "images") without a usable row")
    }
    return lines.joined(separator: "\n")
  }
}
