public import Compute

/// A loss that is a sum of terms, one per example.
///
/// A term depends only on its own example; any other dependence would break the bound on an
/// example's influence.
public protocol Loss {
  /// Writes the gradient of each example's loss with respect to its outputs into `gradient`, and
  /// the loss itself into `values` (one per example) if requested.
  func evaluate(
    _ output: Tensor, gradient: Tensor, values: UnsafeMutableBufferPointer<Double>?, in pass: Pass)
}
