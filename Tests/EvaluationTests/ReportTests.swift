import Compute
import FoundationEssentials
import Privacy
import Testing

@testable import Evaluation

@Suite struct ReportTests {
  private let images: LabelledImages = {
    var stream = SeededStream(seed: 1)
    return LabelledImages(
      shape: Shape(4, 4, 1), classNames: ["<zero> & \"one\"", "two"],
      labels: (0..<40).map { $0 % 2 }, pixels: (0..<640).map { _ in UInt8(stream.next() & 255) })
  }()

  private func data(secret: Double = 0.123_456_7) -> ReportData {
    var data = ReportData(
      title: "Title & <tag>", subtitle: "below", synthetic: Releasable(images, .postProcessing),
      provenance: Provenance(
        command: "figmentd evaluate --train /private/folder", facts: [("Seed", "1")]))
    data.privateSignals = Sensitive([
      TrainingSignal(
        name: "secret loss", direction: .lower, steps: (0..<30).map(Double.init),
        values: (0..<30).map { secret - Double($0) * 1e-3 })
    ])
    data.modelAttacks = Sensitive([
      ModelAttack(
        name: "Secret attack", key: "secret", members: (0..<100).map { Double($0) + 60 },
        nonMembers: (0..<100).map(Double.init))
    ])
    return data
  }

  @Test func theReleaseVersionHoldsNothingSensitive() throws {
    let release = data().document(for: ReleaseReport.self)
    let page = HTMLReport(release).markup
    let json = String(decoding: try release.json(), as: UTF8.self)
    for text in [page, json, ReportText(release).text] {
      #expect(!text.contains("/private/folder"))
      #expect(!text.contains("secret loss") && !text.contains("Secret attack"))
      #expect(!text.contains("attack.secret"))
      #expect(text.contains("withheld"))
    }
    let page2 = HTMLReport(data().document(for: InternalReport.self)).markup
    #expect(page2.contains("secret loss") && page2.contains("Secret attack"))
  }

  @Test func theReleaseVersionDoesNotChangeWithWhatIsSensitive() throws {
    // No byte may depend on a private number: neither values nor verdicts nor the layout.
    let first = data(secret: 0.5).document(for: ReleaseReport.self)
    let second = data(secret: 9.25).document(for: ReleaseReport.self)
    #expect(HTMLReport(first).markup == HTMLReport(second).markup)
    #expect(try first.json() == second.json())
    let revealed = [0.5, 9.25].map {
      HTMLReport(data(secret: $0).document(for: InternalReport.self)).markup
    }
    #expect(revealed[0] != revealed[1])
  }

  /// What a run did to the images belongs beside its guarantee, and what it paid for to the top.
  @Test func phasesAndAnswersStandBelowTheGuarantee() throws {
    var data = data()
    data.guarantee = Guarantee(
      epsilon: 1, delta: 1e-5, unit: "one file", statement: ["In words."],
      phases: [Guarantee.Phase(name: "training", purpose: "noisy steps", cost: "40 releases")])
    data.paidAnswers = Releasable(
      [ReportTable(caption: "Counts", columns: ["Class", "Images"], rows: [["cat", "7"]])], .paidFor
    )
    let document = data.document(for: ReleaseReport.self)
    #expect(document.sections.prefix(3).map(\.key) == ["guarantee", "answers", "pictures"])
    let guarantee = String(decoding: try JSONEncoder().encode(document.sections[0]), as: UTF8.self)
    #expect(guarantee.contains("40 releases"))
    let page = HTMLReport(document).markup
    #expect(page.contains("noisy steps") && page.contains("Counts"))
    data.paidAnswers = Releasable([], .paidFor)
    #expect(!data.document(for: ReleaseReport.self).sections.contains { $0.key == "answers" })
  }

  @Test func thePageIsSelfContained() {
    for page in [
      HTMLReport(data().document(for: InternalReport.self)).markup,
      HTMLReport(data().document(for: ReleaseReport.self)).markup,
    ] {
      #expect(!page.contains("<script") && !page.contains("<link") && !page.contains("@import"))
      #expect(!page.contains("http://") && !page.contains("https://") && !page.contains("url("))
      #expect(page.contains("prefers-color-scheme:dark") && page.contains("@media print"))
      #expect(page.contains("data:image/png;base64,"))
    }
  }

  @Test func namesFromFoldersCannotBecomeMarkup() {
    let page = HTMLReport(data().document(for: InternalReport.self)).markup
    #expect(page.contains("&lt;zero&gt; &amp; &quot;one&quot;") && !page.contains("<zero>"))
    #expect(page.contains("Title &amp; &lt;tag&gt;"))
  }

