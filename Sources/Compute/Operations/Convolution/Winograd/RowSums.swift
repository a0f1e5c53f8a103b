import CKernels

/// Weighted sums of rows of memory, prepared once and done to many examples at the same places.
struct RowSums {
  private struct Sum {
    let firstTerm: Int, termCount: Int
    /// Where it is written, in `placeStride`s from the target's beginning.
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

  /// What all sums have in common.
  struct Rows {
    let source: UnsafePointer<Float>
    /// Floats from one example to the next.
    let sourceStride: Int
    let target: UnsafeMutablePointer<Float>
    let targetStride: Int
    /// Floats of a row, and how many examples there are.
    let length: Int, exampleCount: Int
    /// Floats from one place of the target to the next.
    var placeStride = 1
    /// What sums begin with; zero if nil.
    var initial: UnsafePointer<Float>?
    /// Whether sums begin with what the target holds.
    var accumulates = false
    /// What each example's sums are multiplied with; one if nil.
    var exampleFactors: UnsafePointer<Float>?
    /// A target's floats that follow each other, and the floats to the next such chunk; nil for all.
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
