public import Compute

/// Gradient descent with momentum: v ← momentum·v + g, then x ← x − rate·v, as in PyTorch.
public final class StochasticGradientDescent: Optimizer {
  /// The step size of the next update.
  public var learningRate: Float
  /// How much of the last direction is kept; zero is plain descent.
  public let momentum: Float
  /// Updates made so far.
  public var stepCount = 0
  private let velocity: Tensor
  private let store: ParameterStore
  private let machine: Machine

  /// Creates an optimiser for one sealed store, which also holds its memory.
  public init(
    for parameters: ParameterStore, learningRate: Float, momentum: Float = 0, on machine: Machine
  ) {
    self.learningRate = learningRate
    self.momentum = momentum
    self.machine = machine
    store = parameters
    velocity = parameters.makeCompanion()
  }

  /// The direction of travel.
  public var state: [(name: String, tensor: Tensor)] { [("velocity", velocity)] }

  /// Moves the parameters by one step.
  public func update(_ parameters: ParameterStore, along gradient: Tensor) {
    precondition(parameters === store, "an optimiser serves one store")
    stepCount += 1
    machine.scale(velocity, by: momentum)
    machine.add(gradient, to: velocity)
    machine.add(velocity, scaledBy: -learningRate, to: parameters.values)
  }
}
