import Compute
import Datasets
import FoundationEssentials
import Privacy
import Testing

@testable import Evaluation

@Suite struct TablesReportTests {
  private let domains = DrawnTable.domains([4, 3, 8, 40, 5, 6], numeric: [2, 3])

  private func data(
    training: CodedTable, test: CodedTable?, synthetic: CodedTable? = nil, seed: UInt64 = 1
  ) throws -> ReportData {
    let own = try synthetic ?? DrawnTable.dependent(600, domains, seed: 3)
    var data = ReportData(
      title: "A table", subtitle: "below",
      synthetic: Releasable(
        LabelledImages(shape: Shape(1, 1, 1), classNames: ["all"], labels: [], pixels: []),
        .postProcessing),
      provenance: Provenance(command: "figment evaluate JOB", facts: []))
    data.guarantee = Guarantee(epsilon: 1, delta: 1e-6, unit: "one row", statement: ["words"])
    data.tables = try TableEvaluation.run(
      synthetic: Releasable(own, .postProcessing), training: Sensitive(training),
      test: test.map { Sensitive($0) }, seed: seed,
      assumptions: ["The network has degree 2."])
    return data
  }

  @Test func theReleaseReportDependsOnTheSyntheticTableAlone() throws {
    let test = try DrawnTable.dependent(500, domains, seed: 2)
    let reports = try [
      try DrawnTable.dependent(700, domains, seed: 1),
      try DrawnTable.uniform(300, domains, seed: 8),
    ].map { try data(training: $0, test: test) }
    let pages = reports.map { HTMLReport($0.document(for: ReleaseReport.self)).markup }
    #expect(pages[0] == pages[1])
    let json = try reports.map { try $0.document(for: ReleaseReport.self).json() }
    #expect(json[0] == json[1])
    #expect(pages[0].contains("The network has degree 2."))
    #expect(pages[0].contains("numbers from 0 to 8 in 8 bins"))
    #expect(!String(decoding: json[0], as: UTF8.self).contains("table_"))
    let inside = reports.map { HTMLReport($0.document(for: InternalReport.self)).markup }
    #expect(inside[0] != inside[1])
  }

  @Test func theInternalReportNamesEveryFigure() throws {
    let data = try data(
      training: try DrawnTable.dependent(700, domains, seed: 1),
      test: try DrawnTable.dependent(500, domains, seed: 2))
    let document = data.document(for: InternalReport.self)
    let metrics = document.sections.flatMap { $0.blocks.flatMap(\.metrics) }
    let keys = Set(metrics.map(\.key))
    #expect(keys.count == metrics.count, "a key names one figure")
    for key in [
      "table_one_way_distance", "table_one_way_largest", "table_two_way_distance",
      "table_two_way_largest", "table_cramers_v_difference", "table_pearson_difference",
      "table_spearman_difference", "table_accuracy.c0", "table_r2.c2",
      "table_inference_advantage", "table_inference_risk.c5", "table_copies_training",
      "table_unique_copies_training", "table_singling_out_risk",
    ] {
      #expect(keys.contains(key), "\(key)")
    }
    let page = HTMLReport(document).markup
    #expect(page.contains("<th scope=\"col\">Rows</th>"))
    #expect(!page.contains("Synthetic images"))
    #expect(document.verdict.severity == .passed, "\(document.verdict.reasons)")
  }

  @Test func aCopiedTableFailsThePrivateVerdictOnly() throws {
    let training = try DrawnTable.dependent(700, domains, seed: 1)
    let data = try data(
      training: training, test: try DrawnTable.dependent(500, domains, seed: 2),
      synthetic: training)
    let inside = data.document(for: InternalReport.self).verdict
    #expect(inside.privacy.severity == .failed && inside.quality.severity == .passed)
    let outside = data.document(for: ReleaseReport.self).verdict
    #expect(outside.privacy.severity == .passed)
    #expect(outside.quality.severity == .note)
  }

