import Compute
import Learning
import TestSupport
import Testing

@testable import Models

/// The adaptive choice of tables, and the network that comes of it, on exact tables and on noisy ones.
@Suite struct BayesianNetworkLearnerTests {
  private static let limits = NetworkLearner.Limits(tableColumns: 2, degree: 6, cells: 10_000)

  private func learner(
    _ joint: CodeTable, limits: NetworkLearner.Limits = Self.limits, answers: PlainAnswers,
    rounds: Int
  ) throws -> NetworkLearner {
    var learner = NetworkLearner(codeCounts: joint.extents, limits: limits)
    learner.start(with: answers.oneWay(), deviation: answers.deviation)
    for _ in 0..<rounds { _ = try learner.round(asking: answers) }
    return learner
  }

  /// A distribution whose counts are whole, so that exact tables are.
  private func scaled(_ golden: String, to total: Double = 1e7) throws -> CodeTable {
    var joint = try GoldenNetwork(golden).joint()
    let factor = total / joint.sum
    joint.values = joint.values.map { ($0 * factor).rounded() }
    return joint
  }

  @Test(arguments: ["chain", "loop"])
  func withoutNoiseItFindsTheDistributionOfASmallNetwork(_ name: String) throws {
    let joint = try scaled(name)
    let answers = PlainAnswers(joint)
    let pairs = joint.columns.count * (joint.columns.count - 1) / 2
    let network = try learner(joint, answers: answers, rounds: pairs).network()
    #expect(CodeTable(network).distance(from: joint) < 0.01)
    // Columns alone are far from it.
    let alone = try learner(joint, answers: PlainAnswers(joint), rounds: 0).network()
    #expect(CodeTable(alone).distance(from: joint) > 0.1)
    #expect(alone.nodes.allSatisfy { $0.parents.isEmpty })
  }

  @Test func everyRoundMeasuresTheTableThatIsDescribedWorst() throws {
    let joint = try scaled("chain")
    let answers = PlainAnswers(joint)
    var learner = NetworkLearner(codeCounts: joint.extents, limits: Self.limits)
    learner.start(with: answers.oneWay(), deviation: 0)
    let distances = try (0..<10).map { _ in try learner.round(asking: answers) }
    // At first columns are independent, so the worst pair is the one that is furthest from that.
    var worst = (columns: [Int](), distance: 0.0)
    for (one, other) in [(0, 1), (0, 2), (0, 3), (0, 4), (0, 5), (1, 2), (1, 3), (1, 4), (1, 5)]
      + [(2, 3), (2, 4), (2, 5), (3, 4), (3, 5), (4, 5)]
    {
      var product = joint.marginal(over: [one]).product(with: joint.marginal(over: [other]))
      product.values = product.values.map { $0 / joint.sum }
      let distance = joint.marginal(over: [one, other]).distance(from: product)
      if distance > worst.distance { worst = ([one, other], distance) }
    }
    #expect(answers.chosen.first == worst.columns)
    #expect(isClose(distances[0], to: worst.distance, relative: 1e-3))
    #expect(distances[9] < distances[0] / 10 && Set(answers.chosen).count > 4, "\(distances)")
  }

  /// The third column is the exclusive or of two coins: no pair shows it.
  @Test(arguments: [(2, false), (3, true)])
  func onlyTablesOfThreeColumnsFindWhatNoPairShows(_ columns: Int, _ isFound: Bool) throws {
    let joint = CodeTable(
      [0, 1, 2], extents: [2, 2, 2], values: [250, 0, 0, 250, 0, 250, 250, 0])
    var limits = Self.limits
    limits.tableColumns = columns
    let network = try learner(joint, limits: limits, answers: PlainAnswers(joint), rounds: 4)
      .network()
    #expect((CodeTable(network).distance(from: joint) < 0.05) == isFound)
  }

