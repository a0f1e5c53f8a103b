import Privacy

/// The attacks on a table, for the internal report, and what they say about the set.
extension ReportData {
  static func attackBlocks(_ real: RealTableFindings) -> [ReportBlock] {
    var blocks: [ReportBlock] = []
    if real.copies.testSeemsTrained {
      blocks.append(.notice(.warning, real.copies.trainedTestWords))
    }
    if let inference = real.inference {
      blocks += inferenceBlocks(inference)
    } else if real.testCount != nil {
      blocks.append(
        .text(
          "No attribute inference: it needs two columns, synthetic rows, and"
            + " \(AttributeInference.smallestTable) training and test rows."))
    }
    if let singling = real.singlingOut { blocks += singlingOutBlocks(singling) }
    blocks += [
      .heading("Exact copies"),
      .notice(real.copies.isFlagged ? .failed : .note, real.copies.conclusion),
      .metrics(copyMetrics(real.copies)),
    ]
    return blocks
  }

  private static func inferenceBlocks(_ findings: InferenceFindings) -> [ReportBlock] {
    let severity: ReportBlock.Severity =
      findings.isFlagged ? .failed : findings.isToldApart ? .warning : .note
    return [
      .heading("Attribute inference"),
      .text(
        "The attacker knows all columns of a record but one, looks for the synthetic rows that are nearest to"
          + " it, and takes their most frequent value for the secret one. What works for all real rows is"
          + " knowledge of the population, which a useful table must give; only a higher success on training"
          + " rows reveals single records."),
      .notice(severity, findings.conclusion),
      .notice(
        findings.seesCopies ? .passed : .note,
        findings.seesCopies
          ? "Positive control: the attack notices a copied training table."
          : InferenceFindings.blindWords),
      .metrics([advantageMetric(findings)] + findings.columns.map(riskMetric)),
      .table(
        ReportTable(
          caption: "Right guesses of each secret column",
          columns: ["Column", "Training rows", "Other real rows", "Most frequent value"],
          rows: findings.columns.map {
            [
              $0.column, Figures.percent($0.memberRate), Figures.percent($0.nonMemberRate),
              Figures.percent($0.baseline),
            ]
          })),
    ]
  }

  private static func advantageMetric(_ findings: InferenceFindings) -> Metric {
    Metric(
      key: "table_inference_advantage", name: "Advantage about training rows",
      meaning:
        "share of right guesses about training rows, less that about other real rows; all secret columns",
      value: findings.advantage.value, range: "−1 to 1", direction: .lower,
      interval: findings.advantage.interval(), count: findings.recordCount,
      ceiling: NamedValue("no difference", 0),
      baselines: [
        findings.null.map { NamedValue("other real rows as the table", $0.value) },
        NamedValue("copied training rows", findings.positive.value),
      ].compactMap { $0 }, counted: .rows)
  }

  private static func riskMetric(_ finding: InferenceFinding) -> Metric {
    let risk = finding.risk
    return Metric(
      key: "table_inference_risk.\(finding.column)", name: "… risk of \(finding.column)",
      meaning: "how much of what is unknown about other rows becomes known about training rows",
      value: risk.value,
      range: "−∞ to 1", direction: .lower, interval: risk.interval, count: finding.count,
      ceiling: NamedValue("no difference", 0), counted: .rows)
  }

  private static func singlingOutBlocks(_ finding: SinglingOutFinding) -> [ReportBlock] {
    let risk = finding.risk
    return [
      .heading("Singling out"),
      .text(
        "The attacker takes some values of a synthetic row that no other synthetic row has together, and claims"
          + " that exactly one person has them. The claim is tested on equally many training rows and other real"
          + " rows."),
      .notice(finding.isFlagged ? .failed : .note, finding.conclusion),
      .metrics([
        Metric(
          key: "table_singling_out_risk", name: "Risk of singling out",
          meaning:
            "how many more claims hold for training rows than for other real rows, of those that could",
          value: risk.value, range: "−∞ to 1", direction: .lower, interval: risk.interval,
          count: finding.recordCount, ceiling: NamedValue("no difference", 0), counted: .rows)
      ]),
    ]
  }

