import Compute

/// Mean and covariance of features, in Double.
struct Moments {
  /// The number of rows.
  let count: Int
  /// One mean per feature.
  let mean: [Double]
  /// The unbiased covariance (divided by count − 1); zeros for fewer than two rows.
  let covariance: SquareMatrix

  /// Measures `features`.
  init(_ features: FeatureMatrix, on threads: ThreadPool) {
    count = features.count
    let center = Self.mean(of: features)
    mean = center
    var sums = SquareMatrix(order: features.width)
    let chunk = 256
    for start in stride(from: 0, to: features.count, by: chunk) {
      Self.addProducts(
        features, start..<min(features.count, start + chunk), center: center, to: &sums, threads)
    }
    let divisor = Double(max(1, features.count - 1))
    for row in 0..<features.width {
      for column in row..<features.width {
        let value = sums[row, column] / divisor
        sums[row, column] = value
        sums[column, row] = value
      }
    }
    covariance = sums
  }

  private static func mean(of features: FeatureMatrix) -> [Double] {
    var sums = [Double](repeating: 0, count: features.width)
    features.values.withUnsafeBufferPointer { values in
      for row in 0..<features.count {
        for column in 0..<features.width {
          sums[column] += Double(values[row * features.width + column])
        }
      }
    }
    return sums.map { $0 / Double(max(1, features.count)) }
  }

  private static let panelWidth = 8

  /// Adds Σ (x − m)(x − m)ᵀ over `rows` to the upper triangle of `sums`.
  ///
  /// The centred rows are packed in panels of eight columns, so that each tile of 4×8 sums reads contiguous
  /// memory.
  private static func addProducts(
    _ features: FeatureMatrix, _ rows: Range<Int>, center: [Double], to sums: inout SquareMatrix,
    _ threads: ThreadPool
  ) {
    let width = features.width
    let panelCount = (width + panelWidth - 1) / panelWidth
    var panels = [SIMD8<Double>](repeating: .zero, count: panelCount * rows.count)
    for (index, row) in rows.enumerated() {
      for column in 0..<width {
        panels[column / panelWidth * rows.count + index][column % panelWidth] =
          Double(features.values[row * width + column]) - center[column]
      }
    }
    panels.withUnsafeBufferPointer { panels in
      sums.elements.withUnsafeMutableBufferPointer { sums in
        nonisolated(unsafe) let panels = panels
        nonisolated(unsafe) let sums = sums
        threads.forEach(panelCount) { left, _ in
          for right in left..<panelCount {
            addTile(panels, left, right, depth: rows.count, width: width, to: sums)
          }
        }
      }
    }
  }

  private static func addTile(
    _ panels: UnsafeBufferPointer<SIMD8<Double>>, _ left: Int, _ right: Int, depth: Int,
    width: Int, to sums: UnsafeMutableBufferPointer<Double>
  ) {
    for half in 0..<2 {
      var tile = (SIMD8<Double>.zero, SIMD8<Double>.zero, SIMD8<Double>.zero, SIMD8<Double>.zero)
      for index in 0..<depth {
        let row = panels[right * depth + index]
        let factors = panels[left * depth + index]
        let part = half == 0 ? factors.lowHalf : factors.highHalf
        tile.0 += part[0] * row
        tile.1 += part[1] * row
        tile.2 += part[2] * row
        tile.3 += part[3] * row
      }
      let lines = [tile.0, tile.1, tile.2, tile.3]
      for (offset, line) in lines.enumerated() {
        let row = left * panelWidth + half * 4 + offset
        if row >= width { break }
        for lane in 0..<panelWidth where right * panelWidth + lane < width {
          sums[row * width + right * panelWidth + lane] += line[lane]
        }
      }
    }
  }
}
