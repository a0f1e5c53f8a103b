public import Compute

/// A piece of a network: forward, backward, and the gradient of its parameters.
///
/// A layer is created with the shape of its input, so that mistakes show at construction. During a
/// pass it remembers what backward needs; it serves one pass at a time.
public protocol Layer: AnyObject {
  /// What `describe` prints, for example "convolution 64, 4×4, stride 2".
  var summary: String { get }
  /// The shape of one input example.
  var inputShape: Shape { get }
  /// The shape of one output example.
  var outputShape: Shape { get }
  /// Repacks weights after the parameters have changed.
  func parametersChanged()
  /// Computes the outputs of a micro-batch (batch × output shape).
  func forward(_ input: Tensor, in pass: Pass) -> Tensor
  /// Computes the input's gradient from the output's, and keeps the output's gradient for `addGradient`.
  ///
  /// Returns nil exactly when `needsInputGradient` is false, as for the first layer of a network.
  func backward(_ outputGradient: Tensor, needsInputGradient: Bool, in pass: Pass) -> Tensor?
  /// Adds the sum over the batch of the parameters' gradient to the store.
  func addGradient(in pass: Pass)
}

/// A layer that treats every example separately, so that the influence of each can be bounded.
///
/// This is the book-keeping form of ghost clipping (Bu et al., arXiv 2210.00038): one forward, one
/// backward chain, squared norms per example, then one weighted sum. Layers that mix examples, such
/// as batch normalisation, cannot conform: a private network does not accept them.
public protocol PerExampleLayer: Layer {
  /// Adds each example's squared norm of the parameters' gradient to `norms` (one per example).
  func addSquaredGradientNorms(to norms: UnsafeMutableBufferPointer<Double>, in pass: Pass)
  /// Adds Σᵢ weightᵢ · gradientᵢ to the store; `weights` nil means one for every example.
  func addGradient(weightedBy weights: Tensor?, in pass: Pass)
}

extension PerExampleLayer {
  /// Adds the plain sum over the batch: weight one for every example.
  public func addGradient(in pass: Pass) {
    addGradient(weightedBy: nil, in: pass)
  }
}

/// A layer without parameters, which implements only forward and backward.
public protocol ParameterFreeLayer: PerExampleLayer {}

extension ParameterFreeLayer {
  /// Nothing to repack.
  public func parametersChanged() {}
  /// Nothing to add.
  public func addSquaredGradientNorms(
    to norms: UnsafeMutableBufferPointer<Double>, in pass: Pass
  ) {}
  /// Nothing to add.
  public func addGradient(weightedBy weights: Tensor?, in pass: Pass) {}
}
