import Compute

/// One attack on the synthetic set, with its two controls.
public struct AttackFinding: Sendable {
  /// The key of its metrics, for example "distance.pixels".
  public let key: String
  /// The name for readers.
  public let title: String
  /// The space in which images are compared: "pixels" or "scattering".
  let space: String
  /// How well the attack distinguishes members from others.
  public let ranking: MembershipRanking
  /// The same attack with real images of neither kind in place of the synthetic set.
  ///
  /// It shows the effect of differences between the training and the test images alone. Nil if
  /// there are too few.
  public let null: MembershipRanking?
  /// The same attack on a copied training set, which it must flag; otherwise it detects nothing.
  public let positive: MembershipRanking?

  /// Whether the attack finds members significantly, and more than in the null control.
  public var isFlagged: Bool { Self.isFlagged(ranking, beyond: null) }

  /// Whether the attack detects a copied training set.
  public var seesCopies: Bool { positive.map { Self.isFlagged($0, beyond: null) } ?? true }

  static func isFlagged(_ ranking: MembershipRanking, beyond null: MembershipRanking?) -> Bool {
    let chance = max(0.5, null?.interval.high ?? 0.5)
    return ranking.cautiousLowerBound > chance
      || ranking.findsSomeMembers && !(null?.findsSomeMembers ?? false)
  }
}

/// The results of all attacks on a synthetic set.
public struct AttackFindings: Sendable {
  /// The attacks.
  public let attacks: [AttackFinding]
  /// Copies and near copies.
  public let memorization: Memorization
  /// The most isolated training images.
  public let outliers: OutlierExposure
  /// Class averages; nil without classes.
  public let inversion: InversionProbe?
  /// Pictures for an internal report: the most suspicious synthetic images with their nearest training
  /// images, and the most isolated members with their nearest synthetic images.
  public let suspiciousPairs: LabelledImages, outlierPairs: LabelledImages

  /// Whether any attack or check is flagged.
  public var isFlagged: Bool {
    attacks.contains(where: \.isFlagged) || memorization.isFlagged
      || outliers.ranking.cautiousLowerBound > 0.5 || (inversion?.isFlagged ?? false)
  }
}

/// Attacks a synthetic set as an outsider who has the set and some real images.
struct AttackStudy {
  let machine: Machine
  let limit: Int
  let seed: UInt64

  /// Runs all attacks.
  func findings(
    synthetic: LabelledImages, train: LabelledImages, holdOut: LabelledImages,
    progress: (Double) throws -> Void
  ) rethrows -> AttackFindings {
    let roles = AttackRoles(train, holdOut, limit: limit, seed: seed)
    let makers = [
      PointMaker.pixels(),
      PointMaker.scattering(width: 16, reference: roles.reference, on: machine),
    ]
    var attacks: [AttackFinding] = []
    for (index, maker) in makers.enumerated() {
      try progress(0.4 * Double(index))
      attacks += run(maker, synthetic, roles)
    }
    try progress(0.8)
    let pixels = makers[0].points
    let space = AttackSpace(makers[0], roles)
    let looked = synthetic.sample(limit, seed: seed)
    let memorization = Memorization(
      synthetic: pixels(looked), training: pixels(train.sample(holdOut.count, seed: seed)),
      // In folder order, its first half would be half of the classes.
      holdOut: pixels(holdOut.sample(holdOut.count, seed: seed)), on: machine)
    let outliers = OutlierExposure(
      of: pixels(synthetic), in: space, share: 0.02, on: machine)
    let trainSample = train.sample(holdOut.count, seed: seed)
    return AttackFindings(
      attacks: attacks, memorization: memorization, outliers: outliers,
      inversion: synthetic.classNames.count > 1
        ? InversionProbe(synthetic: synthetic, training: train, holdOut: holdOut) : nil,
      suspiciousPairs: looked.images(at: memorization.mostSuspicious.map(\.synthetic))
        .interleaved(with: trainSample.images(at: memorization.mostSuspicious.map(\.training))),
      outlierPairs: roles.members.images(at: outliers.pairs.map(\.member))
        .interleaved(with: synthetic.images(at: outliers.pairs.map(\.synthetic))))
  }

  private func run(
    _ maker: PointMaker, _ synthetic: LabelledImages, _ roles: AttackRoles
  ) -> [AttackFinding] {
    let space = AttackSpace(maker, roles)
    let attack = SetAttacks(on: machine)
    let own = attack.rankings(of: maker.points(synthetic), in: space)
    let positive = attack.rankings(of: space.members, in: space)
    let hasStrangers = roles.strangers.count >= roles.members.count
    let null =
      hasStrangers
      ? attack.rankings(
        of: maker.points(roles.strangers.sample(synthetic.count, seed: seed)), in: space) : [:]
    return SetAttacks.Method.allCases.compactMap { method in
      own[method].map {
        AttackFinding(
          key: "\(method.rawValue).\(space.name)", title: "\(method.title), in \(space.name)",
          space: space.name,
          ranking: $0, null: null[method], positive: positive[method])
      }
    }
  }
}