  @Test func theJSONFileContainsEveryMetricOfThePage() throws {
    let document = data().document(for: InternalReport.self)
    let object = try JSONDecoder().decode(Twin.self, from: try document.json())
    #expect(object.format == "figment-report-1" && object.zone == "internal")
    let area = try #require(object.metrics["attack.secret.auc"])
    #expect(isClose(try #require(area.value), 0.92, relative: 0.01))
    #expect(area.direction == "lower" && area.count == 200)
  }

  private struct Twin: Decodable {
    struct Number: Decodable {
      let value: Double?
      let direction: String
      let count: Int?
    }
    let format: String
    let zone: String
    let metrics: [String: Number]
  }

  @Test func theVerdictFollowsItsRule() {
    let plain = ReportData(
      title: "t", subtitle: "s", synthetic: Releasable(images, .postProcessing),
      provenance: Provenance(command: "", facts: []))
    #expect(plain.document(for: ReleaseReport.self).verdict.privacy.severity == .warning)
    var guarded = plain
    guarded.guarantee = Guarantee(epsilon: 1, delta: 1e-5, unit: "one file", statement: [])
    for verdict in [
      guarded.document(for: ReleaseReport.self).verdict,
      guarded.document(for: InternalReport.self).verdict,
    ] {
      #expect(verdict.privacy.severity == .passed && verdict.privacy.headline.contains("epsilon 1"))
      #expect(verdict.quality.severity == .note && verdict.severity == .note)
    }
    var claimed = plain
    claimed.guarantee = Guarantee(
      epsilon: 1, delta: 1e-5, unit: "one file", statement: [], isProved: false)
    #expect(claimed.document(for: ReleaseReport.self).verdict.privacy.severity == .warning)
    var attacked = data()
    attacked.guarantee = guarded.guarantee
    #expect(attacked.document(for: InternalReport.self).verdict.privacy.severity == .failed)
    // The release verdict must not reveal the result of the attack.
    #expect(attacked.document(for: ReleaseReport.self).verdict.privacy.severity == .passed)
    var refuted = guarded
    refuted.canaries = Sensitive(
      CanaryAudit(
        scores: (0..<200).map { Double($0 % 2) }, wasInserted: (0..<200).map { $0 % 2 == 1 },
        delta: 1e-5))
    #expect(refuted.document(for: InternalReport.self).verdict.severity == .failed)
  }

