public import Compute
import Glibc

/// Cross-entropy of a softmax over an example's outputs against its label: log Σⱼ e^zⱼ − z_label.
public struct CategoricalCrossEntropy: Loss {
  /// Creates the loss.
  public init() {}

  /// Writes each example's gradient and, if requested, its loss.
  public func evaluate(
    _ output: Tensor, gradient: Tensor, values: UnsafeMutableBufferPointer<Double>?, in pass: Pass
  ) {
    guard pass.exampleCount > 0 else { return }
    let classCount = output.count / pass.exampleCount
    for (example, label) in pass.labels(below: classCount).enumerated() {
      let logits = output.pointer + example * classCount
      let slopes = gradient.pointer + example * classCount
      // Subtracting the largest logit does not change the softmax and keeps exp at most one.
      var largest = Double(logits[0])
      for index in 1..<max(1, classCount) { largest = max(largest, Double(logits[index])) }
      var sum = 0.0
      for index in 0..<classCount { sum += exp(Double(logits[index]) - largest) }
      for index in 0..<classCount {
        let probability = exp(Double(logits[index]) - largest) / sum
        slopes[index] = Float(probability - (index == label ? 1 : 0))
      }
      values?[example] = log(sum) + largest - Double(logits[label])
    }
  }
}
