import Compute
import Datasets
import Learning
import Privacy
import TestSupport
import Testing

@testable import Models

/// The family of Bayesian networks: its phases, what leaves with and without noise, and its checkpoints.
@Suite struct BayesianNetworkTests {
  /// Three columns after a class of two: the first copies the class, the second the first, the third is a coin.
  private static let format = ImageSpecification(
    height: 8, width: 8, channels: 1, classes: ["a", "b"],
    columns: [.test("copy", 2), .test("twice", 4), .test("coin", 2)])

  private static func rows(_ count: Int) -> CodeRows {
    var stream = SeededStream(seed: 6)
    let classes = (0..<count).map { $0 % 3 == 0 ? 1 : 0 }
    return CodeRows(
      rows: classes.map { label in
        [UInt8(label), UInt8(2 * label), UInt8(stream.next() % 2)]
      }, classes: classes)
  }

  private func model(
    _ mode: BayesianNetworkSettings.Mode = .correlated, format: ImageSpecification = Self.format
  ) throws -> BayesianNetwork {
    try BayesianNetwork(
      BayesianNetworkSettings(mode: mode), for: format, seed: 1, on: Machine(threadCount: 1))
  }

  private func phases(_ settings: BayesianNetworkSettings) -> [PhaseOutline] {
    BayesianNetwork.phases(
      of: settings, training: TrainingSettings(batchSize: 1, steps: 1, clipNorm: 1),
      for: Self.format)
  }

  private func answer(
    _ model: BayesianNetwork, _ rows: CodeRows = Self.rows(3000), noise multiplier: Double? = 0.5,
    seed: UInt32 = 3, shouldStop: Bool = false
  ) throws -> StepReport {
    let norm = model.settings.mode == .random ? 1 : 2.0
    let mechanism = try multiplier.map {
      try SubsampledGaussian(
        samplingProbability: 1, noiseMultiplier: $0, clipNorm: norm, nominalBatchSize: rows.count,
        noise: .discreteGaussian)
    }
    return try model.step(
      TrainingStep(
        phase: BayesianNetwork.oneWay, index: 0, stepCount: 1, batchSize: rows.count,
        protection: .test(mechanism), noise: TestNoise.stream(seed), shouldStop: { shouldStop }),
      on: PrivateExamples(rows))
  }

  private func round(
    _ model: BayesianNetwork, _ index: Int, _ rows: CodeRows = Self.rows(3000),
    noise multiplier: Double? = 2, shouldStop: Bool = false
  ) throws -> StepReport {
    let protection: SelectionProtection =
      try multiplier.map {
        .noise(try SelectionMechanism(noiseMultiplier: $0, noise: .discreteGaussian))
      } ?? .none(.test)
    return try model.round(
      SelectionRound(
        phase: BayesianNetwork.rounds, index: index, count: 8, population: rows.count,
        protection: protection, noise: TestNoise.stream(UInt32(40 + index)),
        shouldStop: { shouldStop }),
      on: PrivateExamples(rows))
  }

  private func trained(_ rounds: Int = 6) throws -> BayesianNetwork {
    let model = try model()
    _ = try answer(model)
    for index in 0..<rounds { _ = try round(model, index) }
    return model
  }

  @Test func exactlyOnePhaseThatReadsRowsStatesNoShare() {
    let correlated = phases(BayesianNetworkSettings(mode: .correlated))
    #expect(correlated.map(\.name) == ["one-way marginals", "rounds"])
    #expect(correlated[0].work == .answer(clipNorm: 2) && correlated[0].share == 0.3)
    #expect(correlated[1].work == .rounds(count: 12) && correlated[1].share == nil)
    let chosen = phases(BayesianNetworkSettings(mode: .correlated, share: 0.5, rounds: 3))
    #expect(chosen[0].share == 0.5 && chosen[1].work == .rounds(count: 3))
    let independent = phases(BayesianNetworkSettings(mode: .independent))
    #expect(independent.map(\.work) == [.answer(clipNorm: 2)] && independent[0].share == nil)
    let random = phases(BayesianNetworkSettings(mode: .random))
    #expect(random.map(\.work) == [.answer(clipNorm: 1)] && random[0].share == nil)
  }