  private static func copyMetrics(_ copies: TableCopies) -> [Metric] {
    func metric(
      _ key: String, _ name: String, _ meaning: String, _ share: TableCopies.Share,
      _ other: TableCopies.Share?
    ) -> Metric {
      Metric(
        key: "table_\(key)", name: name, meaning: meaning, value: share.value, range: "0 to 1",
        direction: .lower, interval: share.interval(), count: share.count,
        ceiling: other?.value.map { NamedValue("of test rows", $0) }, counted: .rows)
    }
    let all = metric(
      "copies_training", "Training rows with a synthetic twin",
      "share of training rows whose categories and bins a synthetic row has", copies.training,
      copies.test)
    guard let unique = copies.uniqueTraining else { return [all] }
    return [
      all,
      metric(
        "unique_copies_training", "… of the rows that occur once",
        "the same among rows that no other real row equals", unique, copies.uniqueTest),
    ]
  }
}

extension InferenceFindings {
  /// The text if the attack cannot notice a copied table.
  static let blindWords =
    "Positive control: even a copied training table gives the attack no advantage, because many rows are alike in"
    + " the known columns. Its result shows nothing for this table."

  /// The result of the attack.
  var conclusion: String {
    let interval = advantage.interval()
    let words =
      "\(Figures.percent(advantage.memberRate)) of the secret values of training rows and"
      + " \(Figures.percent(advantage.nonMemberRate)) of those of other real rows were guessed from the"
      + " synthetic table (difference \(Figures.percent(advantage.value)), 95 % interval"
      + " \(Figures.percent(interval.low)) to \(Figures.percent(interval.high)))."
    if isFlagged {
      return
        "Training rows are revealed: \(words) That is more than chance and the control explain."
    }
    let control =
      null.map {
        " With other training rows in place of the synthetic table, the difference is"
          + " \(Figures.percent($0.value))."
      } ?? ""
    return isToldApart
      ? "Training rows were guessed better: \(words)\(control)"
      : "Training rows were guessed no better than other real rows: \(words)"
  }
}

extension SinglingOutFinding {
  /// The result of the attack.
  var conclusion: String {
    let words =
      "\(Figures.count(memberHits)) of \(Figures.count(claimCount)) claims hold for exactly one of"
      + " \(Figures.count(recordCount)) training rows, \(Figures.count(nonMemberHits)) for exactly one of as"
      + " many other real rows."
    return isFlagged
      ? "Training rows are singled out: \(words) That is more than chance explains."
      : "Training rows are singled out no more than chance explains: \(words)"
  }
}

extension TableCopies {
  /// That the test rows seem to be training rows.
  var trainedTestWords: String {
    let (found, expected, _) = uniqueTestRows ?? (0, 0, 0)
    return
      "The hold-out rows seem to be training rows: of the rows that no other real row equals, \(Figures.count(found)) are "
      + "hold-out rows, and about \(Figures.count(Int(expected.rounded()))) were expected. Attacks and predictions then show "
      + "nothing. Take rows of other people."
  }

  /// The result about copies.
  var conclusion: String {
    func words(_ share: Share) -> String {
      "\(Figures.count(share.copies)) of \(Figures.count(share.count))"
    }
    guard let test else {
      return
        "\(words(training)) training rows have a synthetic row with the same categories and bins. Without rows that the model has"
        + " never seen, nobody can tell how many would by chance."
    }
    let unique =
      uniqueTraining.flatMap { own in
        uniqueTest.map {
          "; of the rows that occur once, \(words(own)) training rows and \(words($0)) test rows"
        }
      } ?? ""
    let counts =
      "\(words(training)) training rows and \(words(test)) test rows have a synthetic row with the same categories and "
      + "bins\(unique)."
    return isFlagged
      ? "The table copies training rows: \(counts) That is more than chance explains."
      : "No more copies of training rows than chance explains: \(counts)"
  }
}
