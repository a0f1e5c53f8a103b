import Compute
import Glibc
import Learning

/// For each class, the normal distribution from which the codes of drawn images come.
///
/// It is the standard one until a noisy sum of moments gives another. Everything here is computed from the noisy
/// sum and from public numbers: post-processing.
struct CodePrior {
  /// The least variance of a code along an axis.
  private static let leastVariance = 0.01

  /// Numbers of a code.
  let size: Int
  /// The mean of each class, classes × size.
  private(set) var means: [Float]
  /// The axes of each class, classes × size × size: the columns of a matrix are the eigenvectors of the covariance,
  /// each as long as the deviation along it.
  private(set) var axes: [Float]
  /// The variance along each axis, classes × size.
  private var variances: [Double]

  /// The standard normal distribution for every class.
  init(size: Int, classCount: Int) {
    self.size = size
    means = [Float](repeating: 0, count: classCount * size)
    axes = [Float](repeating: 0, count: classCount * size * size)
    variances = [Double](repeating: 1, count: classCount * size)
    for row in 0..<(classCount * size) { axes[row * size + row % size] = 1 }
  }

  /// The clip norm of codes of `size` numbers: half as long again as most codes of the standard distribution.
  static func largestNorm(ofSize size: Int) -> Double { 1.5 * Double(size).squareRoot() }

  /// The distributions with the moments of a sum whose blocks hold `CodeMoments` and a count.
  ///
  /// Moments that the noise may have made are moved towards those of the standard distribution.
  ///
  /// - Parameters:
  ///   - sum: the noisy sum, block after block.
  ///   - moments: what the blocks hold.
  ///   - deviation: the standard deviation of the noise on every number; 0 without noise.
  init(of sum: [Double], _ moments: CodeMoments, deviation: Double) {
    let block = moments.dimension + 1
    self.init(size: moments.codeSize, classCount: sum.count / block)
    for label in 0..<(sum.count / block) {
      let own = Array(sum[(label * block)..<((label + 1) * block)])
      let scale =
        NoisySum.unitCount(of: own[block - 1], deviation: deviation) * NoisySum.featureScale
      estimate(label, from: own.map { $0 / scale }, moments, deviation: deviation / scale)
    }
  }

  /// Estimates the distribution of a class from the mean of its vectors.
  private mutating func estimate(
    _ label: Int, from vector: [Double], _ moments: CodeMoments, deviation: Double
  ) {
    let meanScale = moments.largestNorm / CodeMoments.meanShare
    let productScale = moments.largestNorm * moments.largestNorm / CodeMoments.productShare
    let mean = NoisySum.shrunk(
      vector.prefix(size).map { $0 * meanScale }, deviation: deviation * meanScale)
    // The difference of the covariance from the identity, in the form of the vector: products of two different
    // numbers times √2.
    var places: [(row: Int, column: Int)] = []
    for row in 0..<size {
      let end = moments.products == .all ? size : row + 1
      for column in row..<end { places.append((row, column)) }
    }
    let root = 2.0.squareRoot()
    let difference = NoisySum.shrunk(
      places.enumerated().map { index, place in
        let product = mean[place.row] * mean[place.column]
        let isSquare = place.row == place.column
        return vector[size + index] * productScale - (isSquare ? product + 1 : root * product)
      }, deviation: deviation * productScale)
    var covariance = SquareMatrix(order: size)
    for (place, value) in zip(places, difference) {
      let isSquare = place.row == place.column
      let element = isSquare ? 1 + value : value / root
      covariance[place.row, place.column] = element
      covariance[place.column, place.row] = element
    }
    set(label, mean: mean, covariance, mostVariance: moments.largestNorm * moments.largestNorm)
  }

  /// Sets the distribution of a class; noise may have made its covariance indefinite.
  private mutating func set(
    _ label: Int, mean: [Double], _ covariance: SquareMatrix, mostVariance: Double
  ) {
    let system = SymmetricEigensystem(covariance, wantsVectors: true)
    for index in 0..<size { means[label * size + index] = Float(mean[index]) }
    for axis in 0..<size {
      let variance = max(Self.leastVariance, min(mostVariance, system.values[axis]))
      for row in 0..<size {
        axes[(label * size + row) * size + axis] = Float(
          system.vectors[axis * size + row] * variance.squareRoot())
      }
    }
    setVariances(label)
  }

  private mutating func setVariances(_ label: Int) {
    for axis in 0..<size {
      variances[label * size + axis] = (0..<size).reduce(0) { sum, row in
        let element = Double(axes[(label * size + row) * size + axis])
        return sum + element * element
      }
    }
  }

  /// Draws a code of a class; the temperature multiplies deviations.
  func draw(_ label: Int, temperature: Double, from stream: inout SeededStream) -> [Float] {
    let normal = (0..<size).map { _ in stream.gaussian() * temperature }
    return (0..<size).map { row in
      let first = (label * size + row) * size
      return Float(
        (0..<size).reduce(Double(means[label * size + row])) {
          $0 + Double(axes[first + $1]) * normal[$1]
        })
    }
  }

  /// The logarithm of the density of a code of a class.
  func logDensity(of code: [Double], _ label: Int) -> Double {
    let centred = (0..<size).map { code[$0] - Double(means[label * size + $0]) }
    return (0..<size).reduce(0) { sum, axis in
      let variance = variances[label * size + axis]
      let product = (0..<size).reduce(0.0) {
        $0 + Double(axes[(label * size + $1) * size + axis]) * centred[$1]
      }
      return sum - (product * product / variance / variance + log(2 * .pi * variance)) / 2
    }
  }
}

// The distributions in checkpoints and releases.
extension CodePrior {
  func save(into checkpoint: inout Checkpoint) {
    let classCount = means.count / size
    checkpoint.tensors["codes.means"] = Checkpoint.Array(shape: [classCount, size], values: means)
    checkpoint.tensors["codes.axes"] = Checkpoint.Array(
      shape: [classCount, size, size], values: axes)
  }

  /// Restores what `save` saved.
  mutating func restore(from checkpoint: Checkpoint) throws {
    let classCount = means.count / size
    means = try checkpoint.array("codes.means", shape: [classCount, size]).values
    axes = try checkpoint.array("codes.axes", shape: [classCount, size, size]).values
    for label in 0..<classCount { setVariances(label) }
    guard variances.allSatisfy({ $0.isFinite && $0 > 0 }), means.allSatisfy(\.isFinite) else {
      throw Checkpoint.Failure.badMetadata(key: "codes.axes", found: "not finite or flat")
    }
  }
}
