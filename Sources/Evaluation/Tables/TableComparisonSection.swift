import Privacy

/// The sections on a synthetic table beside real rows.
extension ReportData {
  func addTableComparison<Zone>(to document: inout ReportDocument<Zone>) {
    guard let tables, let real = tables.real else { return }
    document.begin(
      "table-fidelity", "How similar are the rows to real ones?",
      "The synthetic table beside the table that the model was trained on. Real rows differ from other real"
        + " rows too; each number comes with that sampling noise, and with the values of poor tables."
    )
    document.add(
      real.map { .group(Self.fidelityBlocks($0)) }, named: "Distances to the real table",
      because: "They are computed from private rows without noise.")
    document.begin(
      "table-usefulness", "How useful are the rows?",
      "Each of the first \(TableUtility.columnLimit) declared columns is predicted from all other columns:"
        + " categories by multinomial logistic regression, numbers by ridge regression. A model learns from"
        + " synthetic rows alone, another one from equally many real rows; both are tested on real rows that"
        + " neither has seen.")
    if tables.hasTest {
      document.add(
        real.map { .group(Self.predictionBlocks($0)) }, named: "Predictions of real values",
        because: "The score of a model on private rows is computed from them without noise.")
    } else {
      document.add(fixed: Self.noTestTable)
    }
    document.begin(
      "table-attacks", "Attacks on the table",
      "Attempts to learn more about training rows than about other real rows. A failed attack proves nothing,"
        + " because another one may succeed; only differential privacy is a guarantee.")
    if !tables.hasTest { document.add(fixed: Self.noTestTable) }
    document.add(
      real.map { .group(Self.attackBlocks($0)) }, named: "Attribute inference and exact copies",
      because: "The rows that an attack finds are private.")
  }

  private static var noTestTable: ReportBlock {
    .notice(
      .note,
      "Not run: this needs real rows that the model has never seen. Declare held-out rows (hold_out), and"
        + " evaluate again.")
  }

  // MARK: Fidelity

  private static func fidelityBlocks(_ real: RealTableFindings) -> [ReportBlock] {
    var blocks: [ReportBlock] = [
      .text(
        "\(Figures.count(real.syntheticCount)) synthetic rows are compared with"
          + " \(Figures.count(real.trainingCount)) training rows. "
          + (real.floor.map {
            "The best possible value is that of \($0), compared in the same way."
          }
            ?? "There are too few real rows to measure the sampling noise.")
          + " Fewer rows have more sampling noise, so a larger table can do better than the reference."
      ),
      .metrics(
        distanceMetrics("one_way", "one column", real.oneWay, real)
          + distanceMetrics("two_way", "a pair of columns", real.twoWay, real)
          + AssociationFinding.Measure.allCases.compactMap { associationMetric($0, real) }),
      .table(distanceTable("The columns", real.oneWay.distances)),
    ]
    if !real.twoWay.distances.isEmpty {
      blocks.append(
        .table(
          distanceTable(
            "The pairs of columns with the largest distances",
            Array(real.twoWay.distances.sorted { $0.synthetic > $1.synthetic }.prefix(10)))))
    }
    if !real.associations.isEmpty {
      blocks.append(
        .table(
          ReportTable(
            caption: "The pairs of columns whose dependence differs most",
            columns: ["Pair", "Measure", "Synthetic", "Training"],
            rows: real.associations.sorted { $0.difference > $1.difference }.prefix(10).map {
              [
                $0.columns.joined(separator: " and "), $0.measure.title,
                Figures.text($0.synthetic), Figures.text($0.training),
              ]
            })))
    }
    return blocks
  }

  private static func distanceMetrics(
    _ key: String, _ subject: String, _ findings: MarginalFindings, _ real: RealTableFindings
  ) -> [Metric] {
    guard let largest = findings.largest else { return [] }
    func metric(
      _ key: String, _ name: String, _ meaning: String, _ value: Double?, floor: Double?,
      _ baselines: [(String, Double?)]
    ) -> Metric {
      Metric(
        key: "table_\(key)", name: name, meaning: meaning, value: value, range: "0 to 1",
        direction: .lower, count: real.syntheticCount,
        ceiling: floor.map { NamedValue("real", $0) },
        baselines: baselines.compactMap { name, value in value.map { NamedValue(name, $0) } },
        counted: .rows)
    }
    return [
      metric(
        "\(key)_distance", "Distance of \(subject)",
        "total variation distance between the synthetic and the training table, the largest difference in the"
          + " probability of any event of \(subject); mean over all \(findings.distances.count)",
        findings.mean, floor: findings.meanOfReal,
        [
          ("equally frequent values", findings.meanOfUniform),
          ("independent columns", findings.meanOfIndependent),
        ]),
      metric(
        "\(key)_largest", "… the largest",
        "of \(largest.columns.joined(separator: " and "))", largest.synthetic,
        floor: largest.real,
        [
          ("equally frequent values", largest.uniform),
          ("independent columns", largest.independent),
        ]),
    ]
  }

