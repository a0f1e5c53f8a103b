/// A report as plain text for a terminal: the verdict, the remarks and every number.
public struct ReportText<Zone: ReportZone> {
  private let document: ReportDocument<Zone>

  /// Prepares the text of `document`.
  public init(_ document: ReportDocument<Zone>) {
    self.document = document
  }

  /// The lines.
  public var text: String {
    var lines = [
      document.title, document.subtitle, "",
    ]
    for part in [document.verdict.privacy, document.verdict.quality] {
      lines.append("\(part.severity.rawValue.uppercased()): \(part.headline)")
      lines += part.reasons.map { "  - \($0)" }
    }
    for section in document.sections {
      let content = section.blocks.flatMap(lines(of:))
      if !content.isEmpty { lines += ["", section.title] + content }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private func lines(of block: ReportBlock) -> [String] {
    switch block {
    case .heading(let text): [" " + text]
    case .notice(let severity, let text): ["  [\(severity.rawValue)] \(text)"]
    case .metrics(let metrics): metrics.map(line(of:))
    case .group(let blocks): blocks.flatMap(lines(of:))
    case .withheld(let name, _): ["  \(name): withheld"]
    case .text, .table, .sheet, .chart, .code: []
    }
  }

  private func line(of metric: Metric) -> String {
    var line = "  " + padded(metric.name, 38) + padded(metric.value.map(Figures.text) ?? "–", 10)
    if let interval = metric.interval {
      line += padded("\(Figures.text(interval.low)) to \(Figures.text(interval.high))", 22)
    } else {
      line += padded("", 22)
    }
    let references = ([metric.ceiling].compactMap { $0 } + metric.baselines)
      .map { "\($0.name) \(Figures.text($0.value))" }
    return line + references.joined(separator: ", ")
  }

  private func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(1, width - text.count))
  }
}
