import CKernels
import Glibc

/// The constants of Adam (Kingma & Ba, arXiv 1412.6980).
public struct AdamConstants: Hashable, Sendable, Codable {
  /// Step size, decay rates of the two moments, and the constant added to the denominator.
  public var learningRate: Float, beta1: Float, beta2: Float, epsilon: Float

  /// Creates a set of constants.
  public init(
    learningRate: Float, beta1: Float = 0.9, beta2: Float = 0.999, epsilon: Float = 1e-8
  ) {
    self.learningRate = learningRate
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
  }
}

extension Machine {
  /// One step of Adam over flat buffers; `step` counts from one.
  public func adam(
    parameters: Tensor, gradient: Tensor, firstMoment: Tensor, secondMoment: Tensor,
    step: Int, _ constants: AdamConstants
  ) {
    let count = parameters.count
    precondition(
      gradient.count == count && firstMoment.count == count && secondMoment.count == count,
      "Adam's buffers are not all of \(count) elements")
    precondition(step > 0, "Adam's step \(step) (steps count from one)")
    let correction1 = 1 - pow(Double(constants.beta1), Double(step))
    let correction2 = 1 - pow(Double(constants.beta2), Double(step))
    var whole = ck_adam()
    whole.parameters = parameters.pointer
    whole.gradient = UnsafePointer(gradient.pointer)
    whole.first_moment = firstMoment.pointer
    whole.second_moment = secondMoment.pointer
    whole.beta1 = constants.beta1
    whole.beta2 = constants.beta2
    whole.epsilon = constants.epsilon
    whole.step = Float(Double(constants.learningRate) / correction1)
    whole.root_scale = Float(1 / correction2.squareRoot())
    inChunks(count) { [whole] table, first, count in
      var part = whole
      part.parameters += first
      part.gradient += first
      part.first_moment += first
      part.second_moment += first
      table.f32_adam(&part, count)
    }
  }
}
