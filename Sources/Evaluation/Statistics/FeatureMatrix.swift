/// A matrix of features with one row per image.
public struct FeatureMatrix: Sendable {
  /// The number of rows, one per image.
  public let count: Int
  /// The number of columns, one per feature.
  public let width: Int
  /// count × width.
  public private(set) var values: [Float]

  /// Creates a matrix from its rows, one after the other.
  public init(width: Int, values: [Float]) {
    precondition(width > 0 && values.count % width == 0, "\(values.count) values of width \(width)")
    self.width = width
    self.values = values
    count = values.count / width
  }

  /// Creates a matrix by filling its rows in place.
  public init(count: Int, width: Int, fill: (UnsafeMutableBufferPointer<Float>) -> Void) {
    precondition(width > 0, "features have at least one column")
    self.count = count
    self.width = width
    values = [Float](unsafeUninitializedCapacity: count * width) { buffer, initializedCount in
      buffer.initialize(repeating: 0)
      fill(UnsafeMutableBufferPointer(rebasing: buffer[0..<(count * width)]))
      initializedCount = count * width
    }
  }

  /// One row.
  public subscript(row: Int) -> ArraySlice<Float> { values[(row * width)..<((row + 1) * width)] }

  /// The rows at the given indices, in that order.
  public func rows(_ places: some Collection<Int>) -> FeatureMatrix {
    FeatureMatrix(count: places.count, width: width) { target in
      for (index, place) in places.enumerated() {
        for column in 0..<width {
          target[index * width + column] = values[place * width + column]
        }
      }
    }
  }

  /// The first rows, at most `limit`.
  public func prefix(_ limit: Int) -> FeatureMatrix {
    limit >= count ? self : rows(0..<limit)
  }

  /// All rows of both matrices.
  func appending(_ other: FeatureMatrix) -> FeatureMatrix {
    precondition(width == other.width, "feature sets of different width")
    return FeatureMatrix(width: width, values: values + other.values)
  }

  /// The squared Euclidean distance between a row and a row of another matrix, in Double.
  func squaredDistance(_ row: Int, to otherRow: Int, of other: FeatureMatrix) -> Double {
    var sum = 0.0
    for column in 0..<width {
      let difference =
        Double(values[row * width + column]) - Double(other.values[otherRow * width + column])
      sum += difference * difference
    }
    return sum
  }
}
