public import Compute

/// The hinge losses of an adversarial pair (Lim & Ye, arXiv 1705.02894).
///
/// An example's loss is the mean over its outputs.
public struct HingeLoss: Loss {
  /// The network and images to which the loss applies.
  public enum Role: Hashable, Sendable {
    /// The discriminator on real images: max(0, 1 − z).
    case real
    /// The discriminator on generated images: max(0, 1 + z).
    case drawn
    /// The generator: −z.
    case generator
  }

  /// The network and images to which the loss applies.
  public let role: Role

  /// Creates the loss for a role.
  public init(_ role: Role) {
    self.role = role
  }

  /// Writes each example's gradient and, if requested, its loss.
  public func evaluate(
    _ output: Tensor, gradient: Tensor, values: UnsafeMutableBufferPointer<Double>?, in pass: Pass
  ) {
    evaluateLogits(output, gradient: gradient, values: values, in: pass) { logit, _ in
      switch role {
      // Written so that NaN stays NaN: an invalid example must be detected by its gradient.
      case .real: logit >= 1 ? (0, 0) : (1 - logit, logit.isNaN ? logit : -1)
      case .drawn: logit <= -1 ? (0, 0) : (1 + logit, logit.isNaN ? logit : 1)
      case .generator: (-logit, logit.isNaN ? logit : -1)
      }
    }
  }
}
