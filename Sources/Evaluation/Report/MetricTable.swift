/// Metrics as a table: one row each, with reference values for comparison.
struct MetricTable {
  private let metrics: [Metric]
  /// The names of all baselines, in the order of their first use.
  private let baselines: [String]

  init(_ metrics: [Metric]) {
    self.metrics = metrics
    var names: [String] = []
    for name in metrics.flatMap(\.baselines).map(\.name) where !names.contains(name) {
      names.append(name)
    }
    baselines = names
  }

  private var counted: String { (metrics.first?.counted ?? .images).rawValue }

  /// The table element.
  var markup: String {
    let ceiling = metrics.contains { $0.ceiling != nil }
    var head = ["Measure", "Value (95 % interval)"]
    if ceiling { head.append("Best possible") }
    head += baselines
    head.append(counted)
    let cells = head.map { "<th scope=\"col\">\(HTMLText.escaped($0))</th>" }.joined()
    let rows = metrics.map { row(of: $0, showsCeiling: ceiling) }.joined(separator: "\n")
    return "<div class=\"scroll\"><table class=\"metrics\"><thead><tr>\(cells)</tr></thead>"
      + "<tbody>\(rows)</tbody></table></div>"
  }

  private func row(of metric: Metric, showsCeiling: Bool) -> String {
    let scale = "\(metric.range), \(Self.words(for: metric.direction))"
    var row =
      "<tr><th scope=\"row\">\(HTMLText.escaped(metric.name))<span class=\"meaning\">"
      + "\(HTMLText.escaped(metric.meaning)) (\(HTMLText.escaped(scale)))</span></th>"
    var value = "<span class=\"value\">\(metric.value.map(Figures.text) ?? "–")</span>"
    if let interval = metric.interval {
      value +=
        "<span class=\"interval\">\(Figures.text(interval.low)) to \(Figures.text(interval.high))"
        + "<br>\(HTMLText.escaped(interval.method))</span>"
    }
    row += cell("Value", value)
    if showsCeiling {
      row += cell(
        "Best possible",
        metric.ceiling.map {
          "<span class=\"best\">\(Figures.text($0.value))</span><span class=\"interval\">"
            + "\(HTMLText.escaped($0.name))</span>"
        })
    }
    for name in baselines {
      let baseline = metric.baselines.first { $0.name == name }
      row += cell(name, baseline.map { Figures.text($0.value) })
    }
    return row + cell(counted, metric.count.map(Figures.count)) + "</tr>"
  }

  private func cell(_ label: String, _ content: String?) -> String {
    let label = HTMLText.escaped(label)
    guard let content else { return "<td class=\"none\" data-label=\"\(label)\"></td>" }
    return "<td data-label=\"\(label)\"><span>\(content)</span></td>"
  }

  private static func words(for direction: Metric.Direction) -> String {
    switch direction {
    case .higher: "higher is better"
    case .lower: "lower is better"
    case .target: "nearest to the best possible is best"
    }
  }
}
