import Compute
import Datasets
import Privacy
import Testing

@testable import Evaluation

/// Synthetic tables whose results are known beforehand.
@Suite struct TablesTests {
  let domains = DrawnTable.domains([4, 3, 8, 8, 5, 6], numeric: [2, 3])
  let training: CodedTable, test: CodedTable

  init() throws {
    training = try DrawnTable.dependent(2000, domains, seed: 1)
    test = try DrawnTable.dependent(1500, domains, seed: 2)
  }

  private func findings(_ synthetic: CodedTable) throws -> RealTableFindings {
    try TableEvaluation.findings(synthetic, training, test, seed: 5)
  }

  @Test func aCopyOfTheTrainingTableIsFoundByAllAttacks() throws {
    let copied = try findings(training)
    #expect(copied.oneWay.mean == 0 && copied.twoWay.mean == 0)
    #expect(copied.associations.allSatisfy { $0.difference == 0 })
    #expect(AssociationFinding.keptShare(of: copied.associations) == 1)
    #expect(copied.copies.training.value == 1)
    #expect(copied.copies.isFlagged)
    let inference = try #require(copied.inference)
    #expect(inference.isFlagged, "\(inference.conclusion)")
    #expect(inference.seesCopies)
    #expect(inference.columns.contains { $0.risk.interval.low > 0 })
    let singling = try #require(copied.singlingOut)
    #expect(singling.isFlagged && singling.risk.value > 0.3, "\(singling.conclusion)")
  }

  @Test func otherRowsOfTheSamePopulationAreAtTheNoiseFloor() throws {
    // Many independent columns, so that means over columns vary little.
    let domains = DrawnTable.domains([Int](repeating: 6, count: 30))
    let tables = try [(3000, 1), (2000, 2), (2000, 3)].map { rows, seed in
      try DrawnTable.uniform(rows, domains, seed: UInt64(seed))
    }
    for test in [tables[2], nil] {
      let fresh = try TableEvaluation.findings(tables[1], tables[0], test, seed: 5)
      // Two halves of the training table have 1500 rows each, so their noise is larger.
      let expected = test == nil ? ((1.0 / 3000 + 1.0 / 2000) / (2.0 / 1500)).squareRoot() : 1
      for findings in [fresh.oneWay, fresh.twoWay] {
        let ratio = try #require(findings.mean) / (try #require(findings.meanOfReal))
        #expect(abs(ratio / expected - 1) < 0.15, "\(ratio) \(expected)")
      }
    }
  }

  /// A hold-out folder of training rows makes every attack look harmless.
  @Test func holdOutRowsThatAreTrainingRowsAreNoticed() throws {
    let training = try DrawnTable.dependent(2000, domains, seed: 1)
    let part = try CodedTable(
      domains: domains, codes: Array(training.codes.prefix(400 * domains.count)), rowCount: 400)
    let own = try DrawnTable.dependent(1500, domains, seed: 3)
    let copies = TableCopies(synthetic: own, training: training, test: part)
    #expect(copies.testSeemsTrained && copies.uniqueTest?.count == 0)
    #expect(copies.trainedTestWords.contains("0 are hold-out rows, and about "))
    let others = TableCopies(
      synthetic: own, training: training, test: try DrawnTable.dependent(400, domains, seed: 2))
    #expect(!others.testSeemsTrained)
    var data = ReportData(
      title: "t", subtitle: "s", synthetic: Releasable(.none(), .postProcessing),
      provenance: Provenance(command: "c", facts: []))
    data.tables = try TableEvaluation.run(
      synthetic: Releasable(own, .postProcessing), training: Sensitive(training),
      test: Sensitive(part), seed: 1, assumptions: [])
    let verdict = data.document(for: InternalReport.self).verdict
    #expect(verdict.reasons.contains { $0.contains("seem to be training rows") })
    #expect(!verdict.reasons.contains { $0.contains("guessed no better") })
  }

