import CKernels

/// Weighted sums of rows of memory, prepared once and computed for many examples at the same places.
struct RowSums {
  private struct Sum {
    let firstTerm: Int, termCount: Int
    /// The place of the result, in units of `placeStride` from the target's beginning.
    let place: Int
  }

  private var offsets: [Int32] = []
  private var factors: [Float] = []
  private var sums: [Sum] = []

  /// Adds a sum of rows, `stride` floats apart, to be written at `place`.
  mutating func append(_ terms: [WinogradAxis.Term], stride: Int, to place: Int) {
    sums.append(Sum(firstTerm: offsets.count, termCount: terms.count, place: place))
    offsets += terms.map { Int32($0.index * stride) }
    factors += terms.map(\.factor)
  }

  /// The parameters common to all sums.
  struct Rows {
    let source: UnsafePointer<Float>
    /// Floats from one example to the next.
    let sourceStride: Int
    let target: UnsafeMutablePointer<Float>
    let targetStride: Int
    /// Floats of a row, and the number of examples.
    let length: Int, exampleCount: Int
    /// Floats from one place of the target to the next.
    var placeStride = 1
    /// The initial value of the sums; zero if nil.
    var initial: UnsafePointer<Float>?
    /// Whether sums are added to the content of the target.
    var accumulates = false
    /// The factor of each example's sums; one if nil.
    var exampleFactors: UnsafePointer<Float>?
    /// Contiguous floats of a target, and the stride to the next such chunk; nil if all are contiguous.
    var chunk: (length: Int, stride: Int)?
  }

  /// Writes all sums.
  func run(_ rows: Rows, _ table: ck_kernels) {
    var task = ck_row_sum()
    task.source = rows.source
    task.source_stride = rows.sourceStride
    task.initial = rows.initial
    task.accumulate = rows.accumulates ? 1 : 0
    task.row_factors = rows.exampleFactors
    task.target_stride = rows.targetStride
    task.row_count = rows.exampleCount
    task.length = rows.length
    task.chunk_length = rows.chunk?.length ?? rows.length
    task.chunk_stride = rows.chunk?.stride ?? 0
    offsets.withUnsafeBufferPointer { offsets in
      factors.withUnsafeBufferPointer { factors in
        for sum in sums {
          task.offsets = offsets.baseAddress.map { $0 + sum.firstTerm }
          task.factors = factors.baseAddress.map { $0 + sum.firstTerm }
          task.term_count = sum.termCount
          task.target = rows.target + sum.place * rows.placeStride
          table.f32_row_sum(&task)
        }
      }
    }
  }
}
