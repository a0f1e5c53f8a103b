import FoundationEssentials

/// Writes a report as a single page that needs no network, script or other file.
public struct HTMLReport<Zone: ReportZone> {
  private let document: ReportDocument<Zone>

  /// Prepares the page of `document`.
  public init(_ document: ReportDocument<Zone>) {
    self.document = document
  }

  /// The file's content.
  public var markup: String {
    let notice = escaped(Zone.notice(about: document.subject))
    var page = """
      <!doctype html>
      <html lang="en"><head><meta charset="utf-8">
      <meta name="viewport" content="width=device-width,initial-scale=1">
      <meta name="referrer" content="no-referrer">
      <title>\(escaped(document.title))</title>
      <style>\(HTMLStyle.sheet)</style></head><body>
      <div class="zone \(Zone.name)" role="note">\(notice)</div>
      <header><h1>\(escaped(document.title))</h1>
      <p class="subtitle">\(escaped(document.subtitle))</p></header><main>

      """
    page += verdict
    page += contents
    for section in document.sections { page += markup(of: section) }
    page += "</main><footer>\(notice)</footer></body></html>\n"
    return page
  }

  private var verdict: String {
    let verdict = document.verdict
    let parts = [verdict.privacy, verdict.quality].map { part in
      let items = part.reasons.map { "<li>\(escaped($0))</li>" }.joined()
      return "<div class=\"part \(part.severity.rawValue)\"><strong>"
        + "<span class=\"mark\">\(sign(of: part.severity))</span>\(escaped(part.headline))</strong>"
        + "<ul>\(items)</ul></div>"
    }
    return "<div class=\"box verdict \(verdict.severity.rawValue)\">\(parts.joined())</div>\n"
  }

  private var contents: String {
    let items = document.sections.map { "<li><a href=\"#\($0.key)\">\(escaped($0.title))</a></li>" }
    return "<nav aria-label=\"Contents\"><ul>\(items.joined())</ul></nav>\n"
  }

  private func markup(of section: ReportDocument<Zone>.Section) -> String {
    let introduction =
      section.introduction.isEmpty ? "" : "<p>\(escaped(section.introduction))</p>"
    let blocks = section.blocks.map(markup(of:)).joined(separator: "\n")
    return "<section id=\"\(section.key)\"><h2>\(escaped(section.title))</h2>"
      + "\(introduction)\n\(blocks)</section>\n"
  }

  private func markup(of block: ReportBlock) -> String {
    switch block {
    case .heading(let text): "<h3>\(escaped(text))</h3>"
    case .text(let text): "<p>\(escaped(text))</p>"
    case .notice(let severity, let text):
      "<div class=\"box \(severity.rawValue)\">\(mark(of: severity))\(escaped(text))</div>"
    case .metrics(let metrics): MetricTable(metrics).markup
    case .table(let table): markup(of: table)
    case .sheet(let sheet): markup(of: sheet)
    case .chart(let chart): markup(of: chart)
    case .code(let text): "<pre>\(escaped(text))</pre>"
    case .withheld(let name, let reason):
      "<div class=\"box withheld\"><b>\(escaped(name))</b>: withheld. \(escaped(reason))</div>"
    case .group(let blocks): blocks.map(markup(of:)).joined(separator: "\n")
    }
  }

  private func mark(of severity: ReportBlock.Severity) -> String {
    let word =
      switch severity {
      case .passed: "Passed"
      case .warning: "Warning"
      case .failed: "Failed"
      case .note: "Note"
      }
    return "<span class=\"mark\">\(sign(of: severity)) \(word)</span>"
  }

  private func sign(of severity: ReportBlock.Severity) -> String {
    switch severity {
    case .passed: "✓"
    case .warning: "▲"
    case .failed: "✕"
    case .note: "ℹ"
    }
  }

  private func markup(of table: ReportTable) -> String {
    // Tables of names and values need no column headers.
    let isFacts = table.columns.allSatisfy(\.isEmpty)
    let cells = table.columns.map { "<th scope=\"col\">\(escaped($0))</th>" }.joined()
    let head = isFacts ? "" : "<thead><tr>\(cells)</tr></thead>"
    let rows = table.rows.map { row in
      "<tr>"
        + row.enumerated().map { index, cell in
          index == 0 ? "<th scope=\"row\">\(escaped(cell))</th>" : "<td>\(escaped(cell))</td>"
        }.joined() + "</tr>"
    }
    // Align only figures to the right.
    let isWords = table.rows.allSatisfy { $0.dropFirst().allSatisfy { $0.count > 20 } }
    let style = isFacts ? "plain facts" : isWords ? "plain words" : "plain"
    return "<div class=\"scroll\"><table class=\"\(style)\">"
      + "<caption>\(escaped(table.caption))</caption>\(head)<tbody>\(rows.joined())</tbody></table></div>"
  }

  private func markup(of sheet: ImageSheet) -> String {
    let data = Data(sheet.png).base64EncodedString()
    let width = sheet.width * sheet.magnification
    let height = sheet.height * sheet.magnification
    return "<figure><img width=\"\(width)\" height=\"\(height)\""
      + " alt=\"\(escaped(sheet.alternative))\" src=\"data:image/png;base64,\(data)\">"
      + "<figcaption>\(escaped(sheet.caption))</figcaption></figure>"
  }

  private func markup(of chart: Chart) -> String {
    let names = chart.series.enumerated().map { index, series in
      "<span><i class=\"c\(index % 6)\"></i>\(escaped(series.name))</span>"
    }
    // The caption names a single curve.
    let legend = names.count > 1 ? "<div class=\"legend\">\(names.joined())</div>" : ""
    return "<figure>\(SVGChart(chart).markup)\(legend)"
      + "<figcaption>\(escaped(chart.caption))</figcaption></figure>"
  }

  private func escaped(_ text: String) -> String { HTMLText.escaped(text) }
}
