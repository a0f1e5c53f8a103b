internal import Compute

/// Writes rows of codes as text: a table of CSV (RFC 4180) or of JSON lines.
///
/// Equal codes, columns and seeds give equal bytes.
///
/// In CSV, a text that a spreadsheet program would run as a formula gets a `FormulaMark` and quotes around it. Numbers
/// are never changed, so that -3 stays a number, and JSON lines need no such mark. A missing value is empty; alone in
/// its row it is two quotes, because an empty line would be no row.
public struct TableWriter: Sendable {
  /// The form of a table.
  public enum Format: String, Hashable, Sendable, Codable, CaseIterable {
    /// Comma-separated values with a header, lines ended by CR and LF.
    case csv
    /// One JSON object per line.
    case jsonLines = "jsonl"
  }

  /// The columns, in their order.
  public let columns: [ColumnDomain]
  /// The form of the table.
  public let format: Format
  private var stream: SeededStream

  /// Creates a writer of rows with one code per column; numbers within their bins are drawn from `seed`.
  public init(columns: [ColumnDomain], format: Format, seed: UInt64) {
    precondition(!columns.isEmpty, "a table has at least one column")
    self.columns = columns
    self.format = format
    stream = SeededStream(seed: seed)
  }

  /// The first line of the table in UTF-8; empty for JSON lines.
  public var header: [UInt8] {
    guard format == .csv else { return [] }
    return Array((columns.map { Self.field($0.name) }.joined(separator: ",") + "\r\n").utf8)
  }

  /// The lines of some rows in UTF-8.
  ///
  /// - Parameter codes: rows × columns codes, row by row.
  public mutating func lines(_ codes: some Collection<UInt8>) -> [UInt8] {
    precondition(codes.count.isMultiple(of: columns.count), "one code per column")
    var text = ""
    var column = 0
    for code in codes {
      let domain = columns[column]
      let value = domain.text(of: Int(code), using: &stream)
      let isMissing = Int(code) == domain.missingCode ?? -1
      switch format {
      case .csv:
        if column > 0 { text += "," }
        text +=
          columns.count == 1 && value.isEmpty
          ? "\"\"" : domain.hasNumbers ? value : Self.field(value)
      case .jsonLines:
        text += (column == 0 ? "{" : ",") + Self.quoted(domain.name) + ":"
        text += isMissing ? "null" : domain.hasNumbers ? value : Self.quoted(value)
      }
      column += 1
      guard column == columns.count else { continue }
      column = 0
      text += format == .csv ? "\r\n" : "}\n"
    }
    return Array(text.utf8)
  }

  /// A text as a field of CSV.
  static func field(_ text: String) -> String {
    let isFormula = FormulaMark.isNeeded(by: text.utf8)
    let needsQuotes =
      isFormula || text.unicodeScalars.contains { ",\"\r\n".unicodeScalars.contains($0) }
    guard needsQuotes else { return text }
    var field = isFormula ? "\"'" : "\""
    for scalar in text.unicodeScalars {
      field.unicodeScalars.append(scalar)
      if scalar == "\"" { field += "\"" }
    }
    return field + "\""
  }

  /// A text as a string of JSON (RFC 8259).
  static func quoted(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": quoted += "\\\""
      case "\\": quoted += "\\\\"
      case "\n": quoted += "\\n"
      case "\r": quoted += "\\r"
      case "\t": quoted += "\\t"
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }
}
