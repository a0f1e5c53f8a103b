import Privacy

/// The section on attacks: the results of attackers who have all real images.
extension ReportData {
  func addAttacks<Zone>(to document: inout ReportDocument<Zone>) {
    document.begin(
      "attacks", "Attacks",
      "Attempts to distinguish training images from other real images. A failed attack proves nothing,"
        + " because another one may succeed. Only differential privacy is a guarantee; attacks can refute"
        + " it, or reveal errors.")
    let reason = "Scores of private images are private, and so are pictures of them."
    if let findings {
      document.add(
        findings.real.map { $0.attacks.map { .group(Self.blocks(for: $0)) } ?? Self.noAttacks },
        named: "Membership attacks on the synthetic set", because: reason)
      document.add(
        findings.real.map {
          $0.attacks.map { .group(Self.memorizationBlocks($0)) } ?? Self.noAttacks
        },
        named: "Copies, isolated images and class averages", because: reason)
    } else {
      document.add(fixed: .text("No evaluation was run."))
    }
    document.add(
      modelAttacks.map { attacks in
        attacks.isEmpty
          ? .text("No scores of a discriminator or likelihood were provided.")
          : .group([
            .metrics(attacks.flatMap { Self.metrics($0.key, $0.name, $0.ranking, nil) }),
            .chart(Self.chart(attacks.map { ($0.name, $0.ranking) })),
          ])
      }, named: "Attacks on the model", because: reason)
    document.add(
      canaries.map { Self.block(for: $0, guarantee) }, named: "Canaries",
      because: "Their scores depend on the other training images.")
  }

  private static var noAttacks: ReportBlock {
    .notice(
      .note,
      "Not run: the model has seen all known real images. Declare a folder of held-out real images"
        + " (hold_out), and evaluate again.")
  }

  private static func blocks(for findings: AttackFindings) -> [ReportBlock] {
    let flagged = findings.attacks.filter(\.isFlagged)
    let toldApart = findings.attacks.filter(\.isToldApart)
    let blind = findings.attacks.filter { !$0.seesCopies }
    var blocks: [ReportBlock] = [
      .notice(
        flagged.isEmpty ? toldApart.isEmpty ? .note : .warning : .failed,
        (findings.attacks.map(\.conclusion)
          + [flagged.isEmpty ? AttackFindings.noProof : "Do not share this set."])
          .joined(separator: " ")),
      .notice(
        blind.isEmpty ? .passed : .warning,
        blind.isEmpty
          ? "Positive control: every attack detects a copied training set."
          : "Positive control failed, so the results of these attacks mean nothing: "
            + blind.map(\.title).joined(separator: "; ") + "."),
      .metrics(
        findings.attacks.flatMap { Self.metrics($0.key, $0.title, $0.ranking, $0) }),
    ]
    blocks.append(.chart(chart(findings.attacks.map { ($0.title, $0.ranking) })))
    return blocks
  }

  private static func metrics(
    _ key: String, _ name: String, _ ranking: MembershipRanking, _ finding: AttackFinding?
  ) -> [Metric] {
    func baselines(_ value: (MembershipRanking) -> Double) -> [NamedValue] {
      [("other real images", finding?.null), ("copied training set", finding?.positive)]
        .compactMap { name, ranking in ranking.map { NamedValue(name, value($0)) } }
    }
    let area = Metric(
      key: "attack.\(key).auc", name: name,
      meaning: "area under the ROC curve; 0.5 is guessing", value: ranking.areaUnderCurve,
      range: "0 to 1", direction: .lower, interval: ranking.interval,
      count: ranking.memberCount + ranking.nonMemberCount,
      ceiling: NamedValue("guessing", 0.5), baselines: baselines { $0.areaUnderCurve })
    return [area]
      + ranking.operations.enumerated().map { index, operation in
        let rate = Figures.percent(operation.falsePositiveRate)
        return Metric(
          key: "attack.\(key).tpr-at-\(operation.falsePositiveRate)",
          name: "… found at \(rate) false alarms",
          meaning: "share of members found",
          value: operation.truePositiveRate, range: "0 to 1", direction: .lower,
          interval: operation.interval, count: ranking.memberCount,
          ceiling: NamedValue("guessing", operation.falsePositiveRate),
          baselines: baselines { $0.operations[index].truePositiveRate })
      }
  }

