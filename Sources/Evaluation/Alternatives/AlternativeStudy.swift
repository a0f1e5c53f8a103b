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
  func findings(
    synthetic: LabelledImages, train: LabelledImages, holdOut: LabelledImages,
    progress: (Double) throws -> Void
  ) throws -> AlternativeFindings {
    let half = holdOut.count / 2
    let count = min(limit, half, train.count, synthetic.count)
    let (others, reference) = holdOut.split(first: half, seed: seed)
    let roles = Roles(
      members: train.sample(count, seed: seed), nonMembers: others.sample(count, seed: seed),
      reference: reference.sample(limit, seed: seed))
    let sets = Deidentification.allCases
    func report(_ index: Int, _ share: Double) throws {
      try progress((Double(index) + share) / Double(sets.count + 2))
    }
    var findings = [
      AlternativeFinding(
        title: "The synthetic set", meaning: "images of it", key: "synthetic",
        accuracy: try accuracy(of: synthetic, holdOut, count) { try report(0, $0) },
        attack: attack(synthetic, roles),
        examples: synthetic.sample(Self.exampleCount, seed: seed))
    ]
    for (index, method) in sets.enumerated() {
      let set = method.applied(to: roles.members, seed: seed)
      findings.append(
        AlternativeFinding(
          title: method.title, meaning: method.meaning, key: method.rawValue,
          accuracy: try accuracy(of: set, holdOut, count) { try report(index + 1, $0) },
          attack: attack(set, roles.map(method.asAttackersCompare)),
          examples: set.images(at: 0..<min(Self.exampleCount, count))))
    }
    findings.append(
      AlternativeFinding(
        title: "Real images", meaning: "as they are", key: "real",
        accuracy: try accuracy(of: train, holdOut, count) { try report(sets.count + 1, $0) },
        attack: nil, examples: roles.members.images(at: 0..<min(Self.exampleCount, count))))
    return AlternativeFindings(
      sets: findings, count: count, trainCount: count - count / 10, testCount: holdOut.count)
  }

  private struct Roles {
    let members: LabelledImages, nonMembers: LabelledImages, reference: LabelledImages

    func map(_ transform: (LabelledImages) -> LabelledImages) -> Roles {
      Roles(
        members: transform(members), nonMembers: transform(nonMembers),
        reference: transform(reference))
    }
  }

  /// The attack that distinguishes members best.
  private func attack(_ set: LabelledImages, _ roles: Roles) -> MembershipRanking? {
    let points = PointMaker.pixels().points
    let space = AttackSpace(
      name: "pixels", members: points(roles.members), nonMembers: points(roles.nonMembers),
      reference: points(roles.reference))
    return SetAttacks(on: machine).rankings(of: points(set), in: space).values
      .max { $0.areaUnderCurve < $1.areaUnderCurve }
  }

  private func accuracy(
    of set: LabelledImages, _ test: LabelledImages, _ count: Int,
    progress: (Double) throws -> Void
  ) rethrows -> Double? {
    guard set.classNames.count > 1 else { return nil }
    let (selection, training) = set.sample(count, seed: seed)
      .split(first: count / 10, seed: seed &+ 77)
    return try Classifier(
      .perceptron, trainedOn: training, selectingOn: selection, ClassifierSchedule(epochs: 10),
      seed: seed, on: machine, progress: progress
    ).accuracy(on: test)
  }
}
