import Compute
import Datasets
import Testing

@testable import Evaluation

/// Measures of tables against numpy, scipy, scikit-learn and anonymeter (make_table_goldens.py).
@Suite struct TablesGoldenTests {
  let goldens: TableGoldens
  let synthetic: CodedTable, training: CodedTable, test: CodedTable
  let findings: RealTableFindings

  init() throws {
    goldens = try TableGoldens.read()
    synthetic = try TableGoldens.table(goldens.synthetic)
    training = try TableGoldens.table(goldens.training)
    test = try TableGoldens.table(goldens.test)
    findings = try TableEvaluation.findings(synthetic, training, test, seed: 1)
  }

  private func expectClose(
    _ own: [Double], _ golden: [Double], absolute: Double = 1e-12,
    _ location: SourceLocation = #_sourceLocation
  ) {
    #expect(own.count == golden.count, sourceLocation: location)
    for (own, golden) in zip(own, golden) {
      #expect(abs(own - golden) <= absolute, "\(own) \(golden)", sourceLocation: location)
    }
  }

  @Test func distancesOfMarginalsAgreeWithNumpy() {
    expectClose(findings.oneWay.distances.map(\.synthetic), goldens.oneWay)
    expectClose(findings.oneWay.distances.compactMap(\.real), goldens.oneWayReal)
    expectClose(findings.twoWay.distances.map(\.synthetic), goldens.twoWay)
    expectClose(findings.twoWay.distances.map(\.uniform), goldens.twoWayUniform)
    expectClose(findings.twoWay.distances.compactMap(\.independent), goldens.twoWayIndependent)
  }

  @Test func associationsAgreeWithScipy() {
    let measures: [(AssociationFinding.Measure, [String: [Double]])] = [
      (.cramersV, goldens.cramersV), (.pearson, goldens.pearson), (.spearman, goldens.spearman),
    ]
    for (measure, golden) in measures {
      let own = findings.associations.filter { $0.measure == measure }
      expectClose(own.map(\.synthetic), golden["synthetic"] ?? [], absolute: 1e-10)
      expectClose(own.map(\.training), golden["training"] ?? [], absolute: 1e-10)
    }
    #expect(findings.associations.count == 11)
  }

  @Test func regressionsAgreeWithScikitLearn() throws {
    for (column, domain) in training.domains.enumerated() {
      let rows = OneHotRows(synthetic, predicting: column)
      let tested = OneHotRows(test, predicting: column)
      let golden = goldens.predictions[column]
      if let centres = domain.binCentres {
        let model = RidgeRegression(rows, values: rows.targets.map { centres[Int($0)] })
        let own = model.predictions(for: tested)
        for (own, row) in zip(own, golden.first) {
          guard case .number(let value) = row else { throw Unexpected() }
          #expect(abs(own - value) < 1e-6)
        }
        let truth = tested.targets.map { centres[Int($0)] }
        let score = try #require(TableUtility.determination(of: own, truth).value)
        #expect(abs(score - golden.score) < 1e-7)
      } else {
        let model = SoftmaxRegression(rows, tolerance: 1e-9, iterationLimit: 2000)
        for (own, row) in zip(model.probabilities(for: tested), golden.first) {
          guard case .probabilities(let values) = row else { throw Unexpected() }
          expectClose(own, values, absolute: 1e-5)
        }
        let right = zip(model.predictions(for: tested), tested.targets).count { $0 == $1 }
        #expect(abs(Double(right) / Double(tested.rowCount) - golden.score) < 1e-12)
      }
    }
  }

  /// The early end that saves time must not change what a reader sees.
  @Test func theDefaultToleranceIsCloseEnoughForAccuracies() {
    for column in training.domains.indices where !training.domains[column].hasNumbers {
      let rows = OneHotRows(synthetic, predicting: column)
      let tested = OneHotRows(test, predicting: column)
      let accuracy = { (model: SoftmaxRegression) in
        let right = zip(model.predictions(for: tested), tested.targets).count { $0 == $1 }
        return Double(right) / Double(tested.rowCount)
      }
      let full = SoftmaxRegression(rows, tolerance: 1e-9, iterationLimit: 2000)
      #expect(abs(accuracy(SoftmaxRegression(rows)) - accuracy(full)) < 0.01)
    }
  }

  @Test func risksAgreeWithAnonymeter() {
    for row in goldens.risks {
      let risk = ResidualRisk(
        memberHits: Int(row[0]), nonMemberHits: Int(row[1]), count: Int(row[2]))
      #expect(isClose(risk.value, row[3], relative: 1e-9))
      #expect(abs(risk.value - risk.interval.low - row[4]) < 1e-9)
    }
  }

  @Test func guessesAndCopiesAgreeWithTheirDefinition() {
    let secrets = Array(training.domains.indices)
    let hits = [training, test].map {
      AttributeInference.hits(on: $0.rows(at: 0..<80), from: synthetic, secrets)
    }
    for column in secrets {
      #expect(hits.map { records in records.count { $0[column] } } == goldens.inference[column])
    }
    #expect(findings.copies.training.copies == goldens.copies[0])
    #expect(findings.copies.test?.copies == goldens.copies[1])
  }

  private struct Unexpected: Error {}
}
