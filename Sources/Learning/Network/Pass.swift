public import Compute

/// One micro-batch on its way through a network: its size, its classes, and the step's memory.
public final class Pass {
  /// What the outputs are for; only layers that keep running statistics tell them apart.
  public enum Purpose: Hashable, Sendable {
    /// Statistics come from the batch and update the running ones.
    case training
    /// Running statistics are used and kept: an example's output does not depend on its batch.
    case sampling
  }

  /// Where the arithmetic runs.
  public let machine: Machine
  /// Where activations and gradients of this micro-batch live until the next `begin`.
  public let arena: Arena
  /// The examples in the present micro-batch; zero is an ordinary size.
  public private(set) var exampleCount = 0
  /// The class of each example, for conditional layers; empty when the model has no classes.
  public private(set) var labels: [Int] = []
  /// What the outputs are for.
  public private(set) var purpose = Purpose.training

  /// Creates a pass with memory of its own.
  public init(on machine: Machine) {
    self.machine = machine
    arena = Arena()
  }

  /// Starts the next micro-batch; tensors of the last one are given back.
  public func begin(exampleCount: Int, labels: [Int] = [], purpose: Purpose = .training) {
    precondition(
      labels.isEmpty || labels.count == exampleCount,
      "\(labels.count) labels for \(exampleCount) examples")
    arena.reset()
    self.exampleCount = exampleCount
    self.labels = labels
    self.purpose = purpose
  }

  /// Forgets the micro-batch: its size, its classes and its tensors, which may be private.
  func end() { begin(exampleCount: 0, purpose: purpose) }

  /// Cuts a tensor of the batch with `shape` for each example; its elements are not set.
  public func make(_ shape: Shape) -> Tensor {
    arena.make(shape.batched(exampleCount))
  }

  /// The class of each example, checked: there is one for each, and it is below `classCount`.
  public func labels(below classCount: Int) -> [Int] {
    precondition(
      labels.count == exampleCount, "\(labels.count) labels for \(exampleCount) examples")
    precondition(
      labels.allSatisfy { (0..<classCount).contains($0) }, "a label is not below \(classCount)")
    return labels
  }
}
