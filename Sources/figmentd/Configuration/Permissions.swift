@_spi(Administrator) import Privacy

/// Where permission to train without privacy comes from: the one file that can give it for
/// real images.
extension UnprotectedTraining {
  /// What the administrator's policy of a dataset gives; nil when it allows no such run.
  static func granted(by policy: PrivacyPolicy) -> UnprotectedTraining? {
    policy.allowsNonPrivate ? UnprotectedTraining() : nil
  }

  /// Who runs `figmentd run` is the administrator, and says so with a flag.
  static func granted(byFlag isGiven: Bool) -> UnprotectedTraining? {
    isGiven ? UnprotectedTraining() : nil
  }
}
