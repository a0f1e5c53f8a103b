import Compute

/// Inner products and distances between the rows of two feature sets, a block at a time.
///
/// Each block is one matrix multiplication on the machine's kernels, so ten thousand by ten thousand rows
/// take seconds, and the full matrix is never in memory.
struct PairwiseProducts {
  private let machine: Machine
  private let rowBlock = 512
  private let columnBlock = 1024

  /// Creates an instance that computes on `machine`.
  init(on machine: Machine) {
    self.machine = machine
  }

  /// Calls `body` with blocks of inner products: rows of `left`, rows of `right`, and the products
  /// row after row.
  func forEachBlock(
    _ left: FeatureMatrix, _ right: FeatureMatrix,
    _ body: (Range<Int>, Range<Int>, UnsafePointer<Float>) -> Void
  ) {
    precondition(left.width == right.width, "feature sets of different width")
    let arena = Arena()
    for columns in blocks(of: right.count, size: columnBlock) {
      // The rows of `right` are the weights; its transpose is applied by the backward pass.
      let plan = ConvolutionPlan(
        .dense(inputs: columns.count, outputs: right.width), on: machine)
      arena.reset()
      let weights = arena.make(Shape(columns.count, right.width))
      copy(right, columns, into: weights)
      plan.setWeights(weights)
      let mark = arena.mark
      for rows in blocks(of: left.count, size: rowBlock) {
        arena.rewind(to: mark)
        let input = arena.make(Shape(rows.count, left.width))
        copy(left, rows, into: input)
        let products = arena.make(Shape(rows.count, columns.count))
        plan.backwardData(input, into: products)
        body(rows, columns, products.pointer)
      }
    }
  }

  /// Calls `body` for each row of a block of squared Euclidean distances, on several threads: the
  /// row of `left`, the rows of `right`, and their squared distances.
  ///
  /// Both sets are centred first, because a distant origin would cost precision.
  func forEachRowOfSquaredDistances(
    _ left: FeatureMatrix, _ right: FeatureMatrix,
    _ body: @Sendable (Int, Range<Int>, UnsafePointer<Float>) -> Void
  ) {
    let center = Self.center(of: right)
    let first = Self.shifted(left, by: center)
    let second = Self.shifted(right, by: center)
    let firstNorms = Self.squaredNorms(of: first)
    let secondNorms = Self.squaredNorms(of: second)
    let workers = machine.threads.threadCount
    var scratch = [[Float]](
      repeating: [Float](repeating: 0, count: columnBlock), count: workers)
    scratch.withUnsafeMutableBufferPointer { scratch in
      nonisolated(unsafe) let scratch = scratch
      forEachBlock(first, second) { rows, columns, products in
        nonisolated(unsafe) let products = products
        machine.threads.forEach(rows.count) { row, worker in
          scratch[worker].withUnsafeMutableBufferPointer { distances in
            guard let target = distances.baseAddress else { return }
            let source = products + row * columns.count
            let norm = firstNorms[rows.lowerBound + row]
            secondNorms.withUnsafeBufferPointer { norms in
              for column in 0..<columns.count {
                let sum = norm + norms[columns.lowerBound + column] - 2 * source[column]
                target[column] = max(0, sum)
              }
            }
            body(rows.lowerBound + row, columns, target)
          }
        }
      }
    }
  }

  private func blocks(of count: Int, size: Int) -> [Range<Int>] {
    stride(from: 0, to: count, by: size).map { $0..<min(count, $0 + size) }
  }

  private func copy(_ features: FeatureMatrix, _ rows: Range<Int>, into tensor: Tensor) {
    features.values.withUnsafeBufferPointer { values in
      guard let base = values.baseAddress else { return }
      tensor.pointer.update(
        from: base + rows.lowerBound * features.width, count: rows.count * features.width)
    }
  }

  static func center(of features: FeatureMatrix) -> [Float] {
    var sums = [Double](repeating: 0, count: features.width)
    for row in 0..<features.count {
      for column in 0..<features.width {
        sums[column] += Double(features.values[row * features.width + column])
      }
    }
    return sums.map { Float($0 / Double(max(1, features.count))) }
  }

  static func shifted(_ features: FeatureMatrix, by center: [Float]) -> FeatureMatrix {
    FeatureMatrix(count: features.count, width: features.width) { target in
      for row in 0..<features.count {
        for column in 0..<features.width {
          let index = row * features.width + column
          target[index] = features.values[index] - center[column]
        }
      }
    }
  }

  private static func squaredNorms(of features: FeatureMatrix) -> [Float] {
    (0..<features.count).map { row in
      Float(features[row].reduce(0.0) { $0 + Double($1) * Double($1) })
    }
  }
}
