import Learning
import Privacy

extension PrivateNetwork {
  /// Moves the parameters along the gradient of private examples, protected as a step orders.
  ///
  /// - Returns: the mean loss of a step without protection; nil for a noisy one, whose loss nobody may see.
  func update(
    by step: TrainingStep, over examples: PrivateExamples, loss: some Loss,
    with optimizer: some Optimizer, in pass: Pass
  ) -> Sensitive<Double>? {
    switch step.protection {
    case .noise(let mechanism):
      let gradient = privateGradient(
        over: examples, loss: loss, mechanism, noise: step.noise, in: pass)
      update(along: gradient, by: optimizer)
      return nil
    case .none(let permission):
      let gradient = unprotectedGradient(over: examples, loss: loss, in: pass)
      let meanLoss = gradient.meanLoss
      update(along: gradient, by: optimizer, permission)
      return meanLoss
    }
  }
}
