/// Real images by their role in attacks on a set.
struct AttackRoles {
  /// Images that were trained on, and equally many that were not.
  let members: LabelledImages, nonMembers: LabelledImages
  /// Images to calibrate with.
  let reference: LabelledImages
  /// Training images without another role; they replace the synthetic set in the null control.
  let strangers: LabelledImages

  /// Assigns training images and images that the model has never seen.
  ///
  /// - Parameter limit: the most images of a role.
  init(_ train: LabelledImages, _ holdOut: LabelledImages, limit: Int, seed: UInt64) {
    let half = holdOut.count / 2
    let count = min(limit, half, train.count)
    let (others, reference) = holdOut.split(first: min(limit, half), seed: seed)
    (members, strangers) = train.split(first: count, seed: seed)
    nonMembers = others.sample(count, seed: seed)
    self.reference = reference.sample(limit, seed: seed)
  }
}

extension AttackSpace {
  /// The images of some roles as `maker` maps them, each after `treatment`.
  init(
    _ maker: PointMaker, _ roles: AttackRoles,
    after treatment: (LabelledImages) -> LabelledImages = { $0 }
  ) {
    func points(_ images: LabelledImages) -> FeatureMatrix { maker.points(treatment(images)) }
    self.init(
      name: maker.name, members: points(roles.members), nonMembers: points(roles.nonMembers),
      reference: points(roles.reference))
  }
}
