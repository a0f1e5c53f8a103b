import Privacy

/// The rule behind the box at the top of a report.
///
/// Privacy and quality have separate verdicts, because neither determines the other: pure noise is perfectly
/// private. Privacy passes if a guarantee of some strength holds. It is a warning if the guarantee is weak or
/// an attack distinguished members, and fails if an attack, a copy or a canary was found. Quality passes only
/// if it was measured with real images. Without real images, signs of failure are reported, and their absence
/// is no evidence of quality.
struct VerdictRule {
  /// The verdict from all results.
  let internalVerdict: Sensitive<Verdict>
  /// The verdict from releasable values.
  let releasedVerdict: Releasable<Verdict>

  /// A classifier trained on the set must close this share of the gap between guessing and training
  /// on real images; below the second it is poor.
  static let usefulShare = (enough: 0.75, poor: 0.25)
  /// The same for the share of real images' neighbourhoods that are reached.
  private static let coveredShare = (enough: 0.5, poor: 0.05)

  /// The remarks about one of the two questions.
  struct Remarks {
    var failures: [String] = []
    var warnings: [String] = []
    var good: [String] = []
    /// Whether the good remarks justify a good verdict.
    var isEstablished = false
    /// The text if they do not.
    var unestablished: String?

    func part(_ words: (ReportBlock.Severity) -> String) -> Verdict.Part {
      let severity: ReportBlock.Severity =
        !failures.isEmpty
        ? .failed : !warnings.isEmpty ? .warning : isEstablished ? .passed : .note
      return Verdict.Part(
        severity: severity, headline: words(severity),
        reasons: failures + warnings + good
          + (isEstablished ? [] : [unestablished].compactMap { $0 }))
    }
  }

  typealias Both = (privacy: Remarks, quality: Remarks)

  init(_ data: ReportData) {
    let free: Both = (Self.guaranteeRemarks(data), Self.ownRemarks(data))
    releasedVerdict = Releasable(
      Self.verdict(Self.ended(free, data.freeSignals.value, data), data), .postProcessing)
    let scored = data.modelAttacks.map(with: data.canaries) { attacks, audit in
      var both = free
      Self.add(attacks, audit, data.guarantee, to: &both.privacy)
      return both
    }.map(with: data.privateSignals) { both, signals in
      Self.ended(both, data.freeSignals.value + signals, data)
    }
    let modelled = data.tables?.real.map { Self.adding($0, to: scored) } ?? scored
    guard let findings = data.findings else {
      internalVerdict = modelled.map { Self.verdict($0, data) }
      return
    }
    internalVerdict = modelled.map(with: findings.real) { both, real in
      var both = both
      Self.add(real.attacks, data.guarantee, to: &both.privacy)
      Self.add(real, findings.classNames, to: &both.quality)
      return Self.verdict(both, data)
    }
  }

  private static func adding(
    _ tables: Sensitive<RealTableFindings>, to remarks: Sensitive<Both>
  ) -> Sensitive<Both> {
    remarks.map(with: tables) { both, tables in
      var both = both
      add(tables, to: &both)
      return both
    }
  }

  private static func verdict(_ both: Both, _ data: ReportData) -> Verdict {
    let epsilon = data.guarantee.map { Decimals.epsilon($0.epsilon) } ?? "unknown"
    return Verdict(
      privacy: both.privacy.part { severity in
        switch severity {
        case .failed: "Not private: do not share this set."
        case .warning where data.guarantee == nil: "No guarantee of privacy is known."
        case .warning where data.guarantee?.isProved == false:
          "Privacy is stated by the release, and was not checked here."
        case .warning:
          data.guarantee?.warningHeadline ?? "Private: epsilon \(epsilon). Read the warnings."
        default:
          "Private: epsilon \(epsilon), \(data.guarantee?.strength.rawValue ?? "no") protection."
        }
      },
      quality: both.quality.part { severity in
        switch severity {
        case .failed:
          "Poor quality: the \(data.subject.rawValue) are of little use."
        case .warning: "Quality: read the warnings."
        case .passed:
          "Good quality, measured with real \(data.subject.rawValue)."
        case .note: "Quality not measured here."
        }
      })
  }

