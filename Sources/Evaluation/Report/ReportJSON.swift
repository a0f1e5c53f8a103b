public import FoundationEssentials

extension ReportDocument: Encodable {
  private enum Key: String, CodingKey {
    case format, zone, notice, title, subtitle, verdict, metrics, sections, withheld
  }

  private struct Withheld: Encodable {
    let name: String
    let reason: String
  }

  /// Writes the content of the page; pictures are represented by their captions and sizes.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode("figment-report-1", forKey: .format)
    try container.encode(Zone.name, forKey: .zone)
    try container.encode(Zone.notice(about: subject), forKey: .notice)
    try container.encode(title, forKey: .title)
    try container.encode(subtitle, forKey: .subtitle)
    try container.encode(verdict, forKey: .verdict)
    let metrics = sections.flatMap { $0.blocks.flatMap(\.metrics) }
    try container.encode(
      Dictionary(metrics.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first }),
      forKey: .metrics)
    try container.encode(sections, forKey: .sections)
    try container.encode(
      withheld.map { Withheld(name: $0.name, reason: $0.reason) }, forKey: .withheld)
  }

  /// The content of report.json, with sorted keys, so that two reports can be compared line by line.
  public func json() throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return try encoder.encode(self) + Data("\n".utf8)
  }
}

extension ReportDocument.Section: Encodable {
  private enum Key: String, CodingKey {
    case key, title, introduction, blocks
  }

  /// Writes the heading and the blocks.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(key, forKey: .key)
    try container.encode(title, forKey: .title)
    try container.encode(introduction, forKey: .introduction)
    try container.encode(blocks, forKey: .blocks)
  }
}

extension ReportBlock: Encodable {
  private enum Key: String, CodingKey {
    case kind, text, severity, metrics, table, caption, width, height, chart, name, reason, blocks
  }

  /// The metrics in this block and below it.
  var metrics: [Metric] {
    switch self {
    case .metrics(let metrics): metrics
    case .group(let blocks): blocks.flatMap(\.metrics)
    default: []
    }
  }

  /// Writes the block with its kind.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    func put(_ kind: String, _ text: String? = nil) throws {
      try container.encode(kind, forKey: .kind)
      try container.encodeIfPresent(text, forKey: .text)
    }
    switch self {
    case .heading(let text): try put("heading", text)
    case .text(let text): try put("text", text)
    case .code(let text): try put("code", text)
    case .notice(let severity, let text):
      try put("notice", text)
      try container.encode(severity, forKey: .severity)
    case .metrics(let metrics):
      try put("metrics")
      // The numbers are in the document's "metrics", by key.
      try container.encode(metrics.map(\.key), forKey: .metrics)
    case .table(let table):
      try put("table")
      try container.encode(table, forKey: .table)
    case .sheet(let sheet):
      try put("picture", sheet.alternative)
      try container.encode(sheet.caption, forKey: .caption)
      try container.encode(sheet.width, forKey: .width)
      try container.encode(sheet.height, forKey: .height)
    case .chart(let chart):
      try put("chart")
      try container.encode(chart, forKey: .chart)
    case .withheld(let name, let reason):
      try put("withheld")
      try container.encode(name, forKey: .name)
      try container.encode(reason, forKey: .reason)
    case .group(let blocks):
      try put("group")
      try container.encode(blocks, forKey: .blocks)
    }
  }
}
