import Compute
import Learning

/// A loss of one side of an adversarial pair, of the kind that the recipe chooses; positive logits mean real.
struct AdversarialLoss: Loss {
  /// What both networks learn by.
  enum Kind: String, RecipeChoice {
    /// Cross-entropy; the generator's is the non-saturating one of arXiv 1406.2661.
    case logistic
    /// The hinge losses of arXiv 1705.02894.
    case hinge
  }

  /// The kind.
  let kind: Kind
  /// The network and images to which the loss applies.
  let role: HingeLoss.Role

  func evaluate(
    _ output: Tensor, gradient: Tensor, values: UnsafeMutableBufferPointer<Double>?, in pass: Pass
  ) {
    switch kind {
    case .hinge:
      HingeLoss(role).evaluate(output, gradient: gradient, values: values, in: pass)
    case .logistic:
      BinaryCrossEntropy(target: role == .drawn ? 0 : 1)
        .evaluate(output, gradient: gradient, values: values, in: pass)
    }
  }
}