  /// The facts about the guarantee.
  private static func guaranteeRemarks(_ data: ReportData) -> Remarks {
    var remarks = Remarks()
    if let guarantee = data.guarantee, !guarantee.isProved {
      remarks.warnings.append(
        "Differential privacy with epsilon \(Decimals.epsilon(guarantee.epsilon)) and delta "
          + "\(Decimals.number(guarantee.delta)) is stated for this set. It follows from the training, which an evaluation "
          + "does not see: 'figment ledger verify' checks it.")
    } else if let guarantee = data.guarantee {
      remarks.isEstablished = true
      let words =
        "Differential privacy holds with epsilon \(Decimals.epsilon(guarantee.epsilon)) and delta "
        + "\(Decimals.number(guarantee.delta)) for \(guarantee.unit): \(guarantee.strength.words)."
      if guarantee.strength.needsWarning {
        remarks.warnings.append(words)
      } else {
        remarks.good.append(words)
      }
      if let remark = guarantee.deltaSize?.remark {
        if guarantee.hasLargeDelta {
          remarks.warnings.append(remark)
        } else {
          remarks.good.append(remark)
        }
      }
    } else {
      remarks.warnings.append("No differential privacy guarantee is known for this set.")
    }
    return remarks
  }

  /// The evidence of the set and the training without real images.
  private static func ownRemarks(_ data: ReportData) -> Remarks {
    var remarks = Remarks()
    if let warning = data.noiseWarning?.value { remarks.warnings.append(warning) }
    if let own = data.ownFindings?.value {
      let names = data.synthetic.value.classNames
      let missing = own.missingClasses.map { names[$0] }
      if !missing.isEmpty {
        remarks.warnings.append(
          "Classes without a synthetic image: \(missing.map { "“\($0)”" }.joined(separator: ", "))."
        )
      }
      let collapsed = own.collapsedClasses.map { names[$0] }
      if !collapsed.isEmpty {
        remarks.warnings.append(
          "Mode collapse: a class is a few images with slight changes: "
            + "\(collapsed.joined(separator: ", ")).")
      }
      if own.blankShare > 0.01 {
        remarks.warnings.append(
          "Blank images: \(Figures.percent(own.blankShare)) of the images show nothing but one colour."
        )
      }
      if own.shownDuplicateShare > 0.01 {
        remarks.warnings.append(
          "Mode collapse: \(Figures.percent(own.shownDuplicateShare)) of the images repeat another one."
        )
      }
    }
    if let score = data.paidAccuracy?.value {
      add(score, classCount: data.synthetic.value.classNames.count, to: &remarks)
    }
    remarks.unestablished =
      "The set alone cannot show its quality. Its owner can measure it with real"
      + " \(data.subject.rawValue):"
      + " “\(data.evaluation)”. The figures stay in the internal report."
    return remarks
  }

  /// Adds the meaning of a paid score, which was measured on real images with noise.
  ///
  /// No classifier trained on real images is available for comparison, so the assumed maximum is 100 %. The
  /// rule uses the end of the interval that weakens the claim.
  private static func add(_ score: PaidAccuracy, classCount: Int, to remarks: inout Remarks) {
    guard let accuracy = score.accuracy, classCount > 1 else {
      remarks.warnings.append(
        "The paid score means nothing: its noise is too strong. Spend more epsilon on it."
      )
      return
    }
    remarks.isEstablished = true
    let guessing = 1 / Double(classCount)
    let interval = score.interval
    let words =
      "A classifier trained on the set alone classifies \(Figures.percent(accuracy)) of the real"
      + " training images correctly (\(Figures.percent(interval.low)) to"
      + " \(Figures.percent(interval.high)) because of the noise; about \(Figures.percent(guessing)) by"
      + " guessing). This score was paid for."
    let share = { (value: Double) in (value - guessing) / (1 - guessing) }
    if share(interval.high) < usefulShare.poor {
      remarks.failures.append("Of little use: \(words)")
    } else if share(interval.low) < usefulShare.enough {
      remarks.warnings.append("Less useful than real images: \(words)")
    } else {
      remarks.good.append(words)
    }
  }

