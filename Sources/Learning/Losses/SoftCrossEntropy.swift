public import Compute
import Glibc

/// Cross-entropy of a softmax over an example's outputs against given probabilities of the classes:
/// log Σⱼ e^zⱼ − Σⱼ pⱼ zⱼ, for probabilities that add up to one.
public struct SoftCrossEntropy: Loss {
  /// examples × classes.
  public let targets: Tensor

  /// Creates the loss for the examples of a pass.
  public init(_ targets: Tensor) {
    self.targets = targets
  }

  /// Writes each example's gradient and, if requested, its loss.
  public func evaluate(
    _ output: Tensor, gradient: Tensor, values: UnsafeMutableBufferPointer<Double>?, in pass: Pass
  ) {
    precondition(targets.count == output.count, "a probability for every output")
    guard pass.exampleCount > 0 else { return }
    let classCount = output.count / pass.exampleCount
    for example in 0..<pass.exampleCount {
      let logits = output.pointer + example * classCount
      let wanted = targets.pointer + example * classCount
      let slopes = gradient.pointer + example * classCount
      // Subtracting the largest logit does not change the softmax and keeps exp at most one.
      var largest = Double(logits[0])
      for index in 1..<max(1, classCount) { largest = max(largest, Double(logits[index])) }
      var sum = 0.0
      for index in 0..<classCount { sum += exp(Double(logits[index]) - largest) }
      var likely = 0.0
      for index in 0..<classCount {
        slopes[index] = Float(exp(Double(logits[index]) - largest) / sum) - wanted[index]
        likely += Double(wanted[index]) * (Double(logits[index]) - largest)
      }
      values?[example] = log(sum) - likely
    }
  }
}
