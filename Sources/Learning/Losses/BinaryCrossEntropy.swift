public import Compute
import Glibc

/// Binary cross-entropy of logits.
///
/// It is max(z, 0) − z·t + log(1 + e^−|z|) for log-odds z and target t. An example's loss is the
/// mean over its outputs. With target 1 on generated images it is the non-saturating generator
/// loss; a target below one on real images is one-sided label smoothing (Salimans et al., arXiv
/// 1606.03498).
public struct BinaryCrossEntropy: Loss {
  /// The target of each example's outputs.
  public enum Target: Hashable, Sendable {
    /// The same probability for every example.
    case constant(Float)
    /// The example's label, zero or one.
    case labels
  }

  /// The target of each example's outputs.
  public let target: Target

  /// Creates the loss for one target probability, between zero and one.
  public init(target: Float) {
    precondition((0...1).contains(target), "target \(target) is not a probability")
    self.target = .constant(target)
  }

  /// Creates the loss for a target.
  public init(_ target: Target) {
    self.target = target
  }

  /// Writes each example's gradient and, if requested, its loss.
  public func evaluate(
    _ output: Tensor, gradient: Tensor, values: UnsafeMutableBufferPointer<Double>?, in pass: Pass
  ) {
    let labels = target == .labels ? pass.labels(below: 2) : []
    evaluateLogits(output, gradient: gradient, values: values, in: pass) { logit, example in
      let target =
        switch self.target {
        case .constant(let probability): Double(probability)
        case .labels: Double(labels[example])
        }
      let small = exp(-abs(logit))
      let probability = logit >= 0 ? 1 / (1 + small) : small / (1 + small)
      return (max(logit, 0) - logit * target + log1p(small), probability - target)
    }
  }
}

extension Loss {
  /// Evaluates a loss that is the mean over an example's outputs of a function of one output.
  ///
  /// `term` returns the value and its derivative.
  func evaluateLogits(
    _ output: Tensor, gradient: Tensor, values: UnsafeMutableBufferPointer<Double>?, in pass: Pass,
    _ term: (_ logit: Double, _ example: Int) -> (value: Double, slope: Double)
  ) {
    guard pass.exampleCount > 0 else { return }
    let width = output.count / pass.exampleCount
    let share = 1 / Double(width)
    for example in 0..<pass.exampleCount {
      var sum = 0.0
      for index in (example * width)..<((example + 1) * width) {
        let (value, slope) = term(Double(output.pointer[index]), example)
        sum += value
        gradient.pointer[index] = Float(slope * share)
      }
      values?[example] = sum * share
    }
  }
}
