public import Compute

/// A rule that moves parameters along a gradient, with a memory that a checkpoint carries.
public protocol Optimizer: AnyObject {
  /// Moves the parameters by one step.
  func update(_ parameters: ParameterStore, along gradient: Tensor)
  /// The memory as named flat tensors, to save and to restore in place.
  var state: [(name: String, tensor: Tensor)] { get }
  /// Updates made so far.
  var stepCount: Int { get set }
  /// The step size of the next update.
  var learningRate: Float { get set }
}
