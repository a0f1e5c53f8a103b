import Compute
import Glibc
import Privacy
import TestSupport
import Testing

@testable import Learning

/// Rows of codes in an array.
private struct RowArray: ExampleSource {
  var rows: [[UInt8]]
  var units: [Int]?

  var count: Int { rows.count }

  func labels(in range: Range<Int>) -> [Int] { [] }
  func fill(_ target: Tensor, from range: Range<Int>) { target.fill(0) }
  func codes(in range: Range<Int>) -> [UInt8] { rows[range].flatMap { $0 } }
}

/// Choices among tables and noisy tables, where a unit counts as much with many rows as with one.
@Suite struct PrivateTablesTests {
  private static let codeCounts = [3, 2, 4]

  /// All tables over the three columns, from none to all of them.
  private static let marginals = (0..<8).map { subset in
    let columns = (0..<3).filter { subset >> $0 & 1 == 1 }
    return Marginal(columns: columns, codeCounts: columns.map { codeCounts[$0] })
  }

  private static func row(_ stream: inout SeededStream) -> [UInt8] {
    codeCounts.map { UInt8(min(Int(stream.uniform() * Double($0)), $0 - 1)) }
  }

  /// People with one to seven rows each.
  private static func people(_ count: Int, seed: UInt64) -> RowArray {
    var stream = SeededStream(seed: seed)
    var array = RowArray(rows: [], units: [])
    for unit in 0..<count {
      for _ in 0..<(1 + unit % 7) {
        array.rows.append(row(&stream))
        array.units?.append(unit)
      }
    }
    return array
  }

  private func without(_ unit: Int, _ array: RowArray) -> RowArray {
    let kept = array.rows.indices.filter { array.units?[$0] != unit }
    return RowArray(rows: kept.map { array.rows[$0] }, units: kept.map { array.units?[$0] ?? 0 })
  }

  private func tables(_ array: RowArray) -> [[Double]] {
    PrivateExamples(array).marginals(Self.marginals, .test)
  }

  private func candidates(seed: UInt64, scale: Double = 4) -> [MarginalCandidate] {
    var stream = SeededStream(seed: seed)
    return Self.marginals.map { marginal in
      MarginalCandidate(
        marginal,
        estimate: (0..<marginal.cellCount).map { _ in stream.uniform() * scale },
        penalty: stream.uniform() * scale)
    }
  }

  private func mechanism(
    _ multiplier: Double, _ kind: NoiseDistribution, clipNorm: Double = 1
  ) throws -> SubsampledGaussian {
    try SubsampledGaussian(
      samplingProbability: 1, noiseMultiplier: multiplier, clipNorm: clipNorm, nominalBatchSize: 1,
      noise: kind)
  }

