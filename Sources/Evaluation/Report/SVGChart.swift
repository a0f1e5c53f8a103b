import Glibc

/// Draws a chart as SVG: axes, ticks and curves; the page's style sheet sets the colours.
struct SVGChart {
  private let chart: Chart
  private let horizontal: Axis
  private let vertical: Axis

  private static let width = 720.0
  private static let height = 316.0
  private static let left = 88.0
  private static let right = 16.0
  private static let top = 14.0
  private static let bottom = 58.0

  /// Prepares the axes of `chart`.
  init(_ chart: Chart) {
    self.chart = chart
    horizontal = Axis(
      chart.series.flatMap(\.x), isLogarithmic: chart.isLogarithmic,
      start: Self.left, end: Self.width - Self.right)
    vertical = Axis(
      chart.series.flatMap(\.y), isLogarithmic: chart.isLogarithmic,
      start: Self.height - Self.bottom, end: Self.top)
  }

  /// The svg element.
  var markup: String {
    let label = HTMLText.escaped("\(chart.caption): \(chart.vertical) over \(chart.horizontal)")
    var svg =
      "<svg viewBox=\"0 0 \(Self.place(Self.width)) \(Self.place(Self.height))\" role=\"img\""
      + " aria-label=\"\(label)\">"
    for tick in vertical.ticks {
      let y = vertical.place(of: tick)
      svg += line(Self.left, y, Self.width - Self.right, y)
      svg += text(Self.left - 6, y + 4, "end", Figures.text(tick))
    }
    for tick in horizontal.ticks {
      let x = horizontal.place(of: tick)
      svg += line(x, Self.height - Self.bottom, x, Self.height - Self.bottom + 4)
      svg += text(x, Self.height - Self.bottom + 22, "middle", Figures.text(tick))
    }
    svg += text(
      (Self.left + Self.width - Self.right) / 2, Self.height - 8, "middle", chart.horizontal)
    svg +=
      "<text transform=\"translate(18 \(Self.place((Self.height - Self.bottom + Self.top) / 2)))"
      + " rotate(-90)\" text-anchor=\"middle\">\(HTMLText.escaped(chart.vertical))</text>"
    for (index, series) in chart.series.enumerated() { svg += curve(series, index) }
    return svg + "</svg>"
  }

  private func curve(_ series: Chart.Series, _ index: Int) -> String {
    var path = ""
    var isDrawing = false
    for (x, y) in zip(series.x, series.y) {
      guard horizontal.shows(x), vertical.shows(y) else {
        isDrawing = false
        continue
      }
      path += isDrawing ? "L" : "M"
      path += "\(Self.place(horizontal.place(of: x))) \(Self.place(vertical.place(of: y)))"
      isDrawing = true
    }
    return "<path class=\"curve c\(index % 6) d\(index / 6)\" d=\"\(path)\"/>"
  }

  private func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double) -> String {
    "<path class=\"grid\" d=\"M\(Self.place(x1)) \(Self.place(y1))L\(Self.place(x2))"
      + " \(Self.place(y2))\"/>"
  }

  private func text(_ x: Double, _ y: Double, _ anchor: String, _ words: String) -> String {
    "<text x=\"\(Self.place(x))\" y=\"\(Self.place(y))\" text-anchor=\"\(anchor)\">"
      + "\(HTMLText.escaped(words))</text>"
  }

  private static func place(_ value: Double) -> String {
    (value < 0 ? "-" : "") + Figures.fixed(abs(value), decimals: 1)
  }
}

/// One axis: its range, the positions of values, and the labelled values.
struct Axis {
  /// The labelled values.
  let ticks: [Double]
  private let low: Double, high: Double
  private let start: Double, end: Double
  private let isLogarithmic: Bool

  /// Creates an axis for `values` between two positions in the drawing.
  init(_ values: [Double], isLogarithmic: Bool, start: Double, end: Double) {
    let shown = values.filter { $0.isFinite && (!isLogarithmic || $0 > 0) }
    self.isLogarithmic = isLogarithmic
    self.start = start
    self.end = end
    if isLogarithmic {
      let least = log10(shown.min() ?? 0.001)
      let most = max(least + 0.5, log10(shown.max() ?? 1))
      low = least
      high = most
      ticks = Self.logarithmicTicks(least, most)
      return
    }
    let least = shown.min() ?? 0
    let most = shown.max() ?? 1
    let span = most > least ? most - least : max(abs(most), 1)
    let step = Self.step(for: span / 5)
    let first = (least / step - 1e-9).rounded(.down)
    let last = max(first + 1, (most / step - 1e-9).rounded(.up))
    low = first * step
    high = last * step
    ticks = stride(from: first, through: last, by: 1).map { $0 * step }
  }

  /// Whether the axis can show a value.
  func shows(_ value: Double) -> Bool {
    value.isFinite && (!isLogarithmic || value > 0)
  }

  /// The position of a value in the drawing.
  func place(of value: Double) -> Double {
    let position = isLogarithmic ? log10(value) : value
    return start + (position - low) / (high - low) * (end - start)
  }

  /// Powers of ten, and also their multiples by two and five if the axis is short.
  private static func logarithmicTicks(_ least: Double, _ most: Double) -> [Double] {
    let factors: [Double] = most - least < 2.5 ? [1, 2, 5] : [1]
    return stride(from: least.rounded(.down), through: most, by: 1)
      .flatMap { power in factors.map { $0 * pow(10, power) } }
      .filter { log10($0) >= least - 1e-9 && log10($0) <= most + 1e-9 }
  }

  /// One, two or five times a power of ten, at least `span`.
  private static func step(for span: Double) -> Double {
    let power = pow(10, log10(span).rounded(.down))
    for factor in [1.0, 2, 5] where factor * power >= span * 0.999 { return factor * power }
    return 10 * power
  }
}