  private static func chart(_ rankings: [(name: String, ranking: MembershipRanking)]) -> Chart {
    let least = rankings.map { 1 / Double($0.ranking.nonMemberCount) }.min() ?? 0.001
    let guess = [least, least.squareRoot(), 1]
    return Chart(
      caption:
        "Members found against false alarms, both axes logarithmic; the diagonal is guessing",
      horizontal: "false alarms", vertical: "members found",
      series: rankings.map { name, ranking in
        Chart.Series(
          name: name, x: ranking.curve.map(\.falsePositiveRate),
          y: ranking.curve.map(\.truePositiveRate))
      } + [Chart.Series(name: "guessing", x: guess, y: guess)], isLogarithmic: true)
  }

  private static func memorizationBlocks(_ findings: AttackFindings) -> [ReportBlock] {
    let memory = findings.memorization
    let outliers = findings.outliers.ranking
    var blocks: [ReportBlock] = [
      .heading("Copies"),
      .notice(
        memory.isFlagged ? .failed : .note,
        memory.conclusion
          + (memory.isFlagged
            ? " Do not share this set."
            : " That is no evidence of privacy: sets without copies can still reveal members.")),
      .notice(
        outliers.cautiousLowerBound > 0.5 ? .failed : outliers.isAboveGuessing ? .warning : .note,
        findings.outliers.conclusion),
      .metrics([
        Metric(
          key: "memorization.share", name: "Nearer to the training set",
          meaning:
            "share of training images among the real images that are nearest to a synthetic image,"
            + " from equal numbers of training and other images",
          value: memory.nearest.share,
          range: "0 to 1", direction: .lower,
          interval: .proportion(memory.nearest.training, of: memory.nearest.count),
          count: memory.nearest.count,
          ceiling: NamedValue("training images instead of synthetic ones", memory.control.share)),
        Metric(
          key: "memorization.copies", name: "Near copies",
          meaning: "synthetic images within a fifth of the typical distance to a training image",
          value: Double(memory.copiesOfTraining), range: "0 to \(memory.count)", direction: .lower,
          count: memory.count,
          ceiling: NamedValue("of other real images", Double(memory.copiesOfHoldOut))),
        Metric(
          key: "outliers.auc", name: "Isolated images",
          meaning:
            "whether the most isolated training images are reproduced more than isolated others;"
            + " 0.5 is guessing", value: outliers.areaUnderCurve, range: "0 to 1",
          direction: .lower, interval: outliers.interval,
          count: outliers.memberCount + outliers.nonMemberCount,
          ceiling: NamedValue("guessing", 0.5)),
      ]),
      .sheet(
        ImageSheet(
          findings.suspiciousPairs, columns: 12,
          caption: "The most suspicious synthetic images, each followed by its nearest training"
            + " image", alternative: "pairs of synthetic and real images")),
      .sheet(
        ImageSheet(
          findings.outlierPairs, columns: 12,
          caption: "The most isolated training images, each followed by its nearest synthetic"
            + " image", alternative: "pairs of real and synthetic images")),
    ]
    if let inversion = findings.inversion, !inversion.findings.isEmpty {
      let nearest = inversion.findings.map { $0.trainingDistance / $0.holdOutDistance }.min() ?? 1
      blocks += [
        .heading("Class averages"),
        .metrics([
          Metric(
            key: "inversion.ratio", name: "Average against single images",
            meaning:
              "distance of a class's average to its nearest training image, divided by the distance"
              + " to its nearest other real image; the smallest of all classes", value: nearest,
            range: "0 to ∞", direction: .higher, count: inversion.findings.count,
            ceiling: NamedValue("as near to both", 1))
        ]),
        .text(
          "The average of a class shows what its images have in common. Differential privacy"
            + " protects single images, not the properties of a class."),
      ]
    }
    return blocks
  }

  private static func block(for audit: CanaryAudit?, _ guarantee: Guarantee?) -> ReportBlock {
    guard let audit else { return .text("No canaries were inserted.") }
    let refuted = guarantee.map { audit.epsilonLowerBound > $0.epsilon } ?? false
    return .group([
      .metrics(
        [
          Metric(
            key: "canaries.epsilon", name: "Epsilon is at least",
            meaning: "the lower bound that correct guesses about inserted images imply:"
              + " \(audit.rightCount) of \(audit.guessCount) guesses were correct",
            value: audit.epsilonLowerBound, range: "0 to ∞", direction: .lower,
            count: audit.ranking.memberCount + audit.ranking.nonMemberCount,
            ceiling: guarantee.map { NamedValue("claimed at most", $0.epsilon) })
        ] + metrics("canaries", "Canaries", audit.ranking, nil)),
      .notice(
        refuted ? .failed : .note,
        refuted
          ? "The canaries refute the guarantee with 95 % confidence: look for an error in the training or"
            + " its accounting."
          : "The canaries do not refute the guarantee. That is not a proof."),
    ])
  }
}
