import Compute
import Testing

@testable import Evaluation

@Suite struct AttackTests {
  let machine = Machine(threadCount: 2)

  private func cloud(_ count: Int, seed: UInt64) -> FeatureMatrix {
    var stream = SeededStream(seed: seed)
    return FeatureMatrix(width: 8, values: (0..<(count * 8)).map { _ in Float(stream.gaussian()) })
  }

  private func scores(_ mean: Double, _ count: Int, seed: UInt64) -> [Double] {
    var stream = SeededStream(seed: seed)
    return (0..<count).map { _ in stream.gaussian() + mean }
  }

  @Test func areaAndItsErrorAgreeWithAllPairs() throws {
    let file = try GoldenFile("ranking.csv")
    func numbers(_ kind: String) throws -> [Double] {
      try file.rows.filter { $0[0] == kind }.map { try #require(Double($0[1])) }
    }
    let ranking = MembershipRanking(
      members: try numbers("member"), nonMembers: try numbers("other"))
    let error = try numbers("error")[0]
    #expect(isClose(ranking.areaUnderCurve, try numbers("area")[0], relative: 1e-12))
    #expect(
      isClose(ranking.interval.high - ranking.interval.low, 2 * 1.959964 * error, relative: 1e-6))
  }

  @Test func ratesAtFewFalseAlarmsCountWhatLiesAboveTheThreshold() {
    // 1000 non-members score 0 to 999; at 1 % the ten highest may be accused, so 990 and more.
    let ranking = MembershipRanking(
      members: [5, 989, 989.5, 990, 2000], nonMembers: (0..<1000).map(Double.init))
    #expect(ranking.operations[0].truePositiveRate == 3.0 / 5)
    #expect(ranking.operations[1].truePositiveRate == 1.0 / 5)
  }

  @Test func guessingIsNotFlaggedAndKnowledgeIs() {
    for seed in 0..<20 as Range<UInt64> {
      let ranking = MembershipRanking(
        members: scores(0, 800, seed: seed), nonMembers: scores(0, 800, seed: seed + 100))
      #expect(!AttackFinding.isFlagged(ranking, beyond: nil))
    }
    let ranking = MembershipRanking(
      members: scores(0.3, 2000, seed: 1), nonMembers: scores(0, 2000, seed: 2))
    #expect(AttackFinding.isFlagged(ranking, beyond: nil))
  }

  @Test func aFewBetrayedMembersAreFlaggedThoughTheAreaIsChance() {
    // Three in a hundred members are certain; all others look like non-members.
    let members = scores(0, 1940, seed: 3) + [Double](repeating: 50, count: 60)
    let ranking = MembershipRanking(members: members, nonMembers: scores(0, 2000, seed: 4))
    #expect(ranking.findsSomeMembers)
  }

  @Test func everyAttackFindsACopiedTrainingSetAndNoneFindsStrangers() {
    let space = AttackSpace(
      name: "test", members: cloud(400, seed: 1), nonMembers: cloud(400, seed: 2),
      reference: cloud(400, seed: 3))
    let attack = SetAttacks(on: machine)
    let jitter = cloud(400, seed: 9)
    let copies = FeatureMatrix(
      width: 8, values: zip(space.members.values, jitter.values).map { $0 + 0.02 * $1 })
    for (method, ranking) in attack.rankings(of: copies, in: space) {
      #expect(ranking.areaUnderCurve > 0.9, "\(method)")
      #expect(AttackFinding.isFlagged(ranking, beyond: nil), "\(method)")
    }
    for (method, ranking) in attack.rankings(of: cloud(1000, seed: 4), in: space) {
      #expect(abs(ranking.areaUnderCurve - 0.5) < 0.08, "\(method)")
      #expect(!AttackFinding.isFlagged(ranking, beyond: nil), "\(method)")
    }
  }