  @Test func noisyTablesBecomeConsistentAndNeverNegative() throws {
    let joint = try scaled("loop", to: 2000)
    let answers = PlainAnswers(joint, deviation: 60, seed: 9)
    let learner = try learner(joint, answers: answers, rounds: 12)
    #expect(learner.measured.contains { $0.values.contains { $0 < 0 } })
    let estimates = learner.candidates(deviation: 60)
    var ones: [Int: [Double]] = [:]
    for candidate in estimates {
      let table = CodeTable(
        candidate.marginal.columns, extents: candidate.marginal.codeCounts,
        values: candidate.estimate)
      #expect(table.values.allSatisfy { $0 >= 0 })
      #expect(isClose(table.sum, to: learner.total, relative: 1e-9))
      for column in table.columns {
        let one = table.marginal(over: [column]).values
        for (left, right) in zip(one, ones[column] ?? one) {
          #expect(isClose(left, to: right, absolute: 1e-6 * learner.total))
        }
        ones[column] = one
      }
    }
    #expect(estimates.count == 10 && abs(learner.total - 2000) < 200)
    for node in learner.network().nodes {
      let codes = joint.extents[node.column]
      for first in stride(from: 0, to: node.probabilities.count, by: codes) {
        let sum = node.probabilities[first..<(first + codes)].reduce(0, +)
        #expect(abs(sum - 1) < 1e-5)
      }
    }
  }

  /// 300 rows in tables of 1,600 cells, with noise of 300: what is measured is noise, and the fit to it is still a
  /// distribution.
  @Test(arguments: [1, 2, 3])
  func fewRowsInManyCellsWithMuchNoiseGiveADistribution(_ seed: UInt64) throws {
    let codes = [Int](repeating: 40, count: 8)
    let answers = NoiseAlone(deviation: 300, seed: seed)
    var learner = NetworkLearner(codeCounts: codes, limits: Self.limits)
    learner.start(
      with: codes.indices.map { answers.measure(learner.marginal(of: [$0])) },
      deviation: answers.deviation)
    for _ in 0..<10 { #expect(try learner.round(asking: answers).isFinite) }
    let potentials = learner.potentials.flatMap { $0 }
    #expect(learner.measured.count > 12 && potentials.allSatisfy(\.isFinite))
    let network = learner.network()
    #expect(try CodeNetwork(network.nodes, codeCounts: codes) == network)
  }

  @Test func twoMeasurementsOfATableCountByTheInverseOfTheirVariance() {
    var table = MeasuredTable(columns: [0], values: [10, 20], variance: 4)
    table.combine([20, 40], variance: 12)
    #expect(table.values == [12.5, 25] && table.variance == 3)
  }

  @Test func thePenaltyIsTheDistanceThatNoiseAloneMakes() throws {
    let joint = try scaled("chain")
    var learner = NetworkLearner(codeCounts: joint.extents, limits: Self.limits)
    learner.start(with: PlainAnswers(joint).oneWay(), deviation: 0)
    var stream = SeededStream(seed: 2)
    for candidate in learner.candidates(deviation: 7) {
      let cells = candidate.estimate.count
      let draws = 4000
      let mean =
        (0..<(draws * cells)).reduce(0.0) { sum, _ in sum + abs(7 * stream.gaussian()) }
        / Double(draws)
      #expect(isClose(candidate.penalty, to: mean, relative: 0.05))
    }
  }

  @Test(arguments: [(1, 10_000), (2, 40), (3, 16)])
  func noRoundExceedsTheLimitsOfTheNetwork(_ degree: Int, _ cells: Int) throws {
    let codes = [2, 3, 2, 2, 3, 2, 2]
    var stream = SeededStream(seed: 4)
    let joint = CodeTable(
      Array(codes.indices), extents: codes,
      values: (0..<codes.reduce(1, *)).map { _ in (stream.uniform() * 100).rounded() })
    let limits = NetworkLearner.Limits(tableColumns: 3, degree: degree, cells: cells)
    let answers = PlainAnswers(joint, deviation: 30)
    let network = try learner(joint, limits: limits, answers: answers, rounds: 20).network()
    #expect((1...degree).contains(network.nodes.map(\.parents.count).max() ?? 0))
    #expect(network.nodes.allSatisfy { $0.probabilities.count <= cells })
    var seen: Set<Int> = []
    for node in network.nodes {
      #expect(node.parents.allSatisfy(seen.contains))
      seen.insert(node.column)
    }
    #expect(seen.count == codes.count)
  }
}
