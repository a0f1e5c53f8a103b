extension TrainingCurve {
  static let discriminatorLossOnFakes = TrainingCurve(
    "discriminator_loss_fakes", title: "Discriminator's loss on synthetic images")
  static let discriminatorSteps = TrainingCurve("discriminator_steps")
  static let generatorLoss = TrainingCurve("generator_loss", title: "Generator's loss")
  static let generatorSteps = TrainingCurve("generator_steps")
  /// How often the discriminator recognises a synthetic image: post-processing of its weights.
  static let fakeAccuracy = TrainingCurve(
    "fake_accuracy", title: "Share of synthetic images that the discriminator recognises")
}

extension DPGAN {
  public static let curves: [TrainingCurve] = [
    .discriminatorLossOnFakes, .discriminatorSteps, .fakeAccuracy, .generatorLoss, .generatorSteps,
  ]

  public static let watchedCurve: TrainingCurve? = .fakeAccuracy

  public static func balance(atEnd value: Double) -> String? {
    let words =
      switch value {
      case 0.9...:
        "it saw what is wrong with nearly all of them, and the generator lagged behind."
      case ..<0.6:
        "it could not distinguish them from real ones: they are alike, or noise left it too weak to see "
          + "a difference."
      default: "it still recognised many of them, so the generator still learnt from it."
      }
    let percent = (1000 * value).rounded() / 10
    return "At the end the discriminator recognised \(percent) % of the synthetic images (half of them "
      + "would be guessing): \(words)"
  }
}