  /// Adds what curves and previews show about the end of training, so that no two sentences
  /// contradict each other.
  private static func ended(_ both: Both, _ signals: [TrainingSignal], _ data: ReportData) -> Both {
    var both = both
    let named = { (course: TrainingTrend.Course) in
      signals.filter { TrainingTrend($0).course == course }.map { "“\($0.name)”" }
    }
    let (better, worse) = (named(.improving), named(.worsening))
    switch (better.isEmpty, worse.isEmpty) {
    case (false, false):
      both.quality.warnings.append(
        "The curves disagree about the end of the training. Improving: \(better.joined(separator: ", "));"
          + " worsening: \(worse.joined(separator: ", ")). It is unclear whether more steps would help."
      )
    case (false, true):
      both.quality.warnings += better.map {
        "\($0) was still improving at the end: more steps may help."
      }
    case (true, false):
      both.quality.warnings += worse.map { "\($0) was getting worse at the end." }
    case (true, true):
      // Curves take precedence over previews, which show change, not quality.
      if let conclusion = data.trainingEnd?.value.conclusion {
        both.quality.good.append(conclusion)
      }
    }
    return both
  }

  private static func add(
    _ attacks: [ModelAttack], _ audit: CanaryAudit?, _ guarantee: Guarantee?,
    to remarks: inout Remarks
  ) {
    for attack in attacks where AttackFinding.isFlagged(attack.ranking, beyond: nil) {
      add(
        "The model reveals members: \(attack.name) (\(attack.ranking.areaWords)).", attack.ranking,
        guarantee, to: &remarks)
    }
    for attack in attacks
    where attack.ranking.isAboveGuessing && !AttackFinding.isFlagged(attack.ranking, beyond: nil) {
      remarks.warnings.append(
        "The model's scores distinguished members: \(attack.name), \(attack.ranking.areaWords).")
    }
    if let audit, let guarantee, audit.epsilonLowerBound > guarantee.epsilon {
      remarks.failures.append(
        "Canaries refute the guarantee: with 95 % confidence epsilon is at least "
          + "\(Figures.text(audit.epsilonLowerBound)).")
    }
  }

  private static func add(
    _ attacks: AttackFindings?, _ guarantee: Guarantee?, to remarks: inout Remarks
  ) {
    guard let attacks else {
      remarks.warnings.append(
        "No attack was run: the model has seen all known real images.")
      return
    }
    for attack in attacks.attacks where attack.isFlagged {
      add(attack.conclusion, attack.ranking, guarantee, to: &remarks)
    }
    remarks.warnings += attacks.attacks.filter(\.isToldApart).map(\.conclusion)
    if attacks.memorization.isFlagged { remarks.failures.append(attacks.memorization.conclusion) }
    if attacks.outliers.ranking.cautiousLowerBound > 0.5 {
      add(attacks.outliers.conclusion, attacks.outliers.ranking, guarantee, to: &remarks)
    } else if attacks.outliers.ranking.isAboveGuessing {
      remarks.warnings.append(attacks.outliers.conclusion)
    }
    if attacks.inversion?.isFlagged ?? false { remarks.failures.append(InversionProbe.flagWords) }
    if attacks.attacks.contains(where: { !$0.seesCopies }) {
      remarks.warnings.append("An attack failed its positive control, so its result means nothing.")
    }
    let failed = attacks.attacks.filter { !$0.isFlagged && !$0.isToldApart && $0.seesCopies }
    if !failed.isEmpty {
      remarks.good.append(
        (failed.map(\.conclusion) + [AttackFindings.noProof]).joined(separator: " "))
    }
  }

