import CKernels

// Sums in a fixed order, so that results do not depend on the number of threads.
extension Machine {
  /// Sums over positions: `tensor` is batch × positions × channels, `sums` batch × channels.
  public func sumPositions(_ tensor: Tensor, channels: Int, into sums: Tensor) {
    let exampleCount = sums.count / channels
    guard exampleCount > 0 else { return }
    let positions = tensor.count / sums.count
    precondition(
      tensor.count == positions * sums.count && sums.count == exampleCount * channels,
      "\(tensor.shape) of \(channels) channels into \(sums.shape)")
    let source = tensor.pointer
    let target = sums.pointer
    let table = kernels.table.pointee
    threads.forEach(exampleCount) { example, _ in
      table.f32_weighted_rows(
        source + example * positions * channels, nil, positions, channels, channels,
        target + example * channels, 0)
    }
  }

  /// Adds the sum of squares of each row (outermost axis) to its entry of `norms`, in Double.
  public func addSquaredNorms(
    ofRows tensor: Tensor, to norms: UnsafeMutableBufferPointer<Double>
  ) {
    guard norms.count > 0 else { return }
    let stride = tensor.count / norms.count
    precondition(stride * norms.count == tensor.count, "\(norms.count) norms for \(tensor.shape)")
    let source = tensor.pointer
    let table = kernels.table.pointee
    threads.forEach(norms.count) { row, _ in
      norms[row] += table.f32_squared_norm(source + row * stride, stride)
    }
  }

  /// Adds Σᵢ wᵢ·rowᵢ to `target` (one row's shape); `weights` nil means one for every row.
  public func addWeightedRows(_ rows: Tensor, weights: Tensor?, to target: Tensor) {
    let stride = target.count
    guard stride > 0 else { return }
    let rowCount = rows.count / stride
    precondition(
      rows.count == rowCount * stride && weights.map { $0.count == rowCount } ?? true,
      "rows \(rows.shape) and weights \(weights?.shape.description ?? "") to \(target.shape)")
    let chunk = 2048
    let source = rows.pointer
    let sum = target.pointer
    let factors = weights?.pointer
    let table = kernels.table.pointee
    threads.forEach((stride + chunk - 1) / chunk) { part, _ in
      let first = part * chunk
      table.f32_weighted_rows(
        source + first, factors, rowCount, stride, min(chunk, stride - first), sum + first, 1)
    }
  }
}
