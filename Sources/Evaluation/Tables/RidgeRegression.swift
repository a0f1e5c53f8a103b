/// Linear regression on one-hot features with a penalty on the squared weights (Hoerl & Kennard 1970).
///
/// It minimises ‖y − Xw − b‖² + penalty·‖w‖², and the intercept b has no penalty. The normal equations of the centred
/// problem are solved by conjugate gradients, which read the features row by row and form no matrix.
struct RidgeRegression {
  /// One weight per feature.
  let weights: [Double]
  /// The prediction of a row with average features, less the part of the weights.
  let intercept: Double

  /// Fits `values`, one per row; `rows` must not be empty.
  ///
  /// - Parameter tolerance: of the residual of the normal equations, relative to that of zero weights.
  init(
    _ rows: OneHotRows, values: [Double], penalty: Double = 1, tolerance: Double = 1e-8,
    iterationLimit: Int = 300
  ) {
    precondition(rows.rowCount > 0 && values.count == rows.rowCount, "a value for every row")
    let count = Double(rows.rowCount)
    let mean = values.reduce(0, +) / count
    let centre = rows.transposedProduct([Double](repeating: 1, count: rows.rowCount))
      .map { $0 / count }
    var weights = [Double](repeating: 0, count: rows.featureCount)
    var residual = rows.transposedProduct(values.map { $0 - mean })
    var direction = residual
    var square = Self.dot(residual, residual)
    let enough = square * tolerance * tolerance
    for _ in 0..<iterationLimit where square > enough {
      let shift = Self.dot(centre, direction)
      // Centred products have mean 0, so the transposed product needs no centring.
      var image = rows.transposedProduct(rows.product(direction).map { $0 - shift })
      for index in image.indices { image[index] += penalty * direction[index] }
      let step = square / Self.dot(direction, image)
      for index in weights.indices {
        weights[index] += step * direction[index]
        residual[index] -= step * image[index]
      }
      let next = Self.dot(residual, residual)
      for index in direction.indices {
        direction[index] = residual[index] + next / square * direction[index]
      }
      square = next
    }
    self.weights = weights
    intercept = mean - Self.dot(centre, weights)
  }

  /// The predictions for rows with the same features.
  func predictions(for rows: OneHotRows) -> [Double] {
    rows.product(weights).map { $0 + intercept }
  }

  private static func dot(_ first: [Double], _ second: [Double]) -> Double {
    var sum = 0.0
    for index in first.indices { sum += first[index] * second[index] }
    return sum
  }
}
