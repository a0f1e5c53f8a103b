/// What a run would read of the tables of a dataset.
///
/// It counts real rows: for people who may see the folder, never for release.
public struct RowsReport: Codable, Hashable, Sendable {
  /// Rows that are not used, for one reason.
  public struct Unused: Codable, Hashable, Sendable {
    /// The code of the reason.
    public var reason: String
    /// How many rows.
    public var count: Int

    /// Counts rows.
    public init(reason: String, count: Int) {
      self.reason = reason
      self.count = count
    }
  }

  /// The dataset.
  public var dataset: String
  /// The tables that were read, as paths below the root.
  public var tables: [String]
  /// All rows, without headers and blank lines.
  public var rows: Int
  /// The rows whose values are used.
  public var used: Int
  /// The rows that are not used.
  public var unused: [Unused]
  /// Images for which no row is used; 0 for tables without images.
  public var imagesWithoutRow: Int
  /// The findings in words: each reason with its first lines, values that are missing or outside their domain, and
  /// warnings.
  public var lines: [String]

  /// Describes the rows of a dataset.
  public init(
    dataset: String, tables: [String], rows: Int, used: Int, unused: [Unused],
    imagesWithoutRow: Int, lines: [String]
  ) {
    self.dataset = dataset
    self.tables = tables
    self.rows = rows
    self.used = used
    self.unused = unused
    self.imagesWithoutRow = imagesWithoutRow
    self.lines = lines
  }
}
