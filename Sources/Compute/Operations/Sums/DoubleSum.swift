import Glibc

/// A sum of tensors in double precision: adding a term does not change how the others round.
///
/// With every term, a sum of floats loses up to half a unit in the last place of the current sum:
/// over many terms of one sign, the loss adds up.
public final class DoubleSum: @unchecked Sendable {
  /// The number of elements.
  public let count: Int
  fileprivate let base: UnsafeMutablePointer<Double>

  /// Creates `count` zeros.
  public init(count: Int) {
    self.count = count
    let memory = PageMemory.allocate(
      byteCount: max(count, 1) * MemoryLayout<Double>.stride, for: "a sum")
    base = memory.bindMemory(to: Double.self, capacity: max(count, 1))
    base.initialize(repeating: 0, count: max(count, 1))
  }

  deinit { free(base) }
}

extension Machine {
  /// Adds the elements of `source` to `sum`, and sets them to zero.
  public func move(_ source: Tensor, to sum: DoubleSum) {
    precondition(source.count == sum.count, "cannot add \(source.shape) to \(sum.count) numbers")
    let x = source.pointer
    let y = sum.base
    inChunks(sum.count) { _, first, count in
      for index in first..<(first + count) {
        y[index] += Double(x[index])
        x[index] = 0
      }
    }
  }

  /// Writes `sum` into `target`, each number rounded once, and sets it to zero.
  public func move(_ sum: DoubleSum, into target: Tensor) {
    precondition(target.count == sum.count, "cannot write \(sum.count) numbers to \(target.shape)")
    let x = sum.base
    let y = target.pointer
    inChunks(sum.count) { _, first, count in
      for index in first..<(first + count) {
        y[index] = Float(x[index])
        x[index] = 0
      }
    }
  }
}
