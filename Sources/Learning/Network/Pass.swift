public import Compute

/// One micro-batch passing through a network: its size, its classes, and the step's memory.
public final class Pass {
  /// The purpose of the outputs; only layers with running statistics distinguish them.
  public enum Purpose: Hashable, Sendable {
    /// Statistics come from the batch and update the running statistics.
    case training
    /// Running statistics are used and not updated: an example's output does not depend on its batch.
    case sampling
  }

  /// Where the arithmetic runs.
  public let machine: Machine
  /// The memory of this micro-batch's activations and gradients until the next `begin`.
  public let arena: Arena
  /// The number of examples in the current micro-batch; zero is an ordinary size.
  public private(set) var exampleCount = 0
  /// The class of each example, for conditional layers; empty if the model has no classes.
  public private(set) var labels: [Int] = []
  /// The purpose of the outputs.
  public private(set) var purpose = Purpose.training

  /// Creates a pass with its own memory.
  public init(on machine: Machine) {
    self.machine = machine
    arena = Arena()
  }

  /// Starts the next micro-batch and frees the tensors of the last one.
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

  /// Allocates an uninitialised tensor of the batch with `shape` for each example.
  public func make(_ shape: Shape) -> Tensor {
    arena.make(shape.batched(exampleCount))
  }

  /// The class of each example, after checks that there is one per example, below `classCount`.
  public func labels(below classCount: Int) -> [Int] {
    precondition(
      labels.count == exampleCount, "\(labels.count) labels for \(exampleCount) examples")
    precondition(
      labels.allSatisfy { (0..<classCount).contains($0) }, "a label is not below \(classCount)")
    return labels
  }
}
