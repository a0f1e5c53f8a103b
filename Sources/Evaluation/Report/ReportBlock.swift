/// A piece of a report, shared by the HTML page and the JSON file.
public enum ReportBlock: Sendable {
  /// A heading within a section.
  case heading(String)
  /// A paragraph.
  case text(String)
  /// A prominent remark.
  case notice(Severity, String)
  /// Numbers with their references.
  case metrics([Metric])
  /// Rows and columns of text; the first column is the row's name.
  case table(ReportTable)
  /// A picture.
  case sheet(ImageSheet)
  /// Curves over a common axis.
  case chart(Chart)
  /// Commands and file contents, verbatim.
  case code(String)
  /// Content that this version of the report omits, and the reason.
  case withheld(name: String, reason: String)
  /// Several blocks.
  case group([ReportBlock])

  /// The severity of a remark.
  public enum Severity: String, Sendable, Codable {
    /// A good result.
    case passed
    /// Read it before using the images.
    case warning
    /// Do not use or share the images as they are.
    case failed
    /// Neither good nor bad.
    case note
  }
}

/// One number of a report with its scale, without which readers could not distinguish good from bad.
public struct Metric: Sendable, Encodable {
  /// What a number was computed from.
  public enum Counted: String, Sendable {
    /// Images.
    case images = "Images"
    /// Rows of a table.
    case rows = "Rows"
  }

  /// Which values are better.
  public enum Direction: String, Sendable, Encodable {
    /// Higher is better.
    case higher
    /// Lower is better.
    case lower
    /// Closer to the target is better.
    case target
  }

  /// The stable name in JSON, for example "frechet.scattering".
  public let key: String
  /// The name for readers.
  public let name: String
  /// One sentence: the quantity that it measures.
  public let meaning: String
  /// The number; nil if it cannot be computed.
  public let value: Double?
  /// The value's possible range, for example "0 to 1".
  public let range: String
  /// Which values are better.
  public let direction: Direction
  /// The interval of the true value.
  public var interval: Interval?
  /// The number of images behind it.
  public var count: Int?
  /// What `count` counts.
  public var counted: Counted = .images
  /// The value of the best conceivable synthetic set: real images against other real images.
  public var ceiling: NamedValue?
  /// The values of poor sets, for example blurred real images.
  public var baselines: [NamedValue]

  /// Creates a metric.
  public init(
    key: String, name: String, meaning: String, value: Double?, range: String,
    direction: Direction, interval: Interval? = nil, count: Int? = nil,
    ceiling: NamedValue? = nil, baselines: [NamedValue] = [], counted: Counted = .images
  ) {
    self.counted = counted
    self.key = key
    self.name = name
    self.meaning = meaning
    self.value = value
    self.range = range
    self.direction = direction
    self.interval = interval
    self.count = count
    self.ceiling = ceiling
    self.baselines = baselines
  }

  /// What is written; keys of tables begin with `table_`, so `counted` is not.
  private enum CodingKeys: String, CodingKey {
    case key, name, meaning, value, range, direction, interval, count, ceiling, baselines
  }
}

/// A number with a name.
public struct NamedValue: Sendable, Hashable, Codable {
  /// The description of its contents.
  public let name: String
  /// The number.
  public let value: Double

  /// Creates a pair.
  public init(_ name: String, _ value: Double) {
    self.name = name
    self.value = value
  }
}

/// A table of text.
public struct ReportTable: Sendable, Codable {
  /// The description of its contents.
  public let caption: String
  /// The column headers.
  public let columns: [String]
  /// The rows, each as long as `columns`.
  public let rows: [[String]]

  /// Creates a table.
  public init(caption: String, columns: [String], rows: [[String]]) {
    precondition(rows.allSatisfy { $0.count == columns.count }, "a row of another length")
    self.caption = caption
    self.columns = columns
    self.rows = rows
  }
}

/// Curves over one axis.
public struct Chart: Sendable, Codable {
  /// One curve.
  public struct Series: Sendable, Codable {
    /// The text of the legend.
    public let name: String
    /// Ascending positions on the horizontal axis.
    public let x: [Double]
    /// The values there.
    public let y: [Double]

    /// Creates a curve.
    public init(name: String, x: [Double], y: [Double]) {
      precondition(x.count == y.count, "a curve of \(x.count) places and \(y.count) values")
      self.name = name
      self.x = x
      self.y = y
    }
  }

  /// The description of its contents.
  public let caption: String
  /// The quantities of the axes.
  public let horizontal: String, vertical: String
  /// The curves.
  public let series: [Series]
  /// Whether both axes are logarithmic, as for receiver operating curves at small rates.
  public let isLogarithmic: Bool

  /// Creates a chart.
  public init(
    caption: String, horizontal: String, vertical: String, series: [Series],
    isLogarithmic: Bool = false
  ) {
    self.caption = caption
    self.horizontal = horizontal
    self.vertical = vertical
    self.series = series
    self.isLogarithmic = isLogarithmic
  }
}
