import Compute
import Learning
import Privacy

/// A network that learns from private images: its weights, their optimiser, and the running average of the
/// weights, which draws or labels.
struct AveragedNetwork {
  let network: PrivateNetwork
  let optimizer: any Optimizer
  let average: WeightAverage
  let names: Names
  /// The gradient of images that are not private.
  private let publicGradient: PublicGradient

  /// The names of the parts in checkpoints.
  struct Names {
    let network: String, optimizer: String, average: String

    init(network: String, optimizer: String, average: String) {
      self.network = network
      self.optimizer = optimizer
      self.average = average
    }

    /// Names that begin with the name of the network.
    init(_ network: String) {
      self.init(network: network, optimizer: "\(network)_optimizer", average: "\(network)_average")
    }
  }

  /// Memory that only pre-training needs.
  private final class PublicGradient {
    let parameters: ParameterStore
    lazy var tensor: Tensor = parameters.makeCompanion()

    init(of parameters: ParameterStore) { self.parameters = parameters }
  }

  /// A network that no step has changed.
  ///
  /// - Parameter averageDecay: the decay per step of the average.
  init(
    _ network: PrivateNetwork, optimizer: any Optimizer, averageDecay: Double, names: Names
  ) {
    self.network = network
    self.optimizer = optimizer
    self.names = names
    average = WeightAverage(of: network.parameters, decay: averageDecay)
    publicGradient = PublicGradient(of: network.parameters)
  }

  var parameters: ParameterStore { network.parameters }

  /// Moves the parameters along the gradient of private examples, protected as a step orders.
  ///
  /// - Returns: the mean loss of a step without protection; nil for a noisy one, whose loss nobody may see.
  func update(
    by step: TrainingStep, over examples: PrivateExamples, loss: some Loss, in pass: Pass
  ) -> Sensitive<Double>? {
    defer { average.update(from: parameters) }
    switch step.protection {
    case .noise(let mechanism):
      let gradient = network.noisedGradient(
        over: examples, loss: loss, mechanism, noise: step.noise, in: pass)
      network.update(along: gradient, by: optimizer)
      return nil
    case .none(let permission):
      let gradient = network.unprotectedGradient(over: examples, loss: loss, in: pass)
      let meanLoss = gradient.meanLoss
      network.update(along: gradient, by: optimizer, permission)
      return meanLoss
    }
  }

  /// Moves the parameters along the gradient of examples that a program drew.
  ///
  /// - Returns: the mean loss.
  func update(overPublic examples: some ExampleSource, loss: some Loss, in pass: Pass) -> Double {
    let gradient = publicGradient.tensor
    gradient.fill(0)
    let meanLoss = network.addPublicGradient(
      over: examples, loss: loss, clipNorm: nil, scale: 1 / Float(examples.count), to: gradient,
      in: pass)
    network.update(alongPublic: gradient, by: optimizer)
    average.update(from: parameters)
    return meanLoss
  }

  /// Forgets the optimiser's moments and the average of a pre-training.
  ///
  /// Moments of gradients without noise are far smaller than those of noisy ones: the first noisy steps
  /// would be huge.
  func restartAfterPreTraining() {
    optimizer.restart()
    average.restart()
  }

  /// Calls `body` with the network under its averaged weights.
  func withAverage<Result>(_ body: (Network) throws -> Result) rethrows -> Result {
    try average.withAverage(in: network.network) { try body(network.network) }
  }
}

// The network in checkpoints and releases.
extension AveragedNetwork {
  /// Saves everything that is needed to go on training.
  func save(into checkpoint: inout Checkpoint) {
    checkpoint.save(parameters, as: names.network)
    checkpoint.save(optimizer, as: names.optimizer)
    checkpoint.save(average, as: names.average)
  }

  /// Restores what `save` saved.
  func restore(from checkpoint: Checkpoint) throws {
    try checkpoint.restore(parameters, from: names.network)
    try checkpoint.restore(optimizer, from: names.optimizer)
    try checkpoint.restore(average, from: names.average)
    network.network.parametersChanged()
  }

  /// Saves the averaged weights alone: the part that may be released.
  func saveAverage(into checkpoint: inout Checkpoint) {
    withAverage { _ in checkpoint.save(parameters, as: names.network) }
  }

  /// Restores what `saveAverage` saved.
  func restoreAverage(from checkpoint: Checkpoint) throws {
    try checkpoint.restore(parameters, from: names.network)
    average.restart()
    network.network.parametersChanged()
  }
}
