import Glibc

/// The constants of Adam (Kingma & Ba, arXiv 1412.6980).
public struct AdamConstants: Hashable, Sendable, Codable {
  /// Step size, decay of the two moments, and the guard of the denominator.
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
    let c = constants
    let correction1 = Float(1 - pow(Double(c.beta1), Double(step)))
    let correction2 = Float(1 - pow(Double(c.beta2), Double(step)))
    let chunk = 16_384
    let count = parameters.count
    threads.forEach((count + chunk - 1) / chunk) { part, _ in
      for index in (part * chunk)..<min(count, (part + 1) * chunk) {
        let g = gradient.pointer[index]
        let m = c.beta1 * firstMoment.pointer[index] + (1 - c.beta1) * g
        let v = c.beta2 * secondMoment.pointer[index] + (1 - c.beta2) * g * g
        firstMoment.pointer[index] = m
        secondMoment.pointer[index] = v
        parameters.pointer[index] -=
          c.learningRate * (m / correction1) / ((v / correction2).squareRoot() + c.epsilon)
      }
    }
  }
}
