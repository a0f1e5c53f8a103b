/// A piece of a report, the same for the page and for its twin in JSON.
public enum ReportBlock: Sendable {
  /// A heading within a section.
  case heading(String)
  /// A paragraph.
  case text(String)
  /// A remark that must not be overlooked.
  case notice(Severity, String)
  /// Numbers with all that is needed to judge them.
  case metrics([Metric])
  /// Rows and columns of text; the first column names the row.
  case table(ReportTable)
  /// A picture.
  case sheet(ImageSheet)
  /// Curves over a common axis.
  case chart(Chart)
  /// Commands and file contents, verbatim.
  case code(String)
  /// Something that this version of the report does not show, and why.
  case withheld(name: String, reason: String)
  /// Several blocks.
  case group([ReportBlock])

  /// How much a remark weighs.
  public enum Severity: String, Sendable, Codable {
    /// Good news.
    case passed
    /// To be read before the images are used.
    case warning
    /// The images should not be used or shared as they are.
    case failed
    /// Neither good nor bad.
    case note
  }
}

/// One number of a report with its scale: without a scale, readers could not distinguish good from
/// bad.
public struct Metric: Sendable, Encodable {
  /// Which way is better.
  public enum Direction: String, Sendable, Encodable {
    /// More is better.
    case higher
    /// Less is better.
    case lower
    /// The nearer to the target the better.
    case target
  }

  /// The stable name in JSON, for example "frechet.scattering".
  public let key: String
  /// The name for readers.
  public let name: String
  /// One sentence: the quantity that it measures.
  public let meaning: String
  /// The number; nil where it cannot be computed.
  public let value: Double?
  /// The value's possible range, for example "0 to 1".
  public let range: String
  /// Which way is better.
  public let direction: Direction
  /// The interval of the true value.
  public var interval: Interval?
  /// The images that it was computed from.
  public var count: Int?
  /// The value of the best conceivable synthetic set: real images against other real images.
  public var ceiling: NamedValue?
  /// The values of poor sets, for example blurred real images.
  public var baselines: [NamedValue]

  /// Creates a metric.
  public init(
    key: String, name: String, meaning: String, value: Double?, range: String,
    direction: Direction, interval: Interval? = nil, count: Int? = nil,
    ceiling: NamedValue? = nil, baselines: [NamedValue] = []
  ) {
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
  /// The heads of the columns.
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
    /// Places on the horizontal axis, rising.
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
