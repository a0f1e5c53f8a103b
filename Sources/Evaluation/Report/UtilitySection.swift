import Privacy

/// The section on the usefulness of the synthetic images.
extension ReportData {
  func addUtility<Zone>(to document: inout ReportDocument<Zone>) {
    document.begin(
      "usefulness", "How useful?",
      "Classifiers are trained on synthetic images alone and tested on real ones. The epoch is"
        + " selected on synthetic images; selecting it on real ones would bias the result.")
    guard let findings else {
      document.add(fixed: .text("No evaluation was run."))
      return
    }
    guard findings.classNames.count > 1 else {
      document.add(fixed: .text("The set has no classes, so no classifier can be trained on it."))
      return
    }
    document.add(
      findings.real.map { .group(Self.blocks(for: $0, findings.classNames)) },
      named: "Accuracy on real images",
      because: "The score of a classifier on private images is computed from them without noise.")
  }

  private static func blocks(for real: RealFindings, _ classNames: [String]) -> [ReportBlock] {
    let chance = real.guessingAccuracy
    var metrics = real.utility.map { finding in
      Metric(
        key: "accuracy.\(finding.kind.rawValue)", name: finding.kind.title,
        meaning: "trained on \(Figures.count(finding.trainCount)) synthetic images,"
          + " \(Figures.counted(finding.onSynthetic.count, "seed"))",
        value: finding.accuracy, range: "0 to 1", direction: .higher, interval: finding.interval,
        count: finding.testCount,
        ceiling: NamedValue("trained on as many real images", finding.ceiling),
        baselines: [NamedValue("always the largest class", chance)])
    }
    metrics += real.utility.compactMap { finding in
      finding.accuracyWithTeacher.map { accuracy in
        Metric(
          key: "accuracy-with-teacher.\(finding.kind.rawValue)",
          name: "\(finding.kind.title), teacher's labels",
          meaning:
            "trained on the same images with the probabilities of the set's private teacher as labels",
          value: accuracy, range: "0 to 1", direction: .higher,
          interval: finding.interval(of: finding.withTeacher), count: finding.testCount,
          baselines: [NamedValue("trained on the classes of the images", finding.accuracy)])
      }
    }
    if let agreement = real.labelAgreement {
      metrics.append(
        Metric(
          key: "label-agreement", name: "Labels recognised",
          meaning:
            "share of synthetic images that a classifier trained on real images assigns to their own label",
          value: agreement.synthetic, range: "0 to 1", direction: .higher,
          interval: .proportion(
            Int((agreement.synthetic * Double(agreement.predictedCounts.reduce(0, +))).rounded()),
            of: agreement.predictedCounts.reduce(0, +)),
          count: agreement.predictedCounts.reduce(0, +),
          ceiling: NamedValue("real test images", agreement.real),
          baselines: [NamedValue("always the largest class", chance)]))
    }
    return [.metrics(metrics)] + rivalBlocks(real) + baselineBlocks(real)
  }

  private static func baselineBlocks(_ real: RealFindings) -> [ReportBlock] {
    guard let baseline = real.baseline else { return [] }
    let cnn = real.utility.first { $0.kind == .convolutional }
    let isBeaten = (cnn?.accuracy ?? 0) > baseline.interval.high
    return [
      .metrics([
        Metric(
          key: "accuracy.embedding-baseline", name: "Baseline generator",
          meaning:
            "a small convolutional network trained on \(Figures.count(baseline.trainCount)) images of a"
            + " generator that matches noisy mean features of each class with"
            + " ε = \(Figures.text(baseline.epsilon)), the cheapest private one; one seed",
          value: baseline.accuracy, range: "0 to 1", direction: .higher,
          interval: baseline.interval, count: real.testCount)
      ]),
      .notice(
        isBeaten ? .passed : .note,
        isBeaten
          ? "Images of the baseline generator, which is trained in minutes, are less useful."
          : "Images of a generator that is trained in minutes (family embedding) are as useful for this task."
            + " Train longer, with a recipe of fewer parameters, or take the simpler one."),
    ]
  }

  private static func rivalBlocks(_ real: RealFindings) -> [ReportBlock] {
    guard let rival = real.rival else {
      return [
        .notice(
          .note,
          "No private classifier was trained. Specify an epsilon to compare with a classifier that is"
            + " trained on the real images directly, under the same guarantee.")
      ]
    }
    let cnn = real.utility.first { $0.kind == .convolutional }?.accuracy ?? .nan
    return [
      .metrics([
        Metric(
          key: "accuracy.private-rival", name: "Private classifier for comparison",
          meaning: "trained on the real images directly with ε = \(Figures.text(rival.epsilon)),"
            + " \(Figures.counted(rival.accuracies.count, "seed"))",
          value: rival.accuracy, range: "0 to 1", direction: .higher,
          interval: rival.interval, count: real.testCount)
      ]),
      .notice(
        cnn >= rival.accuracy ? .passed : .note,
        cnn >= rival.accuracy
          ? "Training on the synthetic images was at least as good as training privately on the real"
            + " ones."
          : "For this one task, a classifier trained privately on the real images was better."
            + " Synthetic images are worthwhile if they serve more than one purpose."),
    ]
  }
}
