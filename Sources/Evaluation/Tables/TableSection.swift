import Datasets
import Privacy

/// The sections on a synthetic table that need no real row.
extension ReportData {
  func addTables<Zone>(to document: inout ReportDocument<Zone>) {
    guard let tables else { return }
    document.begin(
      "table", "The table by itself",
      "Counts of the synthetic rows alone; they need no real row. A value is known by its category or its bin"
        + " only, and columns that the administrator did not declare were never read.")
    if !tables.assumptions.value.isEmpty {
      document.add(
        tables.assumptions.map {
          .group([.heading("What shaped this table")] + $0.map(ReportBlock.text))
        })
    }
    document.add(tables.synthetic.map { .group(Self.blocks(for: $0)) })
  }

  private static func blocks(for own: SyntheticTableFindings) -> [ReportBlock] {
    let total = Double(max(1, own.rowCount))
    func share(_ count: Int) -> String { Figures.percent(Double(count) / total) }
    return [
      .table(
        ReportTable(
          caption: "Size", columns: ["", ""],
          rows: [
            ["Rows", Figures.count(own.rowCount)],
            ["Columns", Figures.count(own.domains.count)],
            [
              "Rows with the same categories and bins as an earlier one",
              "\(Figures.count(own.duplicateCount)) (\(share(own.duplicateCount)))",
            ],
          ])),
      .table(
        ReportTable(
          caption:
            "The declared columns; “not drawn” counts declared values that no synthetic row has",
          columns: ["Column", "Domain", "Missing", "Not drawn"],
          rows: own.domains.enumerated().map { column, domain in
            let counts = own.counts[column]
            return [
              domain.name, domain.words, domain.missingCode.map { share(counts[$0]) } ?? "–",
              Figures.count(counts.prefix(domain.valueCount).count { $0 == 0 }),
            ]
          })),
      .heading("Frequencies"),
    ]
      + own.domains.enumerated().map { column, domain in
        .table(frequencies(domain, own.counts[column], share))
      }
  }

  private static let shownValues = 32

  /// The values in the order of the domain, or the most frequent ones of a large domain.
  private static func frequencies(
    _ domain: ColumnDomain, _ counts: [Int], _ share: (Int) -> String
  ) -> ReportTable {
    var codes = Array(counts.indices)
    let isLong = codes.count > shownValues
    if isLong { codes = Array(codes.sorted { counts[$0] > counts[$1] }.prefix(shownValues)) }
    var rows = codes.map {
      [domain.label(of: $0), Figures.count(counts[$0]), share(counts[$0])]
    }
    if isLong {
      let rest = counts.reduce(0, +) - codes.reduce(0) { $0 + counts[$1] }
      rows.append(
        ["\(counts.count - codes.count) other values", Figures.count(rest), share(rest)])
    }
    return ReportTable(
      caption: isLong ? "\(domain.name): the most frequent values" : domain.name,
      columns: ["Value", "Synthetic rows", "Share"], rows: rows)
  }
}
