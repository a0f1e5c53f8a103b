import Compute
import Dispatch
import Glibc
import Testing

/// Which threads may call a pool, and when.
@Suite struct ThreadPoolCallersTests {
  @Test func severalCallersRunWholeLoops() {
    let pool = ThreadPool(threadCount: 3)
    let results = Results(count: 4 * 200)
    DispatchQueue.concurrentPerform(iterations: 4) { caller in
      for round in 0..<200 {
        var squares = [Int](repeating: -1, count: 64)
        squares.withUnsafeMutableBufferPointer { buffer in
          let target = Results.Place(buffer)
          pool.forEach(64) { index, _ in target.buffer[index] = index * index }
        }
        results.set(caller * 200 + round, squares == (0..<64).map { $0 * $0 })
      }
    }
    #expect(results.allTrue)
  }

  @Test func aDeallocatedPoolEndsItsThreads() {
    func threadsOfThisProcess() -> Int {
      guard let folder = opendir("/proc/self/task") else { return 0 }
      defer { closedir(folder) }
      var count = 0
      while readdir(folder) != nil { count += 1 }
      return count
    }
    let before = threadsOfThisProcess()
    for _ in 0..<200 { ThreadPool(threadCount: 4).forEach(8) { _, _ in } }
    // Other tests start threads at the same time, but not 600.
    #expect(threadsOfThisProcess() < before + 300)
  }

  @Test func poolMayBeDeallocatedBeforeItsThreadsStart() {
    for count in 1..<200 {
      #expect(ThreadPool(threadCount: 1 + count % 4).threadCount == 1 + count % 4)
    }
  }

  /// Memory that several threads write, each at its own place.
  private final class Results: @unchecked Sendable {
    struct Place: @unchecked Sendable {
      let buffer: UnsafeMutableBufferPointer<Int>

      init(_ buffer: UnsafeMutableBufferPointer<Int>) {
        self.buffer = buffer
      }
    }

    private let buffer: UnsafeMutableBufferPointer<Bool>

    init(count: Int) {
      buffer = .allocate(capacity: count)
      buffer.initialize(repeating: false)
    }

    deinit {
      buffer.deallocate()
    }

    func set(_ index: Int, _ value: Bool) {
      buffer[index] = value
    }

    var allTrue: Bool { buffer.allSatisfy { $0 } }
  }
}
