import Privacy

/// The section that compares the synthetic set with de-identified real images.
extension ReportData {
  func addAlternatives<Zone>(to document: inout ReportDocument<Zone>) {
    guard let findings else { return }
    document.begin(
      "alternatives", "What would de-identified images give?",
      "Pixelated, blurred and averaged real images go through the same attacks and the same classifier. They may be as"
        + " useful or more so; what they reveal about an image has no bound.")
    document.add(
      findings.real.map { real in
        real.alternatives.map { .group(Self.blocks(for: $0)) }
          ?? .notice(
            .note,
            "Not compared: the attacks need real images that the model has never seen (hold_out).")
      },
      named: "De-identified images beside the synthetic ones",
      because: "They are private images, and so are scores that were computed from them.")
  }

  private static func blocks(for findings: AlternativeFindings) -> [ReportBlock] {
    let metrics = findings.sets.flatMap { set in
      [
        set.accuracy.map {
          Metric(
            key: "alternative.\(set.key).accuracy", name: "\(set.title): accuracy",
            meaning:
              "\(set.meaning); a perceptron trained on \(Figures.count(findings.trainCount)) of them, one seed",
            value: $0, range: "0 to 1", direction: .higher,
            interval: .proportion(
              Int(($0 * Double(findings.testCount)).rounded()), of: findings.testCount),
            count: findings.testCount)
        },
        set.attack.map {
          Metric(
            key: "alternative.\(set.key).auc", name: "\(set.title): best attack",
            meaning:
              "area under the ROC curve of the best of three attacks in pixels; 0.5 is guessing",
            value: $0.areaUnderCurve, range: "0 to 1", direction: .lower, interval: $0.interval,
            count: $0.memberCount + $0.nonMemberCount)
        },
      ].compactMap { $0 }
    }
    return [.metrics(metrics), conclusion(of: findings)]
      + findings.sets.map { set in
        .sheet(
          ImageSheet(
            set.examples, columns: set.examples.count, caption: set.title,
            alternative: "examples: \(set.title.lowercased())"))
      }
  }

  private static func conclusion(of findings: AlternativeFindings) -> ReportBlock {
    let recognised = findings.sets.filter {
      $0.key != "synthetic" && ($0.attack?.isAboveGuessing ?? false)
    }
    guard !recognised.isEmpty else {
      return .notice(
        .note,
        "These attacks recognised the training images in none of the de-identified sets. Unlike a guarantee, that is no"
          + " proof.")
    }
    return .notice(
      .note,
      recognised.map {
        "\($0.title): an attacker with candidate images recognises those that are in the set (\($0.attack?.areaWords ?? ""))."
      }.joined(separator: " "))
  }
}