  /// Only a proved guarantee that protects somebody makes a warning of an attack that it permits.
  @Test(arguments: [
    (5.0, 1e-5, true, ReportBlock.Severity.warning), (5, 1e-5, false, .failed),
    (0.1, 1e-5, true, .failed), (1761, 1e-5, true, .failed), (5, 0.01, true, .failed),
  ]) func anAttackWithinTheGuaranteeIsAWarning(
    _ epsilon: Double, _ delta: Double, _ isProved: Bool, _ severity: ReportBlock.Severity
  ) {
    var data = ReportData(
      title: "t", subtitle: "s", synthetic: Releasable(images, .postProcessing),
      provenance: Provenance(command: "", facts: []))
    data.guarantee = Guarantee(
      epsilon: epsilon, delta: delta, unit: "one file", units: 2009, statement: [],
      isProved: isProved)
    let scores = (0..<400).map { Double($0) / 400 }
    data.modelAttacks = Sensitive([
      ModelAttack(
        name: "Attack", key: "attack", members: scores.map { $0.squareRoot() }, nonMembers: scores)
    ])
    let verdict = data.document(for: InternalReport.self).verdict.privacy
    #expect(verdict.severity == severity)
    #expect(verdict.reasons.contains { $0.contains("The model reveals members: Attack") })
    let isPermitted = epsilon == 5 && delta == 1e-5
    #expect(
      verdict.reasons.contains { $0.contains("permits an area of up to 0.99") } == isPermitted)
  }

  @Test(arguments: [
    (1.0, 1e-5, 2009, ReportBlock.Severity.passed, "Private: epsilon 1, strong protection."),
    (2, 1e-5, 60_000, .passed, "Private: epsilon 2, good protection."),
    (10, 1e-5, 2009, .passed, "Private: epsilon 10, moderate protection."),
    (15, 1e-5, 2009, .warning, "Weak protection: epsilon 15."),
    (1761, 1e-5, 2009, .warning, "No meaningful protection: epsilon 1761."),
    (1, 0.01, 2009, .warning, "No meaningful protection: delta 0.01 is too large."),
  ]) func aGuaranteeThatProtectsNobodyIsNotCalledPrivate(
    _ epsilon: Double, _ delta: Double, _ units: Int, _ severity: ReportBlock.Severity,
    _ headline: String
  ) {
    var data = ReportData(
      title: "t", subtitle: "s", synthetic: Releasable(images, .postProcessing),
      provenance: Provenance(command: "", facts: []))
    data.guarantee = Guarantee(
      epsilon: epsilon, delta: delta, unit: "one file", units: units, statement: [])
    let verdict = data.document(for: ReleaseReport.self).verdict.privacy
    #expect(verdict.severity == severity && verdict.headline == headline)
    let page = HTMLReport(data.document(for: ReleaseReport.self)).markup
    #expect(page.contains(GuaranteeStrength(epsilon: epsilon).words))
  }

  @Test func theConclusionOfAnAttackFollowsItsInterval() {
    func ranking(_ shift: Int, of count: Int) -> MembershipRanking {
      MembershipRanking(
        members: (0..<count).map { Double($0 + shift) }, nonMembers: (0..<count).map(Double.init))
    }
    func finding(_ shift: Int, of count: Int, null: Int? = nil) -> AttackFinding {
      AttackFinding(
        key: "k", title: "Nearest", space: "pixels", ranking: ranking(shift, of: count),
        null: null.map { ranking($0, of: count) }, positive: nil)
    }
    let guessing = finding(0, of: 100)
    #expect(guessing.ranking.interval.low < 0.5 && !guessing.isToldApart && !guessing.isFlagged)
    #expect(guessing.conclusion.contains("could not distinguish members from other real images"))
    // Above guessing with 95 % confidence, but not with the 99.9 % that a flag requires.
    let doubtful = finding(10, of: 100)
    #expect(doubtful.ranking.interval.low > 0.5 && !doubtful.isFlagged && doubtful.isToldApart)
    #expect(doubtful.conclusion.hasPrefix("“Nearest” distinguished members"))
    let found = finding(50, of: 100)
    #expect(found.isFlagged && found.conclusion.hasPrefix("“Nearest” found members"))
    // Without the set it is as easy: the images differ, and the set reveals nothing.
    let explained = finding(10, of: 100, null: 11)
    #expect(explained.ranking.interval.low > 0.5 && !explained.isToldApart)
    #expect(explained.conclusion.contains("no better than without the set"))
    #expect(finding(10, of: 100, null: 2).isToldApart)
    for finding in [guessing, doubtful, found, explained] {
      let interval = finding.ranking.interval
      #expect(
        finding.conclusion.contains(
          "95 % interval \(Figures.text(interval.low)) to \(Figures.text(interval.high))"))
    }
  }

  @Test func aProvedGuaranteeDoesNotMakePureNoiseReadAsGood() throws {
    // The images of this suite are noise, and they were not compared with real images.
    var noise = ReportData(
      title: "t", subtitle: "s", synthetic: Releasable(images, .postProcessing),
      provenance: Provenance(command: "", facts: []))
    noise.guarantee = Guarantee(epsilon: 1, delta: 1e-5, unit: "one file", statement: [])
    noise.ownFindingsAlone = Releasable(
      SyntheticFindings(images, on: Machine(threadCount: 1).threads), .postProcessing)
    let document = noise.document(for: ReleaseReport.self)
    #expect(document.verdict.quality.headline == "Quality not measured here.")
    let page = HTMLReport(document).markup
    #expect(page.contains("class=\"box verdict note\"") && !page.contains("box verdict passed"))
    #expect(!page.contains("Passed"))
    #expect(ReportText(document).text.contains("NOTE: Quality not measured here."))
    let json = String(decoding: try document.json(), as: UTF8.self)
    #expect(json.contains("figment evaluate JOB"))
  }

  @Test func trendsStateWhetherQualityStillRose() {
    var stream = SeededStream(seed: 4)
    func course(
      _ direction: Metric.Direction, _ value: (Double) -> Double
    ) -> TrainingTrend.Course {
      let steps = (0..<90).map(Double.init)
      return TrainingTrend(
        TrainingSignal(
          name: "s", direction: direction, steps: steps,
          values: steps.map { value($0) + 0.01 * stream.gaussian() })
      ).course
    }
    #expect(course(.higher) { $0 / 90 } == .improving)
    #expect(course(.lower) { $0 / 90 } == .worsening)
    #expect(course(.lower) { 1 / (1 + $0) } == .flat)
    #expect(course(.target) { $0 / 90 } == .flat)
    #expect(
      TrainingTrend(
        TrainingSignal(name: "s", direction: .higher, steps: [1, 2], values: [1, 2])
      ).course == .unknown)
  }

  @Test func figuresAreWrittenForReaders() {
    #expect(Figures.text(0.97314) == "0.9731")
    #expect(Figures.text(12.3456) == "12.35")
    #expect(Figures.text(123.456) == "123.5")
    #expect(Figures.text(1340.4) == "1340")
    #expect(Figures.text(60_000) == "60,000")
    #expect(Figures.text(-0.5) == "−0.5")
    #expect(Figures.text(0.0000314) == "3.1·10⁻⁵")
    #expect(Figures.text(.nan) == "not defined")
    #expect(Figures.text(1e30) == "1·10³⁰")
    #expect(Figures.percent(0.9731) == "97.3 %")
  }

  @Test func sheetsAreReadableImages() throws {
    let sheet = ImageSheet(images, columns: 7, caption: "c", alternative: "a")
    #expect(sheet.width == 7 * 6 - 2 && sheet.height == 6 * 6 - 2)
    #expect(sheet.png.prefix(4).elementsEqual([0x89, 0x50, 0x4E, 0x47]))
  }
}

