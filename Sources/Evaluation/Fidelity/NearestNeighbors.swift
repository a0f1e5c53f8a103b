import Compute

/// An exhaustive search for nearest neighbours by Euclidean distance, exact up to rounding.
struct NearestNeighbors {
  private let products: PairwiseProducts

  /// Creates a search on `machine`.
  init(on machine: Machine) {
    products = PairwiseProducts(on: machine)
  }

  /// For each row, the squared distances to its `neighborCount` nearest other rows, ascending.
  func withinSet(_ features: FeatureMatrix, neighborCount: Int) -> [[Float]] {
    search(features, features, neighborCount, skipsSelf: true).map { $0.distances }
  }

  /// For each row of `queries`, the indices and squared distances of its nearest rows of
  /// `references`, the nearest first.
  func nearest(
    _ queries: FeatureMatrix, in references: FeatureMatrix, neighborCount: Int
  ) -> [(places: [Int], distances: [Float])] {
    search(queries, references, neighborCount, skipsSelf: false)
      .map { (places: $0.places.map(Int.init), distances: $0.distances) }
  }

  private struct Candidates {
    var places: [Int32]
    var distances: [Float]
  }

  private func search(
    _ queries: FeatureMatrix, _ references: FeatureMatrix, _ neighborCount: Int, skipsSelf: Bool
  ) -> [Candidates] {
    precondition(
      references.count >= neighborCount + (skipsSelf ? 1 : 0),
      "\(neighborCount) neighbours among \(references.count) images")
    var found = [Candidates](
      repeating: Candidates(
        places: [Int32](repeating: -1, count: neighborCount),
        distances: [Float](repeating: .infinity, count: neighborCount)),
      count: queries.count)
    found.withUnsafeMutableBufferPointer { found in
      nonisolated(unsafe) let found = found
      products.forEachRowOfSquaredDistances(queries, references) { row, columns, distances in
        for (offset, column) in columns.enumerated() {
          let distance = distances[offset]
          if distance >= found[row].distances[neighborCount - 1] { continue }
          if skipsSelf, column == row { continue }
          Self.insert(distance, Int32(column), into: &found[row])
        }
      }
    }
    return found
  }

  private static func insert(_ distance: Float, _ place: Int32, into found: inout Candidates) {
    var index = found.distances.count - 1
    while index > 0, found.distances[index - 1] > distance {
      found.distances[index] = found.distances[index - 1]
      found.places[index] = found.places[index - 1]
      index -= 1
    }
    found.distances[index] = distance
    found.places[index] = place
  }
}
