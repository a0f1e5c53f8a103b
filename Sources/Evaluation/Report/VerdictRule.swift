import Privacy

/// The rule behind the box at the top of a report.
///
/// Failed: an attack, a copy or a canary was found. Warning: no guarantee, or a sign of poor
/// training. Passed: neither.
struct VerdictRule {
  /// The verdict that looked at everything.
  let internalVerdict: Sensitive<Verdict>
  /// The verdict from what may leave.
  let releasedVerdict: Releasable<Verdict>

  private struct Remarks {
    var failures: [String] = []
    var warnings: [String] = []
    var good: [String] = []

    func verdict(_ passed: String) -> Verdict {
      let severity: ReportBlock.Severity =
        !failures.isEmpty ? .failed : !warnings.isEmpty ? .warning : .passed
      let headline =
        switch severity {
        case .failed: "Do not share this set: something is wrong."
        case .warning: "Read the warnings before you use this set."
        default: passed
        }
      return Verdict(severity: severity, headline: headline, reasons: failures + warnings + good)
    }
  }

  init(_ data: ReportData) {
    let free = Self.freeRemarks(data)
    releasedVerdict = Releasable(
      free.verdict("The guarantee holds, and the set shows no sign of failure by itself."),
      .postProcessing)
    let attacks = data.modelAttacks.map(with: data.canaries) { attacks, audit in
      var remarks = free
      let found = attacks.filter { AttackFinding.isFlagged($0.ranking, beyond: nil) }
      if !found.isEmpty {
        remarks.failures.append(
          "The model gives members away: \(found.map(\.name).joined(separator: ", ")).")
      }
      if let audit, let guarantee = data.guarantee, audit.epsilonLowerBound > guarantee.epsilon {
        remarks.failures.append(
          "Canaries refute the guarantee: epsilon is at least "
            + "\(Figures.text(audit.epsilonLowerBound)).")
      }
      return remarks
    }.map(with: data.privateSignals) { remarks, signals in
      var remarks = remarks
      remarks.warnings += signals.compactMap(Self.trendWarning)
      return remarks
    }
    let passed = "The guarantee holds, no attack succeeded, and quality shows no sign of failure."
    guard let findings = data.findings else {
      internalVerdict = attacks.map { $0.verdict(passed) }
      return
    }
    internalVerdict = attacks.map(with: findings.real) { remarks, real in
      var remarks = remarks
      Self.add(real, findings.classNames, to: &remarks)
      return remarks.verdict(passed)
    }
  }

  /// What is known without real images.
  private static func freeRemarks(_ data: ReportData) -> Remarks {
    var remarks = Remarks()
    if let guarantee = data.guarantee, !guarantee.isProved {
      remarks.warnings.append(
        "Differential privacy is claimed, epsilon \(Decimals.epsilon(guarantee.epsilon)) and delta "
          + "\(guarantee.delta), but nothing here proves it.")
    } else if let guarantee = data.guarantee {
      remarks.good.append(
        "Differential privacy is guaranteed: epsilon \(Decimals.epsilon(guarantee.epsilon)), delta "
          + "\(guarantee.delta), for \(guarantee.unit).")
    } else {
      remarks.warnings.append("No differential privacy guarantee is known for this set.")
    }
    if let own = data.ownFindings?.value {
      let names = data.synthetic.value.classNames
      let missing = own.missingClasses.map { names[$0] }
      if !missing.isEmpty {
        remarks.warnings.append(
          "Classes without a synthetic image: \(missing.joined(separator: ", ")).")
      }
      let collapsed = own.collapsedClasses.map { names[$0] }
      if !collapsed.isEmpty {
        remarks.warnings.append(
          "Mode collapse: the images of a class are nearly all alike: "
            + "\(collapsed.joined(separator: ", ")).")
      }
      if own.duplicateShare > 0.01 {
        remarks.warnings.append(
          "Mode collapse: \(Figures.percent(own.duplicateShare)) of the images repeat another one.")
      }
    }
    remarks.warnings += data.freeSignals.value.compactMap(trendWarning)
    return remarks
  }

  private static func add(_ attacks: AttackFindings?, to remarks: inout Remarks) {
    guard let attacks else {
      remarks.warnings.append(
        "No attack was made: no real images are known that the model has not seen.")
      return
    }
    for attack in attacks.attacks where attack.isFlagged {
      remarks.failures.append(
        "Members found by “\(attack.title)”: area under the curve "
          + "\(Figures.text(attack.ranking.areaUnderCurve)), more than chance and than the control."
      )
    }
    if attacks.memorization.isFlagged {
      remarks.failures.append("Synthetic images copy training images.")
    }
    if attacks.outliers.ranking.cautiousLowerBound > 0.5 {
      remarks.failures.append("The most isolated training images are reproduced.")
    }
    if attacks.inversion?.isFlagged ?? false {
      remarks.failures.append("The average of some class is a training image.")
    }
    if attacks.attacks.contains(where: { !$0.seesCopies }) {
      remarks.warnings.append("An attack missed its positive control: it says nothing here.")
    }
  }

  private static func trendWarning(_ signal: TrainingSignal) -> String? {
    switch TrainingTrend(signal).course {
    case .improving: "“\(signal.name)” was still improving at the end: more steps may help."
    case .worsening: "“\(signal.name)” was getting worse at the end."
    case .flat, .unknown: nil
    }
  }

  private static func add(
    _ real: RealFindings, _ classNames: [String], to remarks: inout Remarks
  ) {
    add(real.attacks, to: &remarks)
    if let first = real.fidelity.first, first.synthetic.coverage < 0.5 * first.real.coverage {
      remarks.warnings.append(
        "Little variety: the set covers \(Figures.percent(first.synthetic.coverage)) of the real"
          + " images' neighbourhoods, \(Figures.percent(first.real.coverage)) is possible.")
    }
    if let agreement = real.labelAgreement {
      let total = agreement.predictedCounts.reduce(0, +)
      let rare = agreement.predictedCounts.indices.filter {
        let expected = Double(real.classCounts[$0]) / Double(max(1, real.classCounts.reduce(0, +)))
        return Double(agreement.predictedCounts[$0]) < 0.2 * expected * Double(total)
      }
      if !rare.isEmpty {
        remarks.warnings.append(
          "Classes that a classifier hardly recognises among the synthetic images: "
            + rare.map { classNames[$0] }.joined(separator: ", ") + ".")
      }
    }
    if let cnn = real.utility.first(where: { $0.kind == .convolutional }) {
      remarks.good.append(
        "A convolutional network trained on it recognises \(Figures.percent(cnn.accuracy)) of real"
          + " test images (\(Figures.percent(cnn.ceiling)) when trained on real images).")
    }
  }
}