  @Test func noiseThatIsSmallShowsWhichColumnsBelongTogether() throws {
    let model = try trained()
    let rows = model.rows(count: 3000, seed: 2)
    #expect(rows.allSatisfy { $0.count == 4 })
    let copies = rows.filter { $0[1] == $0[0] && $0[2] == 2 * $0[0] }.count
    #expect(copies > 2900, "\(copies) of 3000")
    let second = rows.filter { $0[0] == 1 }.count
    #expect(abs(second - 1000) < 150, "\(second) of 3000")
    let coins = rows.filter { $0[0] == 1 && $0[3] == 1 }.count
    #expect(abs(Double(coins) / Double(second) - 0.5) < 0.1)
  }

  @Test func rowsOfAClassHaveItAndWhatGoesWithIt() throws {
    let model = try trained()
    let labels = (0..<600).map { $0 % 2 }
    let rows = try model.rows(labels: labels, seed: 4)
    #expect(rows.map { Int($0[0]) } == labels)
    #expect(rows.filter { $0[1] == $0[0] }.count > 580)
    #expect(throws: RecipeFailure.self) { try model.rows(labels: [2], seed: 4) }
    let plain = ImageSpecification(
      height: 8, width: 8, channels: 1, classes: [], columns: Self.format.columns)
    #expect(throws: RecipeFailure.self) {
      try self.model(format: plain).rows(labels: [0], seed: 4)
    }
  }

  @Test func modeIndependentLearnsColumnsAndNotWhatLinksThem() throws {
    let model = try model(.independent)
    _ = try answer(model)
    let rows = model.rows(count: 3000, seed: 2)
    #expect(abs(rows.filter { $0[2] == 2 }.count - 1000) < 150)
    let copies = rows.filter { $0[1] == $0[0] }.count
    #expect(abs(copies - 1667) < 150, "\(copies) of 3000")
  }

  @Test func modeRandomReadsNothingButTheNumberOfRows() throws {
    let model = try model(.random)
    let report = try answer(model)
    let count = try #require(report.curves[.rowCount]?.value)
    #expect(abs(count - 3000) < 10)
    let other = try self.model(.random)
    _ = try answer(
      other,
      CodeRows(
        rows: Self.rows(3000).rows.map { _ in [0, 0, 0] },
        classes: [Int](repeating: 0, count: 3000)))
    #expect(model.rows(count: 500, seed: 1) == other.rows(count: 500, seed: 1))
    let rows = model.rows(count: 4000, seed: 3)
    for code in 0..<4 {
      #expect(abs(rows.filter { $0[2] == UInt8(code) }.count - 1000) < 150)
    }
  }

  @Test func theSameNoiseGivesTheSameNetworkAndOtherNoiseAnother() throws {
    let (one, two) = (try trained(), try trained())
    #expect(one.savedGenerator.tensors == two.savedGenerator.tensors)
    #expect(one.rows(count: 50, seed: 9) == two.rows(count: 50, seed: 9))
    let other = try model()
    _ = try answer(other, seed: 8)
    let same = try model()
    _ = try answer(same)
    #expect(other.savedState.tensors != same.savedState.tensors)
  }

  @Test func itContinuesBetweenRoundsBitForBit() throws {
    let whole = try trained(6)
    var checkpoint = try trained(0).savedState
    for index in 0..<6 {
      let resumed = try model()
      try resumed.restore(from: checkpoint)
      _ = try round(resumed, index)
      checkpoint = resumed.savedState
    }
    #expect(checkpoint.tensors == whole.savedState.tensors)
    #expect(checkpoint.metadata == whole.savedState.metadata)
  }

  @Test func aReleasedGeneratorDrawsTheSameRows() throws {
    let model = try trained()
    let released = try self.model()
    try released.restoreGenerator(from: model.savedGenerator)
    #expect(released.rows(count: 200, seed: 7) == model.rows(count: 200, seed: 7))
    let rows = model.rows(count: 20, seed: 7)
    #expect(released.logProbabilities(of: rows) == model.logProbabilities(of: rows))
    #expect(model.logProbabilities(of: rows).allSatisfy { $0 < 0 && $0 > -20 })
  }

  @Test func whatIsGivenUpLeavesTheModelAsItWas() throws {
    let model = try trained(2)
    let before = model.savedState
    #expect(throws: AbandonedStep.self) { try round(model, 2, shouldStop: true) }
    #expect(throws: AbandonedStep.self) { try answer(model, shouldStop: true) }
    #expect(
      model.savedState.tensors == before.tensors && model.savedState.metadata == before.metadata)
  }

  @Test func curvesLeaveOnlyWithNoise() throws {
    let model = try model()
    for report in [try answer(model), try round(model, 0)] {
      #expect(report.curves.count == 1 && report.privateCurves.isEmpty)
    }
    for report in [try answer(model, noise: nil), try round(model, 0, noise: nil)] {
      #expect(report.curves.isEmpty && report.privateCurves.count == 1)
    }
  }

  @Test func aUnitOfManyRowsCountsAsOne() throws {
    let model = try model(.independent)
    let rows = CodeRows(
      rows: [[UInt8]](repeating: [1, 2, 1], count: 40) + [[UInt8]](repeating: [0, 0, 0], count: 9),
      classes: [Int](repeating: 1, count: 40) + [Int](repeating: 0, count: 9),
      units: [Int](repeating: 0, count: 40) + Array(1...9))
    _ = try answer(model, rows, noise: nil)
    #expect(abs(model.learner.total - 10) < 1e-4)
    #expect(abs(model.learner.measured[1].values[1] - 1) < 1e-4)
  }

  @Test func itRefusesToDrawImages() throws {
    let failure = #expect(throws: RecipeFailure.self) {
      try trained(0).sample(SampleRequest(labels: [0], seed: 1)) { _, _ in }
    }
    #expect("\(try #require(failure))".contains("draws rows of a table and no images"))
  }

  @Test func aFormatWithoutColumnsIsRefused() {
    let failure = #expect(throws: RecipeFailure.self) {
      try self.model(
        format: ImageSpecification(height: 8, width: 8, channels: 1, classes: ["one"]))
    }
    #expect(failure?.description.contains("Declare the columns") == true)
  }

  @Test(arguments: [
    BayesianNetworkSettings(mode: .random, rounds: 3),
    BayesianNetworkSettings(mode: .independent, share: 0.5),
    BayesianNetworkSettings(mode: .correlated, share: 1),
    BayesianNetworkSettings(mode: .correlated, rounds: 0),
    BayesianNetworkSettings(mode: .correlated, tableColumns: 5),
    BayesianNetworkSettings(mode: .correlated, degree: 0),
    BayesianNetworkSettings(mode: .correlated, maximumCells: 255),
  ])
  func settingsOutOfRangeAreRefused(_ settings: BayesianNetworkSettings) {
    #expect(throws: RecipeFailure.self) { try settings.validate(for: Self.format) }
  }

  @Test func moreColumnsThanASetHoldsAreRefused() throws {
    func format(_ count: Int) -> ImageSpecification {
      ImageSpecification(
        height: 8, width: 8, channels: 1, classes: [],
        columns: (0..<count).map { .test("\($0)", 2) })
    }
    let settings = BayesianNetworkSettings(mode: .correlated)
    #expect(throws: Never.self) { try settings.validate(for: format(64)) }
    #expect(throws: RecipeFailure.self) { try settings.validate(for: format(65)) }
  }
}
