import Glibc

/// Multinomial logistic regression on one-hot features with a penalty on the squared weights.
///
/// It minimises the summed cross entropy + penalty/2·‖W‖², and the intercepts have no penalty. The minimum is unique up
/// to a common shift of the intercepts, so no random number is involved.
struct SoftmaxRegression {
  /// The codes that occurred in training, ascending; no other code is predicted.
  let classes: [UInt8]
  /// (featureCount + 1) × classes: the weights of each feature, then the intercepts.
  let weights: [Double]

  /// Fits the targets of `rows`, which must not be empty.
  ///
  /// - Parameter tolerance: of the largest component of the gradient, divided by the number of rows.
  init(
    _ rows: OneHotRows, penalty: Double = 1, tolerance: Double = 1e-4, iterationLimit: Int = 100
  ) {
    precondition(rows.rowCount > 0, "a classifier needs an example")
    let classes = Set(rows.targets).sorted()
    var places = [Int](repeating: 0, count: 256)
    for (place, code) in classes.enumerated() { places[Int(code)] = place }
    let labels = rows.targets.map { places[Int($0)] }
    var start = [Double](repeating: 0, count: (rows.featureCount + 1) * classes.count)
    for label in labels { start[rows.featureCount * classes.count + label] += 1 }
    for index in classes.indices {
      let place = rows.featureCount * classes.count + index
      start[place] = log(start[place] / Double(rows.rowCount))
    }
    self.classes = classes
    guard classes.count > 1 else {
      weights = start
      return
    }
    let descent = LimitedMemoryDescent(
      gradientTolerance: tolerance * Double(rows.rowCount), iterationLimit: iterationLimit)
    weights = descent.minimum(from: start) { weights, gradient in
      Self.loss(rows, labels, classCount: classes.count, penalty, weights, &gradient)
    }
  }

  /// The most probable code of each row.
  func predictions(for rows: OneHotRows) -> [UInt8] {
    let count = classes.count
    var scores = [Double](repeating: 0, count: count)
    return (0..<rows.rowCount).map { row in
      Self.addScores(rows, row, weights, &scores)
      var best = 0
      for index in 1..<max(1, count) where scores[index] > scores[best] { best = index }
      return classes[best]
    }
  }

  /// The probability of each class for each row: rows × classes.
  func probabilities(for rows: OneHotRows) -> [[Double]] {
    var scores = [Double](repeating: 0, count: classes.count)
    return (0..<rows.rowCount).map { row in
      Self.addScores(rows, row, weights, &scores)
      let largest = scores.max() ?? 0
      let powers = scores.map { exp($0 - largest) }
      let sum = powers.reduce(0, +)
      return powers.map { $0 / sum }
    }
  }

  private static func addScores(
    _ rows: OneHotRows, _ row: Int, _ weights: [Double], _ scores: inout [Double]
  ) {
    let count = scores.count
    for index in 0..<count { scores[index] = weights[rows.featureCount * count + index] }
    for place in (row * rows.width)..<((row + 1) * rows.width) {
      let start = Int(rows.features[place]) * count
      for index in 0..<count { scores[index] += weights[start + index] }
    }
  }

  /// Writes the gradient and returns the loss.
  private static func loss(
    _ rows: OneHotRows, _ labels: [Int], classCount count: Int, _ penalty: Double,
    _ weights: [Double], _ gradient: inout [Double]
  ) -> Double {
    let penalised = rows.featureCount * count
    var loss = 0.0
    for index in gradient.indices {
      let part = index < penalised ? penalty * weights[index] : 0
      gradient[index] = part
      loss += part * weights[index] / 2
    }
    var errors = [Double](repeating: 0, count: count)
    weights.withUnsafeBufferPointer { weights in
      gradient.withUnsafeMutableBufferPointer { gradient in
        rows.features.withUnsafeBufferPointer { features in
          errors.withUnsafeMutableBufferPointer { errors in
            for row in 0..<rows.rowCount {
              let own = features[(row * rows.width)..<((row + 1) * rows.width)]
              for index in 0..<count { errors[index] = weights[penalised + index] }
              for feature in own {
                let start = Int(feature) * count
                for index in 0..<count { errors[index] += weights[start + index] }
              }
              loss += crossEntropy(errors, labels[row])
              for index in 0..<count { gradient[penalised + index] += errors[index] }
              for feature in own {
                let start = Int(feature) * count
                for index in 0..<count { gradient[start + index] += errors[index] }
              }
            }
          }
        }
      }
    }
    return loss
  }

  /// Replaces scores by their softmax less the indicator of `label`, and returns the cross entropy.
  private static func crossEntropy(
    _ scores: UnsafeMutableBufferPointer<Double>, _ label: Int
  ) -> Double {
    var largest = scores[0]
    for score in scores { largest = max(largest, score) }
    let own = scores[label] - largest
    var sum = 0.0
    for index in scores.indices {
      scores[index] = exp(scores[index] - largest)
      sum += scores[index]
    }
    for index in scores.indices { scores[index] /= sum }
    scores[label] -= 1
    return log(sum) - own
  }
}
