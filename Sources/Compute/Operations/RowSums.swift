import CKernels

/// Weighted sums of rows of memory, prepared once and done to many examples at the same places.
struct RowSums {
  private struct Sum {
    let firstTerm: Int, termCount: Int
    /// Floats from the target's beginning.
    let place: Int
  }

  private var offsets: [Int32] = []
  private var factors: [Float] = []
  private var sums: [Sum] = []

  /// Adds a sum of rows, `stride` floats apart, to be written `place` floats from the target's beginning.
  mutating func append(_ terms: [WinogradAxis.Term], stride: Int, to place: Int) {
    sums.append(Sum(firstTerm: offsets.count, termCount: terms.count, place: place))
    offsets += terms.map { Int32($0.index * stride) }
    factors += terms.map(\.factor)
  }

  /// Writes all sums of `exampleCount` examples, `length` floats each, plus `initial` (zero if nil).
  func run(
    source: UnsafePointer<Float>, sourceStride: Int, length: Int, exampleCount: Int,
    initial: UnsafePointer<Float>? = nil, into target: UnsafeMutablePointer<Float>,
    targetStride: Int, _ table: ck_kernels
  ) {
    offsets.withUnsafeBufferPointer { offsets in
      factors.withUnsafeBufferPointer { factors in
        var task = ck_row_sum()
        task.source = source
        task.source_stride = sourceStride
        task.initial = initial
        task.target_stride = targetStride
        task.row_count = exampleCount
        task.length = length
        for sum in sums {
          task.offsets = offsets.baseAddress.map { $0 + sum.firstTerm }
          task.factors = factors.baseAddress.map { $0 + sum.firstTerm }
          task.term_count = sum.termCount
          task.target = target + sum.place
          table.f32_row_sum(&task)
        }
      }
    }
  }
}