  /// Images without a row miss all values at once, which is no dependence between the columns.
  @Test func valuesThatAreMissingTogetherMakeNoDependence() throws {
    let columns = ["a", "b"].map {
      ColumnDomain(name: $0, values: .categories(["x", "y", "z"]), allowsMissing: true)
    }
    var codes = try DrawnTable.uniform(1500, DrawnTable.domains([3, 3]), seed: 4).codes
    codes += [UInt8](repeating: 3, count: 2 * 60)
    let table = try CodedTable(domains: columns, codes: codes, rowCount: 1560)
    let other = try CodedTable(
      domains: columns, codes: Array(codes.prefix(3000)), rowCount: 1500)
    let found = try TableEvaluation.findings(other, table, nil, seed: 1).associations
    #expect(found.count == 1)
    #expect((found.first?.training ?? 1) < 0.06 && found.first?.difference ?? 1 < 1e-12)
  }

  @Test func otherRowsOfTheSamePopulationAreUsefulAndRevealNothing() throws {
    let fresh = try findings(try DrawnTable.dependent(1500, domains, seed: 3))
    #expect(!fresh.copies.testSeemsTrained)
    #expect(!fresh.copies.isFlagged)
    let inference = try #require(fresh.inference)
    #expect(!inference.isFlagged, "\(inference.conclusion)")
    let singling = try #require(fresh.singlingOut)
    #expect(!singling.isFlagged && singling.claimCount > 100, "\(singling.conclusion)")
    // A good table is useful: its models are as good as those of real rows, up to chance.
    for finding in try #require(fresh.predictions) {
      let own = try #require(finding.synthetic.value)
      let real = try #require(finding.real.value)
      #expect(abs(own - real) < 0.05, "\(finding.column) \(own) \(real)")
      #expect(real > (try #require(finding.baseline)) + 0.1)
    }
  }

  /// Where training and test rows come from different populations, the attack succeeds without any leak.
  @Test func theControlExplainsADifferenceOfThePopulations() throws {
    let shifted = try TableEvaluation.findings(
      try DrawnTable.dependent(1500, domains, seed: 3), training,
      try DrawnTable.uniform(1500, domains, seed: 4), seed: 5)
    let inference = try #require(shifted.inference)
    #expect(inference.advantage.cautiousLowerBound > 0.1)
    #expect(!inference.isFlagged && inference.isToldApart)
    #expect(inference.conclusion.contains("With other training rows in place"))
  }

  @Test func uniformNoiseIsFarAwayUselessAndRevealsNothing() throws {
    let noise = try findings(try DrawnTable.uniform(20_000, domains, seed: 4))
    // Its distance is that of equally frequent values, up to the noise of 20 000 rows.
    #expect(
      abs(try #require(noise.twoWay.mean) - (try #require(noise.twoWay.meanOfUniform))) < 0.01)
    #expect(
      abs(try #require(noise.oneWay.mean) - (try #require(noise.oneWay.meanOfUniform))) < 0.01)
    let inference = try #require(noise.inference)
    #expect(!inference.isFlagged, "\(inference.conclusion)")
    for finding in try #require(noise.predictions) {
      let own = try #require(finding.synthetic.value)
      #expect(own < (try #require(finding.baseline)) + 0.08, "\(finding.column) \(own)")
    }
  }

  @Test func independentColumnsHaveRightMarginalsAndWrongPairs() throws {
    let independent = try findings(try DrawnTable.shuffled(training, seed: 6))
    #expect(try #require(independent.oneWay.mean) < 1e-12)
    let distance = try #require(independent.twoWay.mean)
    #expect(distance > 0.3)
    #expect(abs(distance - (try #require(independent.twoWay.meanOfIndependent))) < 0.05)
    for finding in independent.associations {
      #expect(abs(finding.synthetic) < 0.1 && abs(finding.training) > 0.3)
    }
  }

  @Test func everySizeFromNoRowOnHasAResult() throws {
    for count in [0, 1, 2, 3] {
      for testCount in [nil, 0, 1, 2] as [Int?] {
        let small = training.rows(at: 0..<count)
        let rest = testCount.map { test.rows(at: 0..<$0) }
        for (own, real) in [(small, training), (training, small), (small, small)] {
          let result = try TableEvaluation.findings(own, real, rest, seed: 1)
          #expect((result.oneWay.mean == nil) == (own.rowCount == 0 || real.rowCount == 0))
          #expect(result.oneWay.mean?.isNaN != true && result.twoWay.mean?.isNaN != true)
          #expect((result.predictions == nil) == (rest?.rowCount ?? 0 == 0))
        }
      }
    }
  }

  @Test func aClaimHoldsIfExactlyOneRowHasItsValues() throws {
    let table = try CodedTable(
      domains: DrawnTable.domains([3, 3, 3]), codes: [0, 1, 2, 0, 1, 1, 2, 1, 2], rowCount: 3)
    let claims = [[(0, 0)], [(0, 2)], [(0, 0), (2, 2)], [(1, 1)], [(1, 1), (2, 1)], [(2, 0)]]
    let hold = claims.map { claim in
      SinglingOut.Claim(values: claim.map { (column: $0.0, code: UInt8($0.1)) })
        .singlesOut(table.columns)
    }
    #expect(hold == [false, true, true, false, true, false])
  }

  @Test func attacksOnSmallFreshTablesAreHardlyEverFlagged() throws {
    for trial in 0..<60 {
      let tables = try (0..<3).map {
        try DrawnTable.dependent(60, domains, seed: UInt64(100 + 3 * trial + $0))
      }
      let result = try TableEvaluation.findings(tables[0], tables[1], tables[2], seed: 1)
      #expect(try #require(result.singlingOut).isFlagged == false)
      #expect(try #require(result.inference).isFlagged == false)
      #expect(!result.copies.isFlagged)
    }
  }

  @Test func anAttackOnFewRowsClaimsNothing() throws {
    let few = training.rows(at: 0..<29)
    #expect(
      try TableEvaluation.findings(few, few, test.rows(at: 0..<29), seed: 1).inference == nil)
    let enough = training.rows(at: 0..<30)
    #expect(
      try TableEvaluation.findings(few, enough, test.rows(at: 0..<30), seed: 1).inference != nil)
  }

  @Test func constantColumnsCarryNoDependenceAndNoPrediction() throws {
    let domains = DrawnTable.domains([3, 4, 5], numeric: [1, 2])
    let constant = try CodedTable(
      domains: domains, codes: (0..<300).flatMap { [1, 2, UInt8($0 % 5)] }, rowCount: 300)
    let result = try TableEvaluation.findings(constant, constant, constant, seed: 1)
    #expect(result.associations.allSatisfy { $0.synthetic == 0 && $0.training == 0 })
    let predictions = try #require(result.predictions)
    #expect(predictions[0].synthetic.value == 1)
    #expect(predictions[1].synthetic.value == nil, "R² of a constant is not defined")
    #expect(result.inference?.columns[0].memberRate == 1)
  }

  @Test func columnsOf256CodesAndATableOfOneColumnWork() throws {
    let wide = DrawnTable.domains([256, 256, 2], numeric: [1])
    let table = try DrawnTable.dependent(1200, wide, seed: 7)
    let result = try TableEvaluation.findings(
      try DrawnTable.dependent(1200, wide, seed: 8), table,
      try DrawnTable.dependent(400, wide, seed: 9), seed: 1)
    let predictions = try #require(result.predictions)
    #expect(predictions.count == 3)
    #expect(try #require(predictions[1].synthetic.value) > 0.5)
    let single = try DrawnTable.uniform(100, DrawnTable.domains([4]), seed: 1)
    let alone = try TableEvaluation.findings(single, single, single, seed: 1)
    #expect(alone.oneWay.mean == 0 && alone.twoWay.mean == nil)
    #expect(alone.inference == nil && alone.predictions?.isEmpty == true)
  }

  @Test func codesAreNamedAsValuesAreEncoded() {
    let ages = ColumnDomain(
      name: "age", values: .numbers(minimum: 18, maximum: 27, bins: 4, areIntegers: true))
    // ⌊(n − 18)·4/10⌋ of the numbers 18 to 27.
    #expect((0..<5).map(ages.label) == ["18 to 20", "21 to 22", "23 to 25", "26 to 27", "missing"])
    #expect(ages.binCentres == [19, 21.5, 24, 26.5])
    let single = ColumnDomain(
      name: "stage", values: .numbers(minimum: 1, maximum: 4, bins: 4, areIntegers: true))
    #expect((0..<4).map(single.label) == ["1", "2", "3", "4"])
    let real = ColumnDomain(
      name: "mass", values: .numbers(minimum: -1, maximum: 1, bins: 4, areIntegers: false),
      allowsMissing: false)
    #expect((0..<4).map(real.label) == ["−1 to −0.5", "−0.5 to 0", "0 to 0.5", "0.5 to 1"])
    #expect(real.binCentres == [-0.75, -0.25, 0.25, 0.75])
  }

  @Test func theSameSeedGivesTheSameFigures() throws {
    let synthetic = try DrawnTable.dependent(500, domains, seed: 10)
    let results = try (0..<2).map { _ in try findings(synthetic) }
    #expect(
      results[0].predictions?.map(\.synthetic.value)
        == results[1].predictions?.map(\.synthetic.value))
    #expect(results[0].inference?.advantage.value == results[1].inference?.advantage.value)
    #expect(results[0].oneWay.meanOfReal == results[1].oneWay.meanOfReal)
  }

  /// An interval of 95 % must cover a score that is known: here that of the best possible predictor.
  @Test func theIntervalOfTheExplainedVarianceCoversIt() {
    var stream = SeededStream(seed: 11)
    var covered = 0
    for _ in 0..<400 {
      let truth = (0..<300).map { _ in (stream.gaussian(), stream.gaussian()) }
      let score = TableUtility.determination(of: truth.map { $0.0 }, truth.map { $0.0 + $0.1 })
      if let interval = score.interval, interval.low <= 0.5, interval.high >= 0.5 { covered += 1 }
    }
    #expect(covered > 365 && covered < 395, "\(covered) of 400")
  }

  @Test func badTablesAreRefusedWithoutNamingAValue() throws {
    let domain = DrawnTable.domains([3, 2])
    #expect(throws: EvaluationError.badTable(found: "no column", expected: "at least one column")) {
      try CodedTable(domains: [], codes: [], rowCount: 0)
    }
    #expect(throws: EvaluationError.badTable(found: "3 codes", expected: "2 rows of 2 codes")) {
      try CodedTable(domains: domain, codes: [0, 1, 0], rowCount: 2)
    }
    #expect(
      throws: EvaluationError.badTable(
        found: "a code outside the domain of column c0", expected: "codes below 3")
    ) {
      try CodedTable(domains: domain, codes: [0, 1, 3, 0], rowCount: 2)
    }
    let other = try DrawnTable.uniform(5, DrawnTable.domains([3, 4]), seed: 1)
    let own = try DrawnTable.uniform(5, domain, seed: 1)
    #expect(throws: EvaluationError.self) {
      try TableEvaluation.findings(own, other, nil, seed: 1)
    }
  }

  @Test func theKeptShareOfDependencesLeavesSamplingNoiseOut() {
    let finding = { (synthetic: Double, training: Double, noise: Double?) in
      AssociationFinding(
        measure: .pearson, columns: ["a", "b"], synthetic: synthetic, training: training,
        real: noise.map { (0, $0) })
    }
    // Differences of 0.2 and 0.1 of dependences of 0.4 and 0.3.
    #expect(
      abs((AssociationFinding.keptShare(of: [finding(0.2, -0.4, nil)]) ?? -1) - 0) < 1e-12,
      "the wrong sign is worse than none")
    let two = [finding(0.2, 0.4, nil), finding(-0.2, -0.3, nil)]
    #expect(abs((AssociationFinding.keptShare(of: two) ?? 0) - (1 - 0.3 / 0.7)) < 1e-12)
    let noisy = [finding(0.2, 0.4, 0.1), finding(-0.2, -0.3, 0.1)]
    #expect(abs((AssociationFinding.keptShare(of: noisy) ?? 0) - (1 - 0.1 / 0.5)) < 1e-12)
    #expect(AssociationFinding.keptShare(of: [finding(0.3, 0.01, nil)]) == nil)
    #expect(AssociationFinding.keptShare(of: []) == nil)
  }
}
