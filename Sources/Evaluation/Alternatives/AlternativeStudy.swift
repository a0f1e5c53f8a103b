import Compute

/// What a set protects and is good for, beside others that could be shared instead.
public struct AlternativeFinding: Sendable {
  /// The name for readers, and how the set was made.
  public let title: String, meaning: String
  /// The key of its metrics, for example "pixelated".
  public let key: String
  /// The accuracy on real test images of a small classifier trained on this set alone; nil without classes.
  public let accuracy: Double?
  /// The strongest of the attacks that see only the set; nil for the real images themselves.
  public let attack: MembershipRanking?
  /// Images to look at, the same ones in each de-identified set; they show private images.
  public let examples: LabelledImages
}

/// All sets that were compared.
public struct AlternativeFindings: Sendable {
  /// The synthetic set, then each way of de-identification, then the real images.
  public let sets: [AlternativeFinding]
  /// The number of images of each set, those among them that a classifier was trained on, and the real images that it
  /// was tested on.
  public let count: Int, trainCount: Int, testCount: Int
}

/// Puts de-identified sets through the attacks and the classifier that a synthetic set is put through.
struct AlternativeStudy {
  let machine: Machine
  let limit: Int
  let seed: UInt64

  private static let exampleCount = 10

  /// Compares the sets.
  ///
  /// A classifier learns from equally many images of each. De-identified sets are made of the training images that the
  /// attacks look for; of the synthetic set, attacks see all images.
  ///
  /// - Parameter attacks: those on the synthetic set.
  func findings(
    synthetic: LabelledImages, train: LabelledImages, holdOut: LabelledImages,
    attacks: [AttackFinding], progress: (Double) throws -> Void
  ) throws -> AlternativeFindings {
    let roles = AttackRoles(train, holdOut, limit: min(limit, synthetic.count), seed: seed)
    let count = roles.members.count
    let sets = Deidentification.allCases
    func report(_ index: Int, _ share: Double) throws {
      try progress((Double(index) + share) / Double(sets.count + 2))
    }
    var findings = [
      AlternativeFinding(
        title: "The synthetic set", meaning: "images of it", key: "synthetic",
        accuracy: try accuracy(of: synthetic, holdOut, count) { try report(0, $0) },
        attack: Self.strongest(
          attacks.filter { $0.space == PointMaker.pixelSpace }.map(\.ranking)),
        examples: synthetic.sample(Self.exampleCount, seed: seed))
    ]
    for (index, method) in sets.enumerated() {
      let set = method.applied(to: roles.members, seed: seed)
      findings.append(
        AlternativeFinding(
          title: method.title, meaning: method.meaning, key: method.rawValue,
          accuracy: try accuracy(of: set, holdOut, count) { try report(index + 1, $0) },
          attack: attack(set, made: method, roles),
          examples: set.images(at: 0..<min(Self.exampleCount, count))))
    }
    findings.append(
      AlternativeFinding(
        title: "Real images", meaning: "as they are", key: "real",
        accuracy: try accuracy(of: train, holdOut, count) { try report(sets.count + 1, $0) },
        attack: nil, examples: roles.members.images(at: 0..<min(Self.exampleCount, count))))
    return AlternativeFindings(
      sets: findings, count: count, trainCount: count - LabelledImages.selectionCount(of: count),
      testCount: holdOut.count)
  }

  /// The attack on a de-identified set that distinguishes members best.
  private func attack(
    _ set: LabelledImages, made method: Deidentification, _ roles: AttackRoles
  ) -> MembershipRanking? {
    let maker = PointMaker.pixels()
    let space = AttackSpace(maker, roles, after: method.asAttackersCompare)
    return Self.strongest(
      SetAttacks(on: machine).rankings(of: maker.points(set), in: space).values)
  }

  private static func strongest(
    _ rankings: some Collection<MembershipRanking>
  ) -> MembershipRanking? {
    rankings.max { $0.areaUnderCurve < $1.areaUnderCurve }
  }

  private func accuracy(
    of set: LabelledImages, _ test: LabelledImages, _ count: Int,
    progress: (Double) throws -> Void
  ) rethrows -> Double? {
    guard set.classNames.count > 1 else { return nil }
    let (selection, training) = set.forClassifier(count, seed: seed)
    return try Classifier(
      .perceptron, trainedOn: training, selectingOn: selection,
      .perceptron,
      seed: seed, on: machine, progress: progress
    ).accuracy(on: test)
  }
}
