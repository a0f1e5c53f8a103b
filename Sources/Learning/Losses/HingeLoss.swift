public import Compute

/// The hinge losses of an adversarial pair (Lim & Ye, arXiv 1705.02894).
///
/// An example's loss is the mean over its outputs.
public struct HingeLoss: Loss {
  /// Whose loss it is.
  public enum Role: Hashable, Sendable {
    /// The discriminator on real images: max(0, 1 − z).
    case real
    /// The discriminator on drawn images: max(0, 1 + z).
    case drawn
    /// The generator: −z.
    case generator
  }

  /// Whose loss it is.
  public let role: Role

  /// Creates the loss of a role.
  public init(_ role: Role) {
    self.role = role
  }

  /// Writes each example's gradient and, if asked for, its loss.
  public func evaluate(
    _ output: Tensor, gradient: Tensor, values: UnsafeMutableBufferPointer<Double>?, in pass: Pass
  ) {
    evaluateLogits(output, gradient: gradient, values: values, in: pass) { logit, _ in
      switch role {
      // Written so that NaN stays NaN: a spoilt example must be recognised by its gradient.
      case .real: logit >= 1 ? (0, 0) : (1 - logit, logit.isNaN ? logit : -1)
      case .drawn: logit <= -1 ? (0, 0) : (1 + logit, logit.isNaN ? logit : 1)
      case .generator: (-logit, logit.isNaN ? logit : -1)
      }
    }
  }
}
