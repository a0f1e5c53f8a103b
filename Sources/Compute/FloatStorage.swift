import Glibc

/// A fixed number of floats, aligned to a cache line and owned by a plan.
final class FloatStorage: @unchecked Sendable {
  let base: UnsafeMutablePointer<Float>
  let count: Int

  /// Creates `count` zeros.
  init(count: Int) {
    self.count = count
    let byteCount = max(count, 1) * MemoryLayout<Float>.stride
    let fresh = PageMemory.allocate(byteCount: byteCount, for: "weights")
    base = fresh.bindMemory(to: Float.self, capacity: max(count, 1))
    base.initialize(repeating: 0, count: max(count, 1))
  }

  deinit { free(base) }
}
