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
        "it recognised nearly all of them as synthetic, and the generator lagged behind."
      case ..<0.6:
        "it could not distinguish them from real ones: they are similar, or noise left it too weak."
      default: "it still distinguished many of them, so the generator could still learn from it."
      }
    let percent = (1000 * value).rounded() / 10
    return "At the end the discriminator recognised \(percent) % of the synthetic images (half by "
      + "guessing): \(words)"
  }
}
