public import Compute

/// A rule that moves parameters along a gradient, with a state that checkpoints include.
public protocol Optimizer: AnyObject {
  /// Moves the parameters by one step.
  func update(_ parameters: ParameterStore, along gradient: Tensor)
  /// The state as named flat tensors, to save and to restore in place.
  var state: [(name: String, tensor: Tensor)] { get }
  /// The number of updates so far.
  var stepCount: Int { get set }
  /// The step size of the next update.
  var learningRate: Float { get set }
}

extension Optimizer {
  /// Forgets all updates: moments of gradients without noise are far smaller than those of noisy ones.
  public func restart() {
    for (_, tensor) in state { tensor.fill(0) }
    stepCount = 0
  }
}
