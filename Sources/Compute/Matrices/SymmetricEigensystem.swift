import Glibc

/// Eigenvalues and, if requested, eigenvectors of a symmetric matrix.
///
/// Householder reflections make the matrix tridiagonal (Golub & Van Loan, Matrix Computations,
/// algorithm 8.3.1), implicit QL iterations with Wilkinson shifts make it diagonal (8.3.3).
package struct SymmetricEigensystem {
  /// The eigenvalues in ascending order.
  package private(set) var values: [Double]
  /// Row i is the eigenvector of value i; empty unless requested.
  package private(set) var vectors: [Double]

  /// Decomposes `matrix`; only its symmetric part is used.
  package init(_ matrix: SquareMatrix, wantsVectors: Bool) {
    let order = matrix.order
    var work = matrix
    work.symmetrize()
    var diagonal = [Double](repeating: 0, count: order)
    var offDiagonal = [Double](repeating: 0, count: order)
    var basis = [Double](repeating: 0, count: wantsVectors ? order * order : 0)
    Self.tridiagonalize(
      &work, diagonal: &diagonal, offDiagonal: &offDiagonal, basis: &basis)
    Self.iterate(diagonal: &diagonal, offDiagonal: &offDiagonal, basis: &basis)
    let ranking = diagonal.indices.sorted { diagonal[$0] < diagonal[$1] }
    values = ranking.map { diagonal[$0] }
    vectors = []
    if wantsVectors {
      vectors.reserveCapacity(order * order)
      for row in ranking { vectors += basis[(row * order)..<((row + 1) * order)] }
    }
  }

  /// Applies `function` to every eigenvalue: Σ f(λ)·v·vᵀ.
  ///
  /// Needs vectors.
  package func applying(_ function: (Double) -> Double, on threads: ThreadPool) -> SquareMatrix {
    let order = values.count
    var scaled = SquareMatrix(order: order)
    var transposed = SquareMatrix(order: order)
    for index in 0..<order {
      let factor = function(values[index])
      for column in 0..<order {
        let element = vectors[index * order + column]
        scaled[index, column] = factor * element
        transposed[column, index] = element
      }
    }
    return transposed.multiplied(by: scaled, on: threads)
  }

  /// Reduces `matrix` to its tridiagonal form; `basis`, if not empty, becomes Qᵀ of A = Q·T·Qᵀ.
  private static func tridiagonalize(
    _ matrix: inout SquareMatrix, diagonal: inout [Double], offDiagonal: inout [Double],
    basis: inout [Double]
  ) {
    let order = matrix.order
    var reflectors: [(vector: [Double], factor: Double)] = []
    matrix.elements.withUnsafeMutableBufferPointer { buffer in
      guard let a = buffer.baseAddress else { return }
      for step in 0..<max(0, order - 2) {
        let size = order - step - 1
        // Symmetric: the column below the diagonal is the row right of it.
        let row = a + step * order + step + 1
        let reflector = householder(row, count: size)
        diagonal[step] = a[step * order + step]
        offDiagonal[step] = reflector.image
        if reflector.factor != 0 {
          let corner = a + (step + 1) * order + step + 1
          reflect(corner, stride: order, by: reflector.vector, reflector.factor)
        }
        reflectors.append((reflector.vector, reflector.factor))
      }
      if order >= 2 {
        diagonal[order - 2] = a[(order - 2) * order + order - 2]
        offDiagonal[order - 2] = a[(order - 2) * order + order - 1]
      }
      if order >= 1 { diagonal[order - 1] = a[order * order - 1] }
    }
    if !basis.isEmpty { accumulate(reflectors, into: &basis, order: order) }
  }

  /// The reflection I − factor·v·vᵀ that maps `x` to (image, 0, …, 0).
  private static func householder(
    _ x: UnsafePointer<Double>, count: Int
  ) -> (vector: [Double], factor: Double, image: Double) {
    var vector = [Double](UnsafeBufferPointer(start: x, count: count))
    let tail = vector.dropFirst().reduce(0) { $0 + $1 * $1 }
    guard tail > 0 else { return (vector, 0, vector.first ?? 0) }
    let head = vector[0]
    let norm = (head * head + tail).squareRoot()
    // Choose the sign that avoids cancellation.
    vector[0] = head > 0 ? head + norm : head - norm
    return (vector, 2 / (vector[0] * vector[0] + tail), head > 0 ? -norm : norm)
  }

  /// A ← H·A·H for H = I − factor·v·vᵀ, as the rank-two update A − v·wᵀ − w·vᵀ.
  private static func reflect(
    _ a: UnsafeMutablePointer<Double>, stride: Int, by vector: [Double], _ factor: Double
  ) {
    let size = vector.count
    var product = [Double](repeating: 0, count: size)
    vector.withUnsafeBufferPointer { v in
      product.withUnsafeMutableBufferPointer { p in
        guard let v = v.baseAddress, let p = p.baseAddress else { return }
        for row in 0..<size { addScaled(a + row * stride, factor * v[row], to: p, count: size) }
        var overlap = 0.0
        for index in 0..<size { overlap += p[index] * v[index] }
        addScaled(v, -factor * overlap / 2, to: p, count: size)
        for row in 0..<size {
          addScaled(p, -v[row], to: a + row * stride, count: size)
          addScaled(v, -p[row], to: a + row * stride, count: size)
        }
      }
    }
  }

  /// Multiplies the reflections, the last one first, while they affect only small blocks.
  private static func accumulate(
    _ reflectors: [(vector: [Double], factor: Double)], into basis: inout [Double], order: Int
  ) {
    // Built as Q, whose transpose is kept: symmetric reflections make Qᵀ = Hₙ…H₁, so rows of Q are
    // updated from the left and the result is transposed once.
    for index in 0..<order { basis[index * order + index] = 1 }
    var product = [Double](repeating: 0, count: order)
    for step in reflectors.indices.reversed() where reflectors[step].factor != 0 {
      let (vector, factor) = reflectors[step]
      let start = step + 1
      let size = vector.count
      basis.withUnsafeMutableBufferPointer { buffer in
        product.withUnsafeMutableBufferPointer { p in
          guard let q = buffer.baseAddress, let p = p.baseAddress else { return }
          p.update(repeating: 0, count: size)
          for row in 0..<size {
            addScaled(q + (start + row) * order + start, vector[row], to: p, count: size)
          }
          for row in 0..<size {
            addScaled(
              p, -factor * vector[row], to: q + (start + row) * order + start, count: size)
          }
        }
      }
    }
    for row in 0..<order {
      for column in 0..<row { basis.swapAt(row * order + column, column * order + row) }
    }
  }

  /// Implicit QL: rotations that make the tridiagonal matrix diagonal, applied to rows of `basis`.
  private static func iterate(
    diagonal: inout [Double], offDiagonal: inout [Double], basis: inout [Double]
  ) {
    let order = diagonal.count
    for start in 0..<order {
      // Each eigenvalue needs two or three sweeps; reaching 60 means that numbers are not finite.
      for _ in 0..<60 {
        var end = start
        while end < order - 1 {
          let scale = abs(diagonal[end]) + abs(diagonal[end + 1])
          if abs(offDiagonal[end]) <= 0x1p-53 * scale { break }
          end += 1
        }
        if end == start { break }
        sweep(start, end, &diagonal, &offDiagonal, &basis)
      }
    }
  }

  private static func sweep(
    _ start: Int, _ end: Int, _ diagonal: inout [Double], _ offDiagonal: inout [Double],
    _ basis: inout [Double]
  ) {
    let order = diagonal.count
    let slope = (diagonal[start + 1] - diagonal[start]) / (2 * offDiagonal[start])
    let radius = hypot(slope, 1)
    // Wilkinson's shift: the eigenvalue of the leading 2×2 block that is closer to its corner element.
    var bulge =
      diagonal[end] - diagonal[start]
      + offDiagonal[start] / (slope + (slope >= 0 ? radius : -radius))
    var sine = 1.0
    var cosine = 1.0
    var correction = 0.0
    for index in stride(from: end - 1, through: start, by: -1) {
      let f = sine * offDiagonal[index]
      let b = cosine * offDiagonal[index]
      let r = hypot(f, bulge)
      offDiagonal[index + 1] = r
      if r == 0 {
        diagonal[index + 1] -= correction
        offDiagonal[end] = 0
        return
      }
      sine = f / r
      cosine = bulge / r
      let g = diagonal[index + 1] - correction
      let t = (diagonal[index] - g) * sine + 2 * cosine * b
      correction = sine * t
      diagonal[index + 1] = g + correction
      bulge = cosine * t - b
      if !basis.isEmpty { rotate(&basis, index, order: order, cosine: cosine, sine: sine) }
    }
    diagonal[start] -= correction
    offDiagonal[start] = bulge
    offDiagonal[end] = 0
  }

  private static func rotate(
    _ basis: inout [Double], _ row: Int, order: Int, cosine: Double, sine: Double
  ) {
    basis.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      let upper = base + row * order
      let lower = upper + order
      for column in 0..<order {
        let below = lower[column]
        lower[column] = sine * upper[column] + cosine * below
        upper[column] = cosine * upper[column] - sine * below
      }
    }
  }
}
