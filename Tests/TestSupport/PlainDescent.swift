public import Compute
public import Learning

/// Gradient descent without a memory, x ← x − rate·g: an update that shows a gradient unchanged.
public final class PlainDescent: Optimizer {
  public var learningRate: Float
  public var stepCount = 0
  private let machine: Machine

  /// Creates an optimiser for any store.
  public init(learningRate: Float, on machine: Machine) {
    self.learningRate = learningRate
    self.machine = machine
  }

  public var state: [(name: String, tensor: Tensor)] { [] }

  public func update(_ parameters: ParameterStore, along gradient: Tensor) {
    stepCount += 1
    machine.add(gradient, scaledBy: -learningRate, to: parameters.values)
  }
}
