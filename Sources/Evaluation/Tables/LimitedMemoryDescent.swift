/// Minimises a smooth convex function by L-BFGS (Liu & Nocedal 1989) with a backtracking line search.
struct LimitedMemoryDescent {
  /// Ends when no component of the gradient is larger.
  var gradientTolerance: Double
  /// Ends after this number of steps.
  var iterationLimit = 100

  private static let memory = 10

  /// The place of the minimum.
  ///
  /// - Parameter function: writes the gradient at a place and returns the value.
  func minimum(
    from start: [Double], of function: (_ place: [Double], _ gradient: inout [Double]) -> Double
  ) -> [Double] {
    var place = start
    var gradient = [Double](repeating: 0, count: start.count)
    var value = function(place, &gradient)
    var steps: [(move: [Double], change: [Double], curvature: Double)] = []
    for iteration in 0..<iterationLimit {
      if gradient.allSatisfy({ abs($0) <= gradientTolerance }) { break }
      var direction = Self.direction(gradient, steps)
      var slope = Self.dot(direction, gradient)
      if slope >= 0 {
        steps = []
        direction = gradient.map { -$0 }
        slope = Self.dot(direction, gradient)
      }
      var length = iteration == 0 ? min(1, 1 / (-slope).squareRoot()) : 1
      var next = place
      var nextGradient = gradient
      var nextValue = value
      var isLower = false
      for _ in 0..<30 {
        for index in place.indices { next[index] = place[index] + length * direction[index] }
        nextValue = function(next, &nextGradient)
        isLower = nextValue <= value + 1e-4 * length * slope
        if isLower { break }
        length /= 2
      }
      // Rounding hides any further descent.
      guard isLower else { break }
      let move = zip(next, place).map { $0 - $1 }
      let change = zip(nextGradient, gradient).map { $0 - $1 }
      let curvature = Self.dot(move, change)
      if curvature > 0 {
        steps.append((move, change, curvature))
        if steps.count > Self.memory { steps.removeFirst() }
      }
      (place, gradient, value) = (next, nextGradient, nextValue)
    }
    return place
  }

  /// −H·gradient with the approximate inverse Hessian H of the last steps (the two-loop recursion).
  private static func direction(
    _ gradient: [Double], _ steps: [(move: [Double], change: [Double], curvature: Double)]
  ) -> [Double] {
    var direction = gradient.map { -$0 }
    var factors: [Double] = []
    for step in steps.reversed() {
      let factor = dot(step.move, direction) / step.curvature
      add(-factor, step.change, to: &direction)
      factors.append(factor)
    }
    if let last = steps.last {
      let scale = last.curvature / dot(last.change, last.change)
      for index in direction.indices { direction[index] *= scale }
    }
    for (step, factor) in zip(steps, factors.reversed()) {
      add(factor - dot(step.change, direction) / step.curvature, step.move, to: &direction)
    }
    return direction
  }

  private static func add(_ factor: Double, _ vector: [Double], to sum: inout [Double]) {
    for index in sum.indices { sum[index] += factor * vector[index] }
  }

  private static func dot(_ first: [Double], _ second: [Double]) -> Double {
    var sum = 0.0
    for index in first.indices { sum += first[index] * second[index] }
    return sum
  }
}
