import Compute

/// The kernel distance (KID): an unbiased estimate of the squared maximum mean discrepancy with the
/// cubic polynomial kernel (x·y / d + 1)³ (Bińkowski et al., arXiv 1801.01401).
struct KernelDistance {
  /// The mean over blocks; about zero, of either sign, for equal distributions.
  let value: Double
  /// The standard error of the mean over blocks.
  let standardError: Double
  /// The number of disjoint blocks, and the images of each set in a block.
  let blockCount: Int, blockSize: Int

  /// Compares the first min(n, m) rows of both sets in disjoint blocks of at most a thousand rows, and in at
  /// least ten blocks if there are enough rows.
  init(_ first: FeatureMatrix, _ second: FeatureMatrix, on machine: Machine) {
    let count = min(first.count, second.count)
    precondition(count >= 2, "a kernel distance needs at least two images of each set")
    let size = min(1000, max(min(count, 2), count / 10))
    blockSize = size
    blockCount = count / size
    let products = PairwiseProducts(on: machine)
    let values = (0..<blockCount).map { block -> Double in
      let rows = (block * size)..<((block + 1) * size)
      let x = first.rows(rows)
      let y = second.rows(rows)
      let within =
        Self.kernelSum(x, x, skipsDiagonal: true, products)
        + Self.kernelSum(y, y, skipsDiagonal: true, products)
      let across = Self.kernelSum(x, y, skipsDiagonal: false, products)
      return within / Double(size * (size - 1)) - 2 * across / Double(size * size)
    }
    let mean = values.reduce(0, +) / Double(blockCount)
    value = mean
    let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    standardError =
      blockCount > 1
      ? (squares / Double(blockCount - 1) / Double(blockCount)).squareRoot() : .nan
  }

  private static func kernelSum(
    _ x: FeatureMatrix, _ y: FeatureMatrix, skipsDiagonal: Bool, _ products: PairwiseProducts
  ) -> Double {
    let scale = 1 / Double(x.width)
    var sum = 0.0
    products.forEachBlock(x, y) { rows, columns, block in
      for row in rows {
        let line = block + (row - rows.lowerBound) * columns.count
        for column in columns where !(skipsDiagonal && row == column) {
          let base = Double(line[column - columns.lowerBound]) * scale + 1
          sum += base * base * base
        }
      }
    }
    return sum
  }
}