  @Test func copiesAreSeenAsMemorizedAndStrangersAreNot() {
    let training = cloud(500, seed: 1)
    let holdOut = cloud(500, seed: 2)
    let half = training.prefix(150).appending(cloud(150, seed: 3))
    let found = Memorization(synthetic: half, training: training, holdOut: holdOut, on: machine)
    #expect(found.isFlagged && found.copiesOfTraining == 150 && found.copiesOfHoldOut == 0)
    #expect(found.mostSuspicious.allSatisfy { $0.distance == 0 && $0.synthetic == $0.training })
    let innocent = Memorization(
      synthetic: cloud(300, seed: 4), training: training, holdOut: holdOut, on: machine)
    #expect(!innocent.isFlagged)
  }

  /// What comes from the distribution of the training images lies nearer to them without copying any.
  ///
  /// Hold-out images of other writers, or of another hospital, are of another distribution. Copies are found all the
  /// same.
  @Test func otherHoldOutImagesAreNotTakenForCopies() {
    func shifted(_ count: Int, seed: UInt64) -> FeatureMatrix {
      FeatureMatrix(width: 8, values: cloud(count, seed: seed).values.map { $0 * 1.3 + 0.2 })
    }
    let training = cloud(500, seed: 1)
    let innocent = Memorization(
      synthetic: cloud(500, seed: 4), training: training, holdOut: shifted(500, seed: 2),
      on: machine)
    #expect(innocent.nearest.share > 0.64 && innocent.control.share > 0.64)
    #expect(!innocent.isFlagged)
    let jitter = cloud(300, seed: 9).values
    let copies = FeatureMatrix(
      width: 8, values: zip(training.prefix(300).values, jitter).map { $0 + 0.4 * $1 })
    let found = Memorization(
      synthetic: copies, training: training, holdOut: shifted(500, seed: 2), on: machine)
    #expect(found.isFlagged && found.copiesOfTraining < 30, "\(found.nearest) \(found.control)")
  }

  /// Bursts and slices of one scan are near copies of one another, in both halves of the training images.
  @Test func twinsAmongTrainingImagesHideNoCopies() {
    func near(_ points: FeatureMatrix, _ size: Float, seed: UInt64) -> FeatureMatrix {
      let jitter = cloud(points.count, seed: seed).values
      return FeatureMatrix(width: 8, values: zip(points.values, jitter).map { $0 + size * $1 })
    }
    let scenes = cloud(250, seed: 1)
    var places = SeededStream(seed: 6)
    let twins = near(scenes, 0.05, seed: 7).appending(near(scenes, 0.05, seed: 8))
    let training = twins.rows(Array(0..<500).shuffled(using: &places))
    let found = Memorization(
      synthetic: near(training.prefix(400), 0.4, seed: 9), training: training,
      holdOut: cloud(500, seed: 2), on: machine)
    #expect(found.isFlagged && found.control.share < 0.7, "\(found.nearest) \(found.control)")
    let innocent = Memorization(
      synthetic: cloud(400, seed: 4), training: training, holdOut: cloud(500, seed: 2),
      on: machine)
    #expect(!innocent.isFlagged)
  }

  @Test func aSetThatIsFarFromAllRealImagesIsNotCalledACopyOfTheNearest() {
    // All lie beyond one training image, but that image's membership does not imply copying.
    let far = FeatureMatrix(width: 8, values: cloud(300, seed: 4).values.map { $0 * 0.01 + 50 })
    let training = FeatureMatrix(width: 8, values: Array(repeating: 10, count: 8))
      .appending(cloud(499, seed: 1))
    let found = Memorization(
      synthetic: far, training: training, holdOut: cloud(500, seed: 2), on: machine)
    #expect(found.nearest.count == 1 && found.nearest.training == 1)
    #expect(!found.isFlagged)
  }

  /// Images come in the order of their folders: the first part of a larger set would be some classes alone.
  @Test func copiesAreLookedForAmongImagesOfAllClasses() throws {
    let training = try GlyphSet.images(240)
    let others = try GlyphSet.images(960, from: 1000)
    let holdOut = others.images(at: (0..<4).flatMap { others.places(ofClass: $0) })
    #expect(holdOut.count == 960 && holdOut.labels.prefix(240).allSatisfy { $0 == 0 })
    let found = AttackStudy(machine: machine, limit: 300, seed: 2).findings(
      synthetic: try GlyphSet.images(240, from: 5000), train: training, holdOut: holdOut
    ) { _ in }.memorization
    #expect(abs(found.nearest.share - 0.5) < 0.1, "\(found.nearest)")
    #expect(abs(found.control.share - 0.5) < 0.15, "\(found.control)")
  }

