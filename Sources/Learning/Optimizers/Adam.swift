public import Compute

/// Adam with bias correction (Kingma & Ba, arXiv 1412.6980).
public final class Adam: Optimizer {
  /// The step size, the decay rates of the moments, and the constant added to the denominator.
  public private(set) var constants: AdamConstants
  /// The number of updates so far.
  public var stepCount = 0
  private let firstMoment: Tensor
  private let secondMoment: Tensor
  private let store: ParameterStore
  private let machine: Machine

  /// Creates an optimiser for one sealed store, which also owns the optimiser's memory.
  public init(for parameters: ParameterStore, _ constants: AdamConstants, on machine: Machine) {
    self.constants = constants
    self.machine = machine
    store = parameters
    firstMoment = parameters.makeCompanion()
    secondMoment = parameters.makeCompanion()
  }

  /// The step size of the next update.
  public var learningRate: Float {
    get { constants.learningRate }
    set { constants.learningRate = newValue }
  }

  /// The two moments.
  public var state: [(name: String, tensor: Tensor)] {
    [("firstMoment", firstMoment), ("secondMoment", secondMoment)]
  }

  /// Moves the parameters by one step.
  public func update(_ parameters: ParameterStore, along gradient: Tensor) {
    precondition(parameters === store, "an optimiser serves one store")
    stepCount += 1
    machine.adam(
      parameters: parameters.values, gradient: gradient, firstMoment: firstMoment,
      secondMoment: secondMoment, step: stepCount, constants)
  }
}
