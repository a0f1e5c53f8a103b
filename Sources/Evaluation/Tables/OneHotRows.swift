import Datasets

/// Rows of a table as features for a linear model that predicts one of its columns: one feature for each code of each
/// other column, of which a row has one per column.
struct OneHotRows {
  /// The column to predict.
  let target: Int
  /// The number of features, and of those that a row has.
  let featureCount: Int, width: Int
  /// rowCount × width: the features of each row.
  let features: [Int32]
  /// The code of each row in the column to predict.
  let targets: [UInt8]

  /// The number of rows.
  var rowCount: Int { targets.count }

  /// The rows of `table` whose value in column `target` is not missing.
  init(_ table: CodedTable, predicting target: Int) {
    self.target = target
    let others = table.domains.indices.filter { $0 != target }
    var starts: [Int32] = []
    var total: Int32 = 0
    for column in others {
      starts.append(total)
      total += Int32(table.domains[column].codeCount)
    }
    let missing = table.domains[target].missingCode
    var features: [Int32] = []
    var targets: [UInt8] = []
    for row in 0..<table.rowCount {
      let codes = table[row]
      let code = codes[codes.startIndex + target]
      guard Int(code) != missing else { continue }
      targets.append(code)
      for (start, column) in zip(starts, others) {
        features.append(start + Int32(codes[codes.startIndex + column]))
      }
    }
    featureCount = Int(total)
    width = others.count
    self.features = features
    self.targets = targets
  }

  /// X·w: for each row, the sum of the weights of its features.
  func product(_ weights: [Double]) -> [Double] {
    features.withUnsafeBufferPointer { features in
      weights.withUnsafeBufferPointer { weights in
        (0..<rowCount).map { row in
          var sum = 0.0
          for place in (row * width)..<((row + 1) * width) { sum += weights[Int(features[place])] }
          return sum
        }
      }
    }
  }

  /// Xᵀ·v: for each feature, the sum of the values of the rows that have it.
  func transposedProduct(_ values: [Double]) -> [Double] {
    var sums = [Double](repeating: 0, count: featureCount)
    sums.withUnsafeMutableBufferPointer { sums in
      features.withUnsafeBufferPointer { features in
        for row in 0..<rowCount {
          for place in (row * width)..<((row + 1) * width) {
            sums[Int(features[place])] += values[row]
          }
        }
      }
    }
    return sums
  }
}
