import CKernels

extension Kernels {
  /// Writes the weights of a softmax, e^(scale · (logit − largest)), not divided by their sum.
  ///
  /// `logits` has `count` numbers, at least one.
  package func softmaxWeights(
    _ logits: UnsafePointer<Float>, scale: Float, count: Int,
    into weights: UnsafeMutablePointer<Float>
  ) -> (largest: Float, sum: Float) {
    precondition(count > 0, "a softmax over nothing")
    var largest: Float = 0
    let sum = table.pointee.f32_softmax_weights(logits, scale, count, weights, &largest)
    return (largest, sum)
  }
}
