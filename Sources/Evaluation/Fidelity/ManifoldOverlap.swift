import Compute

/// How well two feature sets cover each other, measured by balls that extend to each image's k-th nearest
/// neighbour in its own set.
///
/// Precision and recall follow Kynkäänniemi et al. (arXiv 1904.06991) with k = 3; density and coverage follow
/// Naeem et al. (arXiv 2002.09797) with k = 5.
struct ManifoldOverlap {
  /// The share of synthetic images inside some real ball, and of real ones inside a synthetic ball.
  let precision: Double, recall: Double
  /// The mean number of real balls around a synthetic image, divided by k (may exceed one); the share of real
  /// images whose ball contains a synthetic image.
  let density: Double, coverage: Double
  /// Images of each set.
  let realCount: Int, syntheticCount: Int

  /// Compares a synthetic with a real set.
  init(
    real: FeatureMatrix, synthetic: FeatureMatrix, on machine: Machine,
    ballNeighbor: Int = 3, densityNeighbor: Int = 5
  ) {
    let neighbors = NearestNeighbors(on: machine)
    let deepest = max(ballNeighbor, densityNeighbor)
    let realRadii = neighbors.withinSet(real, neighborCount: deepest)
    let syntheticRadii = neighbors.withinSet(synthetic, neighborCount: ballNeighbor)
    let counts = Self.count(
      real: real, synthetic: synthetic,
      realBalls: realRadii.map { $0[ballNeighbor - 1] },
      densityBalls: realRadii.map { $0[densityNeighbor - 1] },
      syntheticBalls: syntheticRadii.map { $0[ballNeighbor - 1] }, machine)
    realCount = real.count
    syntheticCount = synthetic.count
    precision = Double(counts.preciseSynthetic) / Double(synthetic.count)
    recall = Double(counts.recalledReal) / Double(real.count)
    density = Double(counts.ballHits) / Double(densityNeighbor * synthetic.count)
    coverage = Double(counts.coveredReal) / Double(real.count)
  }

  private struct Counts {
    var preciseSynthetic = 0
    var recalledReal = 0
    var ballHits = 0
    var coveredReal = 0
  }

  private static func count(
    real: FeatureMatrix, synthetic: FeatureMatrix, realBalls: [Float], densityBalls: [Float],
    syntheticBalls: [Float], _ machine: Machine
  ) -> Counts {
    // Each row writes to its own element; blocks of columns visit it one after the other.
    var recalled = [Bool](repeating: false, count: real.count)
    var covered = [Bool](repeating: false, count: real.count)
    var precise = [Bool](repeating: false, count: synthetic.count)
    var hits = [Int](repeating: 0, count: synthetic.count)
    let products = PairwiseProducts(on: machine)
    recalled.withUnsafeMutableBufferPointer { recalled in
      covered.withUnsafeMutableBufferPointer { covered in
        nonisolated(unsafe) let recalled = recalled
        nonisolated(unsafe) let covered = covered
        products.forEachRowOfSquaredDistances(real, synthetic) { row, columns, distances in
          for (offset, column) in columns.enumerated() {
            if distances[offset] < syntheticBalls[column] { recalled[row] = true }
            if distances[offset] < densityBalls[row] { covered[row] = true }
          }
        }
      }
    }
    precise.withUnsafeMutableBufferPointer { precise in
      hits.withUnsafeMutableBufferPointer { hits in
        nonisolated(unsafe) let precise = precise
        nonisolated(unsafe) let hits = hits
        products.forEachRowOfSquaredDistances(synthetic, real) { row, columns, distances in
          for (offset, column) in columns.enumerated() {
            if distances[offset] < realBalls[column] { precise[row] = true }
            if distances[offset] < densityBalls[column] { hits[row] += 1 }
          }
        }
      }
    }
    return Counts(
      preciseSynthetic: precise.count { $0 }, recalledReal: recalled.count { $0 },
      ballHits: hits.reduce(0, +), coveredReal: covered.count { $0 })
  }
}