  @Test func cellsAreCountsAndTheLastColumnVariesFastest() {
    let array = RowArray(rows: [[0, 1, 2], [0, 1, 2], [2, 0, 3], [1, 1, 0]])
    let table = PrivateExamples(array).marginals(
      [Marginal(columns: [0, 2], codeCounts: [3, 4]), Marginal(columns: [], codeCounts: [])], .test)
    var expected = [Double](repeating: 0, count: 12)
    expected[0 * 4 + 2] = 2
    expected[2 * 4 + 3] = 1
    expected[1 * 4 + 0] = 1
    #expect(table == [expected, [4]])
    #expect(
      PrivateExamples(RowArray(rows: [])).marginals([Self.marginals[1]], .test) == [[0, 0, 0]])
  }

  @Test func moreRowsThanABlockAreAllCounted() {
    var stream = SeededStream(seed: 5)
    let array = RowArray(rows: (0..<20_000).map { _ in Self.row(&stream) })
    for (table, marginal) in zip(tables(array), Self.marginals) {
      var expected = [Double](repeating: 0, count: marginal.cellCount)
      for row in array.rows {
        expected[marginal.columns.reduce(0) { $0 * Self.codeCounts[$1] + Int(row[$1]) }] += 1
      }
      #expect(table == expected)
    }
  }

  @Test func aPersonWithManyRowsCountsAsOne() {
    let people = Self.people(40, seed: 1)
    for unit in [0, 3, 6, 20, 39] {
      let smaller = tables(without(unit, people))
      for (with, without) in zip(tables(people), smaller) {
        let change = zip(with, without).map { abs($0 - $1) }
        // Exactly one unit in L1, so at most one in L2.
        #expect(change.reduce(0, +) == 1, "unit \(unit)")
      }
    }
  }

  @Test func onePersonChangesEveryScoreByAtMostOne() {
    let people = Self.people(30, seed: 2)
    for seed in 0..<20 as Range<UInt64> {
      let candidates = candidates(seed: seed)
      let with = ChoiceScores(of: candidates, on: people).steps
      for unit in 0..<30 {
        let without = ChoiceScores(of: candidates, on: self.without(unit, people)).steps
        for (left, right) in zip(with, without) {
          #expect(abs(left - right) <= Int128(ChoiceScores.unitSteps))
        }
      }
    }
  }

  @Test func aScoreIsADistanceLessAPenalty() {
    let people = Self.people(25, seed: 3)
    let candidates = candidates(seed: 9)
    let scores = ChoiceScores(of: candidates, on: people).steps
    for (score, (candidate, table)) in zip(scores, zip(candidates, tables(people))) {
      let distance = zip(table, candidate.estimate).reduce(0.0) { $0 + abs($1.0 - $1.1) }
      let found = Double(score) / Double(ChoiceScores.unitSteps)
      #expect(abs(found - (distance - candidate.penalty)) < 1e-4)
    }
  }

  /// The law of the exponential mechanism, computed beside the sampler.
  private func law(_ candidates: [MarginalCandidate], _ rows: RowArray, _ epsilon: Double)
    -> [Double]
  {
    let scores = zip(
      candidates,
      candidates.map {
        PrivateExamples(rows).marginals([$0.marginal], .test)[0]
      }
    ).map { candidate, table in
      zip(table, candidate.estimate).reduce(0.0) { $0 + abs($1.0 - $1.1) } - candidate.penalty
    }
    let best = scores.max() ?? 0
    let weights = scores.map { exp(epsilon * ($0 - best) / 2) }
    return weights.map { $0 / weights.reduce(0, +) }
  }

  private func frequencies(
    _ candidates: [MarginalCandidate], _ rows: RowArray, _ epsilon: Double, draws: Int,
    seed: UInt32
  ) -> [Double] {
    let noise = TestNoise.stream(seed)
    let choice = ExactChoice(
      scores: ChoiceScores(of: candidates, on: rows).steps, epsilon: epsilon)
    var counts = [Double](repeating: 0, count: candidates.count)
    for _ in 0..<draws { counts[choice.draw(from: noise)] += 1 }
    return counts.map { $0 / Double(draws) }
  }

  @Test(arguments: [0.05, 1, 3])
  func candidatesAreChosenWithTheProbabilitiesOfTheMechanism(_ epsilon: Double) {
    let people = Self.people(12, seed: 4)
    let candidates = candidates(seed: 11, scale: 2)
    let draws = 100_000
    let law = law(candidates, people, epsilon)
    let found = frequencies(candidates, people, epsilon, draws: draws, seed: 5)
    #expect((law.max() ?? 0) < 0.99)
    for (frequency, probability) in zip(found, law) {
      let deviation = (probability * (1 - probability) / Double(draws)).squareRoot()
      #expect(abs(frequency - probability) < 5 * deviation + 1e-4, "\(probability)")
    }
  }

  @Test func neighboursChooseAlikeWithinEpsilon() {
    let epsilon = 0.7
    var largest = 0.0
    for seed in 0..<6 as Range<UInt64> {
      let people = Self.people(9, seed: 20 + seed)
      // Estimates that are exact without the last person: its presence can only raise the scores.
      let fewer = without(8, people)
      let candidates = zip(Self.marginals, tables(fewer)).enumerated().map { index, pair in
        MarginalCandidate(
          pair.0, estimate: index % 2 == 0 ? pair.1 : pair.1.map { $0 + 2 },
          penalty: index % 2 == 0 ? 0 : 2 * Double(pair.0.cellCount))
      }
      let (with, without) = (law(candidates, people, epsilon), law(candidates, fewer, epsilon))
      for (left, right) in zip(with, without) {
        largest = max(largest, left / right, right / left)
      }
      let draws = 40_000
      let found = [people, fewer].map {
        frequencies(candidates, $0, epsilon, draws: draws, seed: UInt32(seed))
      }
      for (left, right) in zip(found[0], found[1]) {
        let slack = 5 * ((left + right) / Double(draws)).squareRoot() * exp(epsilon)
        #expect(left <= exp(epsilon) * right + slack && right <= exp(epsilon) * left + slack)
      }
    }
    #expect(largest <= exp(epsilon) * (1 + 1e-9) && largest > 1.3, "\(largest)")
  }

  @Test func hopelessCandidatesAreNeverChosenAndCostNoTime() {
    let people = Self.people(5, seed: 6)
    var candidates = candidates(seed: 1)
    candidates = candidates.enumerated().map { index, candidate in
      MarginalCandidate(
        candidate.marginal, estimate: candidate.estimate,
        penalty: index == 3 ? -1e30 : index == 4 ? 1e300 : 0)
    }
    let found = frequencies(candidates, people, 1e9, draws: 200, seed: 1)
    #expect(found[3] == 1)
  }

  @Test func withoutPrivacyTheLargestScoreIsChosen() {
    let people = Self.people(12, seed: 7)
    let candidates = candidates(seed: 3)
    let scores = ChoiceScores(of: candidates, on: people).steps
    let choice = PrivateExamples(people).choice(among: candidates, .test)
    #expect(scores[choice] == scores.max())
  }

  @Test(arguments: [NoiseDistribution.gaussian, .discreteGaussian], [1, 0.3, 5.0])
  func noisyTablesAreTheTables(_ kind: NoiseDistribution, _ clipNorm: Double) throws {
    let people = Self.people(40, seed: 8)
    let found = PrivateExamples(people).noisyMarginals(
      Self.marginals, try mechanism(1e-6, kind, clipNorm: clipNorm), noise: TestNoise.stream(1))
    for (left, right) in zip(found.joined(), tables(people).joined()) {
      #expect(abs(left - right) < 1e-4)
    }
  }

  @Test(arguments: [NoiseDistribution.gaussian, .discreteGaussian])
  func theNoiseOfEveryCellGrowsWithTheRootOfTheNumberOfTables(_ kind: NoiseDistribution) throws {
    let one = Marginal(columns: [0, 1], codeCounts: [100, 100])
    for count in [1, 2, 5] {
      let mechanism = try mechanism(3, kind, clipNorm: 0.7)
      let tables = PrivateExamples(RowArray(rows: [])).noisyMarginals(
        [Marginal](repeating: one, count: count), mechanism, noise: TestNoise.stream(2))
      let deviation = mechanism.cellDeviation(ofTables: count)
      #expect(abs(deviation / (3 * Double(count).squareRoot()) - 1) < 1e-5)
      let numbers = tables.flatMap { $0 }
      let square = numbers.reduce(0) { $0 + $1 * $1 } / Double(numbers.count)
      // The deviation of a mean of squares is √(2/n) of it.
      let tolerance = 5 * (2 / Double(numbers.count)).squareRoot()
      #expect(abs(square / (deviation * deviation) - 1) < tolerance, "\(count)")
      if count > 1 { #expect(tables[0] != tables[1]) }
    }
  }

  /// What the accountants assume of a unit with several rows, in whole steps.
  @Test(arguments: [1, 2, 3, 7, 200, 5000])
  func allTablesOfAPersonStayWithinTheClipNorm(_ count: Int) throws {
    let grid = try NoiseGrid(clipNorm: 1.7, noiseMultiplier: 1)
    let steps = TableShare(of: count, sensitivity: grid.sensitivity).steps
    #expect(count * steps * steps <= grid.sensitivity * grid.sensitivity)
    #expect(count * (steps + 1) * (steps + 1) > grid.sensitivity * grid.sensitivity)
    for rows in [1, 2, 3, 11, 4096] {
      var stream = SeededStream(seed: UInt64(rows))
      let person = RowArray(
        rows: (0..<rows).map { _ in Self.row(&stream) },
        units: [Int](repeating: 4, count: rows))
      let cells = TableCounts(marginals: Self.marginals, unitSteps: steps).cells(of: person)
      #expect(cells.allSatisfy { $0.reduce(0, +) == steps && $0.allSatisfy { $0 >= 0 } })
    }
  }

  @Test func rowsOfAPersonThatAreNotTogetherAreRefused() async {
    await #expect(processExitsWith: .failure) {
      let rows = RowArray(rows: [[0], [0], [0]], units: [1, 2, 1])
      _ = PrivateExamples(rows).marginals([Marginal(columns: [0], codeCounts: [2])], .test)
    }
  }

  @Test func aDamagedCodeIsAMissingValue() {
    let array = RowArray(rows: [[255, 1, 9], [0, 0, 0]])
    let table = PrivateExamples(array).marginals(
      [Marginal(columns: [0], codeCounts: [3]), Marginal(columns: [2], codeCounts: [4])], .test)
    #expect(table == [[1, 0, 1], [1, 0, 0, 1]])
  }
}