  private static func associationMetric(
    _ measure: AssociationFinding.Measure, _ real: RealTableFindings
  ) -> Metric? {
    let own = real.associations.filter { $0.measure == measure }
    guard !own.isEmpty else { return nil }
    func mean(_ values: [Double]) -> Double? {
      values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
    }
    return Metric(
      key: "table_\(measure.rawValue)_difference", name: "Difference of \(measure.title)",
      meaning: "mean absolute difference between the synthetic and the training table, over"
        + " \(own.count) pairs; \(measure.meaning)",
      value: mean(own.map(\.difference)), range: measure == .cramersV ? "0 to 1" : "0 to 2",
      direction: .lower, count: real.syntheticCount,
      ceiling: mean(own.compactMap(\.differenceOfReal)).map { NamedValue("real", $0) },
      baselines: [
        NamedValue("independent columns", mean(own.map { abs($0.training) }) ?? 0)
      ], counted: .rows)
  }

  private static func distanceTable(
    _ caption: String, _ distances: [MarginalDistance]
  ) -> ReportTable {
    ReportTable(
      caption: caption, columns: ["", "Distance", "Real", "Equally frequent values"],
      rows: distances.map {
        [
          $0.columns.joined(separator: " and "), Figures.text($0.synthetic),
          $0.real.map(Figures.text) ?? "–", Figures.text($0.uniform),
        ]
      })
  }

  // MARK: Usefulness

  private static func predictionBlocks(_ real: RealTableFindings) -> [ReportBlock] {
    let predictions = real.predictions ?? []
    guard !predictions.isEmpty else {
      return [.text("A prediction needs a second column, and rows in every table.")]
    }
    let metrics = predictions.map { finding in
      Metric(
        key: "table_\(finding.isNumeric ? "r2" : "accuracy").\(finding.column)",
        name: finding.column,
        meaning: (finding.isNumeric
          ? "R², the explained share of the variance" : "accuracy, the share of right predictions")
          + "; trained on \(Figures.count(finding.syntheticCount)) synthetic rows",
        value: finding.synthetic.value, range: finding.isNumeric ? "−∞ to 1" : "0 to 1",
        direction: .higher, interval: finding.synthetic.interval, count: finding.testCount,
        ceiling: finding.real.value.map { NamedValue("trained on as many real rows", $0) },
        baselines: [
          finding.baseline.map {
            NamedValue(finding.isNumeric ? "always the mean" : "always the most frequent value", $0)
          }
        ].compactMap { $0 }, counted: .rows)
    }
    return [
      .metrics(metrics),
      .table(
        ReportTable(
          caption: "The same models trained on real rows, with their intervals over the test rows",
          columns: ["Column", "Trained on real rows", "95 % interval"],
          rows: predictions.map { finding in
            [
              finding.column, finding.real.value.map(Figures.text) ?? "–",
              finding.real.interval.map(Self.words) ?? "–",
            ]
          })),
    ]
  }

  static func words(_ interval: Interval) -> String {
    "\(Figures.text(interval.low)) to \(Figures.text(interval.high))"
  }
}

extension AssociationFinding.Measure {
  /// The name for readers.
  var title: String {
    switch self {
    case .cramersV: "Cramér's V"
    case .pearson: "Pearson's correlation"
    case .spearman: "Spearman's correlation"
    }
  }

  /// What it measures.
  fileprivate var meaning: String {
    switch self {
    case .cramersV:
      "0 for independent columns, 1 if one determines the other; for pairs with categories, with the correction"
        + " for bias, of rows where both values are known"
    case .pearson: "linear dependence of two columns of numbers, at the centres of their bins"
    case .spearman: "monotone dependence of two columns of numbers"
    }
  }
}
