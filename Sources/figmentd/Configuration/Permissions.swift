@_spi(Administrator) import Privacy

/// Grants permission to train on real images without privacy; no other file can grant it.
extension UnprotectedTraining {
  /// The permission that a dataset's policy grants; nil if it allows no such run.
  static func granted(by policy: PrivacyPolicy) -> UnprotectedTraining? {
    policy.allowsNonPrivate ? UnprotectedTraining() : nil
  }

  /// The caller of `figmentd run` acts as administrator and grants it by a flag.
  static func granted(byFlag isGiven: Bool) -> UnprotectedTraining? {
    isGiven ? UnprotectedTraining() : nil
  }
}