/// The verdict at the top of a report, with paid answers and with contradictory signs.
@Suite struct VerdictTests {
  private func data() throws -> ReportData {
    var data = ReportData(
      title: "t", subtitle: "s", synthetic: Releasable(try GlyphSet.images(40), .postProcessing),
      provenance: Provenance(command: "figment train glyphs", facts: []))
    data.guarantee = Guarantee(epsilon: 1, delta: 1e-5, unit: "one file", statement: ["s"])
    return data
  }

  private func quality(_ data: ReportData) -> Verdict.Part {
    data.document(for: ReleaseReport.self).verdict.quality
  }

  @Test(arguments: [
    (0.98, 0.97, 0.99, ReportBlock.Severity.passed, "Good quality"),
    (0.6, 0.55, 0.65, .warning, "read the warnings"), (0.15, 0.1, 0.2, .failed, "Poor quality"),
  ])
  func aPaidAccuracyAppearsInTheVerdict(
    _ accuracy: Double, _ low: Double, _ high: Double, _ severity: ReportBlock.Severity,
    _ headline: String
  ) throws {
    var data = try data()
    #expect(quality(data).headline == "Quality not measured here.")
    data.paidAccuracy = Releasable(
      PaidAccuracy(accuracy: accuracy, interval: Interval(low: low, high: high, method: "noise")),
      .paidFor)
    let verdict = quality(data)
    #expect(verdict.severity == severity && verdict.headline.contains(headline))
    #expect(verdict.reasons.contains { $0.contains("This score was paid for") })
    #expect(!verdict.reasons.contains { $0.contains("cannot show its quality") })
  }

  @Test(arguments: [
    (0.02, true, ReportBlock.Severity.warning), (0.02, false, .failed), (0.3, true, .warning),
    (0.3, false, .warning), (0.8, false, .passed),
  ])
  func imagesThatAreUsefulAreNotOfLittleUse(
    _ coverage: Double, _ isUseful: Bool, _ severity: ReportBlock.Severity
  ) {
    #expect(VerdictRule.severity(ofCoverage: coverage, isUseful: isUseful) == severity)
  }

  @Test func aScoreDrownedByNoiseIsNotAMeasurement() throws {
    var data = try data()
    data.paidAccuracy = Releasable(
      PaidAccuracy(accuracy: nil, interval: Interval(low: 0, high: 1, method: "noise")), .paidFor)
    #expect(quality(data).severity == .warning)
    #expect(quality(data).reasons.contains { $0.contains("its noise is too strong") })
  }

  private func signal(_ name: String, rising: Bool) -> TrainingSignal {
    let steps = (0..<30).map { Double($0) }
    return TrainingSignal(
      name: name, direction: .higher, steps: steps, values: rising ? steps : steps.map { -$0 })
  }

  @Test func noVerdictContradictsItself() throws {
    var data = try data()
    data.trainingEnd = Releasable(
      TrainingEnd(drifts: [0.8, 0.1], balance: nil), .postProcessing)
    data.freeSignals = Releasable([signal("a", rising: true)], .postProcessing)
    var reasons = quality(data).reasons
    #expect(reasons.contains { $0.contains("“a” was still improving") })
    #expect(!reasons.contains { $0.contains("stopped changing") })
    data.privateSignals = Sensitive([signal("b", rising: false)])
    reasons = data.document(for: InternalReport.self).verdict.quality.reasons
    #expect(reasons.contains { $0.contains("The curves disagree") })
    #expect(!reasons.contains { $0.contains("more steps may help") })
    data.freeSignals = Releasable([], .postProcessing)
    reasons = quality(data).reasons
    #expect(reasons.contains { $0.contains("nearly stopped changing") })
  }

  @Test func theSuggestedCommandMatchesTheOriginOfTheSet() throws {
    var data = try data()
    #expect(quality(data).reasons.contains { $0.contains("“figment evaluate JOB”") })
    data.provenance.command = "figmentd run --images IMAGES"
    #expect(quality(data).reasons.contains { $0.contains("“figmentd evaluate --synthetic") })
    #expect(!quality(data).reasons.contains { $0.contains("figment evaluate JOB") })
  }
}