  @Test func aClassAverageThatIsATrainingImageIsFlagged() throws {
    let training = try GlyphSet.images(80)
    let holdOut = try GlyphSet.images(80, from: 1000)
    // Every class repeats one of its training images, so the class average is that image.
    let first = Array(0..<4)
    let repeated = training.images(at: (0..<40).map { first[$0 % 4] })
    let copied = InversionProbe(synthetic: repeated, training: training, holdOut: holdOut)
    #expect(copied.findings.count == 4 && copied.isFlagged)
    #expect(copied.findings.allSatisfy { $0.trainingDistance < 0.01 })
    let others = InversionProbe(
      synthetic: try GlyphSet.images(80, from: 2000), training: training, holdOut: holdOut)
    #expect(others.findings.count == 4 && !others.isFlagged)
  }

  @Test func reproducedOutliersAreFound() {
    // Twenty outlying members are copied; everything else is harmless.
    let far = FeatureMatrix(width: 8, values: cloud(20, seed: 5).values.map { $0 * 6 })
    let farOthers = FeatureMatrix(width: 8, values: cloud(20, seed: 6).values.map { $0 * 6 })
    let space = AttackSpace(
      name: "test", members: cloud(480, seed: 1).appending(far),
      nonMembers: cloud(480, seed: 2).appending(farOthers), reference: cloud(500, seed: 3))
    let exposed = OutlierExposure(
      of: cloud(500, seed: 4).appending(far), in: space, share: 0.04, on: machine)
    #expect(exposed.ranking.cautiousLowerBound > 0.5)
    let hidden = OutlierExposure(of: cloud(520, seed: 4), in: space, share: 0.04, on: machine)
    #expect(hidden.ranking.cautiousLowerBound < 0.5)
  }

  @Test func auditProbabilitiesAgreeWithThePaper() throws {
    for row in try GoldenFile("audit.csv").rows {
      let numbers = try row.map { try #require(Double($0)) }
      let probability = CanaryAudit.probability(
        canaries: Int(numbers[0]), guesses: Int(numbers[1]), right: Int(numbers[2]),
        epsilon: numbers[3], delta: numbers[4])
      #expect(isClose(probability, numbers[5], relative: 1e-8))
    }
  }

  @Test func canariesBoundEpsilonOnlyIfScoresAreInformative() {
    var stream = SeededStream(seed: 8)
    let inserted = (0..<1000).map { _ in stream.next() & 1 == 0 }
    let telling = CanaryAudit(
      scores: inserted.map { ($0 ? 3 : 0) + stream.gaussian() }, wasInserted: inserted,
      delta: 1e-5)
    #expect(telling.epsilonLowerBound > 2)
    let guessing = CanaryAudit(
      scores: inserted.map { _ in stream.gaussian() }, wasInserted: inserted, delta: 1e-5)
    #expect(guessing.epsilonLowerBound < 0.2)
  }

  /// Randomised response is exactly ε-private: the bound must nearly always stay below its ε.
  @Test func auditOfRandomizedResponseStaysBelowItsEpsilon() {
    var stream = SeededStream(seed: 21)
    var violations = 0
    for _ in 0..<40 {
      let inserted = (0..<400).map { _ in stream.next() & 1 == 0 }
      // Tells the truth with probability 0.731: ε = 1.
      let audit = CanaryAudit(
        scores: inserted.map { ($0 == (stream.uniform() < 0.731) ? 1 : 0) + stream.uniform() / 2 },
        wasInserted: inserted, delta: 0)
      if audit.epsilonLowerBound > 1 { violations += 1 }
    }
    // At most 5 % are expected; more than 7 of 40 would happen once in a thousand runs.
    #expect(violations <= 7)
  }
}
