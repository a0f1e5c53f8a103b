/// A square matrix of Double, row after row, for covariances and their roots.
package struct SquareMatrix {
  /// Rows, and columns.
  package let order: Int
  /// order × order.
  package var elements: [Double]

  /// Creates a matrix of zeros.
  package init(order: Int) {
    self.order = order
    elements = [Double](repeating: 0, count: order * order)
  }

  /// One element.
  package subscript(row: Int, column: Int) -> Double {
    get { elements[row * order + column] }
    set { elements[row * order + column] = newValue }
  }

  /// The sum of the diagonal.
  package var trace: Double { (0..<order).reduce(0) { $0 + self[$1, $1] } }

  /// The product with another matrix of the same order.
  package func multiplied(by other: SquareMatrix, on threads: ThreadPool) -> SquareMatrix {
    precondition(order == other.order, "a product of orders \(order) and \(other.order)")
    var product = SquareMatrix(order: order)
    let order = order
    product.elements.withUnsafeMutableBufferPointer { target in
      elements.withUnsafeBufferPointer { left in
        other.elements.withUnsafeBufferPointer { right in
          guard let result = target.baseAddress, let a = left.baseAddress,
            let b = right.baseAddress
          else { return }
          // Each thread computes a row of the result, which stays in the cache while rows of `b` stream.
          nonisolated(unsafe) let output = result
          nonisolated(unsafe) let first = a
          nonisolated(unsafe) let second = b
          threads.forEach(order) { row, _ in
            let sums = output + row * order
            for inner in 0..<order {
              let factor = first[row * order + inner]
              if factor == 0 { continue }
              addScaled(second + inner * order, factor, to: sums, count: order)
            }
          }
        }
      }
    }
    return product
  }

  /// Makes the matrix exactly symmetric by averaging it with its transpose.
  package mutating func symmetrize() {
    for row in 0..<order {
      for column in 0..<row {
        let mean = (self[row, column] + self[column, row]) / 2
        self[row, column] = mean
        self[column, row] = mean
      }
    }
  }
}

/// Adds `factor` times `count` numbers of `source` to `target`.
@inline(__always)
func addScaled(
  _ source: UnsafePointer<Double>, _ factor: Double, to target: UnsafeMutablePointer<Double>,
  count: Int
) {
  for index in 0..<count { target[index] += factor * source[index] }
}
