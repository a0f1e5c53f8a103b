import Glibc

/// Memory of one worker for the time of one iteration; it grows to what its plans ask for.
final class Scratch: @unchecked Sendable {
  private var base: UnsafeMutablePointer<Float>?
  private var count = 0

  deinit { free(base) }

  /// At least `count` floats, aligned to a cache line, with anything in them.
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
