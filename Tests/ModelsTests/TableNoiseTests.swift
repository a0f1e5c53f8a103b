import Compute
import Datasets
import Glibc
import Learning
import Privacy
import TestSupport
import Testing

@testable import Models

/// The prediction of plans about noise on the columns of tables.
@Suite struct TableNoiseTests {
  /// A phase that measures columns of so many units with noise of this standard deviation.
  private func phases(units: Int, deviation: Double) throws -> [Phase] {
    let training = TrainingSettings(batchSize: units, steps: 1, clipNorm: 1)
    let plan = try TrainingPlan(training, population: units, noiseMultiplier: deviation)
    return [Phase(BayesianNetwork.oneWay, "", .answer(plan), epsilon: 0.1)]
  }

  /// Against noisy tables themselves: 40 codes of 25 units each and noise of 5 units.
  @Test func theDistanceIsThatOfNoisyTablesFromTheTrueOne() throws {
    let found = try #require(
      TableNoise(phases(units: 1_000, deviation: 5), codeCounts: [40], epsilon: 1))
    var stream = SeededStream(seed: 3)
    let draws = 4_000
    let sum = (0..<draws).reduce(0.0) { sum, _ in
      sum + (0..<40).reduce(0.0) { own, _ in own + abs(5 * stream.gaussian()) } / 2 / 1_000
    }
    #expect(isClose(found.distance, to: sum / Double(draws), relative: 0.01))
    #expect(found.expectation == .coarse)
  }

  @Test func theWarningNamesWhatWouldHelp() throws {
    // 20 codes, 50 units of noise: 20 · 50 / (√(2π) · 1000) = 0.399, about eight times a twentieth.
    let found = try #require(
      TableNoise(phases(units: 1_000, deviation: 50), codeCounts: [20, 20], epsilon: 0.5))
    let warning = try #require(found.warning(of: "persons"))
    #expect(found.expectation == .noise)
    #expect(warning.contains("up to about 40 % of a column's values with these 1,000 persons"))
    #expect(warning.contains("about 8,000 persons, epsilon 4.0, or"), "\(warning)")
    let dear = try #require(
      TableNoise(phases(units: 1_000, deviation: 50), codeCounts: [20], epsilon: 5))
    #expect(try #require(dear.warning(of: "rows")).contains("epsilon") == false)
    let clear = try #require(
      TableNoise(phases(units: 100_000, deviation: 50), codeCounts: [20], epsilon: 1))
    #expect(clear.expectation == .clear && clear.warning(of: "rows") == nil)
  }

  @Test func noColumnIsExpectedToBeFurtherOffThanEverything() throws {
    let found = try #require(
      TableNoise(phases(units: 10, deviation: 500), codeCounts: [200, 2], epsilon: 1))
    // 200 codes, 500 units of noise, and 20 times as much as a twentieth: 797,885 / 10 · 20 / 2.
    let warning = try #require(found.warning(of: "rows"))
    #expect(found.distance == 1 && warning.contains("about 100 %"))
    #expect(warning.contains("about 410,000 rows, or"), "\(warning)")
  }

  @Test func plansWithoutNoisyTablesHaveNoOutlook() throws {
    let plan = try TrainingPlan(
      nonPrivate: TrainingSettings(batchSize: 10, steps: 1, clipNorm: 1), population: 10)
    let open = [Phase(BayesianNetwork.oneWay, "", .answer(plan))]
    #expect(TableNoise(open, codeCounts: [2], epsilon: nil) == nil)
    #expect(TableNoise([], codeCounts: [2], epsilon: 1) == nil)
  }
}