  /// Adds an attack that found members: a failure, unless a proved guarantee permits as much.
  private static func add(
    _ conclusion: String, _ ranking: MembershipRanking, _ guarantee: Guarantee?,
    to remarks: inout Remarks
  ) {
    guard let guarantee, guarantee.permits(ranking) else {
      remarks.failures.append(conclusion)
      return
    }
    let words = "\(conclusion) \(guarantee.permissionWords)"
    if guarantee.isProved { remarks.warnings.append(words) } else { remarks.failures.append(words) }
  }

  private static func add(
    _ real: RealFindings, _ classNames: [String], to remarks: inout Remarks
  ) {
    if let first = real.fidelity.first {
      remarks.isEstablished = true
      let words =
        "the set covers \(Figures.percent(first.synthetic.coverage)) of the real images'"
        + " neighbourhoods (\(Figures.percent(first.real.coverage)) is possible)."
      let share = first.synthetic.coverage / max(first.real.coverage, 1e-9)
      switch severity(ofCoverage: share, isUseful: isUseful(real)) {
      case .failed: remarks.failures.append("Unlike the real images: \(words)")
      case .warning where share < coveredShare.poor:
        remarks.warnings.append("Unlike the real images, though useful: \(words)")
      case .warning: remarks.warnings.append("Little variety: \(words)")
      case .passed, .note: remarks.good.append("Variety: \(words)")
      }
    }
    let rare = real.labelAgreement?.rareClasses ?? []
    if !rare.isEmpty {
      remarks.warnings.append(
        "Classes whose synthetic images a classifier hardly recognises: "
          + rare.map { classNames[$0] }.joined(separator: ", ") + ".")
    }
    if let cnn = real.utility.first(where: { $0.kind == .convolutional }) {
      add(
        cnn, guessing: real.guessingAccuracy,
        of: real.attacks == nil ? "training images that were set aside" : "real test images",
        to: &remarks)
    }
  }

  /// What a share of the real images' neighbourhoods means.
  ///
  /// Images in black and white are unlike grey ones, and what is learnt from them may be right all the same: a set
  /// that is as useful as real images is not of little use.
  static func severity(ofCoverage share: Double, isUseful: Bool) -> ReportBlock.Severity {
    if share < coveredShare.poor { return isUseful ? .warning : .failed }
    return share < coveredShare.enough ? .warning : .passed
  }

  private static func isUseful(_ real: RealFindings) -> Bool {
    real.utility.contains {
      $0.kind == .convolutional
        && usefulShare($0.interval.low, $0, real.guessingAccuracy) >= usefulShare.enough
    }
  }

  /// The share of the gap between guessing and training on real images that an accuracy closes.
  private static func usefulShare(
    _ accuracy: Double, _ cnn: UtilityFinding, _ guessing: Double
  ) -> Double {
    (accuracy - guessing) / max(cnn.ceiling - guessing, 1e-9)
  }

  private static func add(
    _ cnn: UtilityFinding, guessing: Double, of images: String, to remarks: inout Remarks
  ) {
    let words =
      "A convolutional network trained on it recognises \(Figures.percent(cnn.accuracy)) of "
      + "\(images) (\(Figures.percent(cnn.ceiling)) when trained on real images, "
      + "\(Figures.percent(guessing)) by guessing)."
    let share = usefulShare(cnn.accuracy, cnn, guessing)
    if share < usefulShare.poor {
      remarks.failures.append("Of little use: \(words)")
    } else if share < usefulShare.enough {
      remarks.warnings.append("Less useful than real images: \(words)")
    } else {
      remarks.good.append(words)
    }
  }
}
