import Compute

/// Normalised mean square error: ‖a − b‖² / ‖b‖².
func normalizedError(_ values: [Float], _ expected: [Double]) -> Double {
  precondition(values.count == expected.count)
  var error = 0.0
  var size = 0.0
  for (value, truth) in zip(values, expected) {
    error += (Double(value) - truth) * (Double(value) - truth)
    size += truth * truth
  }
  return size == 0 ? error : error / size
}

/// Random floats and tensors from a seed.
func randomFloats(_ count: Int, seed: UInt64) -> [Float] {
  var stream = SeededStream(seed: seed)
  return (0..<count).map { _ in Float(stream.gaussian()) }
}

extension Arena {
  func make(_ shape: Shape, _ values: [Float]) -> Tensor {
    let tensor = make(shape)
    tensor.assign(values)
    return tensor
  }
}
