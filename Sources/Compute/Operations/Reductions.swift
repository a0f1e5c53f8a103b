// Sums in a fixed order, so that results do not depend on the number of threads.
extension Machine {
  /// Sums over positions: `tensor` is batch × positions × channels, `sums` batch × channels.
  public func sumPositions(_ tensor: Tensor, channels: Int, into sums: Tensor) {
    let exampleCount = sums.count / channels
    guard exampleCount > 0 else { return }
    let positions = tensor.count / sums.count
    threads.forEach(exampleCount) { example, _ in
      let target = sums.pointer + example * channels
      target.update(repeating: 0, count: channels)
      var source = tensor.pointer + example * positions * channels
      for _ in 0..<positions {
        for channel in 0..<channels { target[channel] += source[channel] }
        source += channels
      }
    }
  }

  /// Adds the sum of squares of each row (outermost axis) to its entry of `norms`, in Double.
  public func addSquaredNorms(
    ofRows tensor: Tensor, to norms: UnsafeMutableBufferPointer<Double>
  ) {
    guard norms.count > 0 else { return }
    let stride = tensor.count / norms.count
    threads.forEach(norms.count) { row, _ in
      var sum = 0.0
      let source = tensor.pointer + row * stride
      for index in 0..<stride { sum += Double(source[index]) * Double(source[index]) }
      norms[row] += sum
    }
  }

  /// Adds Σᵢ wᵢ·rowᵢ to `target` (one row's shape); `weights` nil means one for every row.
  public func addWeightedRows(_ rows: Tensor, weights: Tensor?, to target: Tensor) {
    let stride = target.count
    guard stride > 0 else { return }
    let rowCount = rows.count / stride
    let chunk = 2048
    threads.forEach((stride + chunk - 1) / chunk) { part, _ in
      for row in 0..<rowCount {
        let weight = weights?.pointer[row] ?? 1
        let source = rows.pointer + row * stride
        for index in (part * chunk)..<min(stride, (part + 1) * chunk) {
          target.pointer[index] += weight * source[index]
        }
      }
    }
  }
}