  @Test func independentColumnsAreOfLittleUse() throws {
    let training = try DrawnTable.dependent(700, domains, seed: 1)
    let verdict = try data(
      training: training, test: try DrawnTable.dependent(500, domains, seed: 2),
      synthetic: try DrawnTable.shuffled(training, seed: 4)
    ).document(for: InternalReport.self).verdict
    #expect(verdict.quality.severity == .failed)
    #expect(verdict.quality.headline == "Poor quality: the rows are of little use.")
    let start = "The table shows little of how columns depend on each other: "
    #expect(verdict.quality.reasons.contains { $0.hasPrefix(start) }, "\(verdict.quality.reasons)")
  }

  /// A model can be worse than guessing without limit: a column with R² of −10 would outweigh all others in the mean.
  @Test func aColumnThatMisleadsCountsAsNoGain() throws {
    let training = try DrawnTable.dependent(700, domains, seed: 1)
    let good = try DrawnTable.dependent(600, domains, seed: 3)
    var codes = good.codes
    for row in 0..<good.rowCount {
      let place = row * domains.count + 3
      if codes[place] < 40 { codes[place] = (39 - codes[place]) / 8 }
    }
    let misleading = try CodedTable(domains: domains, codes: codes, rowCount: good.rowCount)
    let data = try data(
      training: training, test: try DrawnTable.dependent(500, domains, seed: 2),
      synthetic: misleading)
    let document = data.document(for: InternalReport.self)
    let score = document.sections.flatMap { $0.blocks.flatMap(\.metrics) }
      .first { $0.key == "table_r2.c3" }
    #expect(try #require(score?.value) < -0.5, "the column misleads")
    let reason = try #require(document.verdict.reasons.first { $0.contains("achieve") })
    let share = try #require(reason.firstMatch(of: /achieve (−?[0-9.]+) %/)?.1)
    #expect(try #require(Double(share)) > 40, "the other columns are as good as before: \(reason)")
  }

  @Test func withoutATestTableNothingIsPredictedOrAttacked() throws {
    let data = try data(training: try DrawnTable.dependent(700, domains, seed: 1), test: nil)
    let document = data.document(for: InternalReport.self)
    let keys = document.sections.flatMap { $0.blocks.flatMap(\.metrics) }.map(\.key)
    #expect(keys.contains("table_two_way_distance") && keys.contains("table_copies_training"))
    #expect(!keys.contains { $0.hasPrefix("table_accuracy") || $0.hasPrefix("table_inference") })
    #expect(document.verdict.privacy.severity == .warning)
    #expect(HTMLReport(document).markup.contains("Declare held-out rows"))
  }

  @Test func aReportOnATableSpeaksOfRows() throws {
    var data = try data(training: try DrawnTable.dependent(300, domains, seed: 1), test: nil)
    data.privateSignals = Sensitive([
      TrainingSignal(name: "loss", direction: .target, steps: [1, 2], values: [1, 2])
    ])
    data.trainingEnd = Releasable(TrainingEnd(drifts: [], balance: "Balance."), .postProcessing)
    data.provenance.command = "figmentd evaluate"
    let inside = HTMLReport(data.document(for: InternalReport.self)).markup
    let outside = HTMLReport(data.document(for: ReleaseReport.self)).markup
    for page in [inside, outside] {
      // The style sheet speaks of images; no sentence does.
      let body = page[(page.firstRange(of: "</style>")?.upperBound ?? page.startIndex)...]
      #expect(!body.lowercased().contains("image"))
      #expect(
        page.contains(
          "figmentd evaluate --synthetic SET --train TABLES --test HELD-OUT --columns FILE"))
    }
    #expect(
      inside.contains("this report contains numbers computed from private rows without noise"))
    #expect(outside.contains("beyond the synthetic rows"))
    #expect(outside.contains("Training curves measured with real rows"))
  }

  @Test func aTableAloneIsReportedWithoutRealRows() throws {
    var data = try data(training: try DrawnTable.uniform(10, domains, seed: 1), test: nil)
    data.tables = TableEvaluation.alone(
      synthetic: Releasable(try DrawnTable.uniform(50, domains, seed: 1), .postProcessing),
      assumptions: [])
    let document = data.document(for: InternalReport.self)
    #expect(document.sections.map(\.key).contains("table"))
    #expect(!document.sections.map(\.key).contains("table-fidelity"))
    #expect(document.verdict.quality.headline == "Quality not measured here.")
  }
}
