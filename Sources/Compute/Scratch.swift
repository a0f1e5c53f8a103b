import Glibc

/// Memory of one worker during one iteration; it grows to the size that its plans need.
final class Scratch: @unchecked Sendable {
  private var base: UnsafeMutablePointer<Float>?
  private var count = 0

  deinit { free(base) }

  /// At least `count` uninitialised floats, aligned to a cache line.
  func floats(_ count: Int) -> UnsafeMutablePointer<Float> {
    if let base, count <= self.count { return base }
    free(base)
    let byteCount = max(count, 1) * MemoryLayout<Float>.stride
    let fresh = PageMemory.allocate(byteCount: byteCount, for: "a worker's scratch")
    let typed = fresh.bindMemory(to: Float.self, capacity: max(count, 1))
    base = typed
    self.count = count
    return typed
  }
}
