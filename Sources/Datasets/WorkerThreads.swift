import Compute
import Glibc

/// Plain threads for decoding and reading, which must not block Swift's cooperative thread pool.
enum WorkerThreads {
  /// Runs `body` for every index below `count`, each on its own thread, and waits for all.
  static func run(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
    guard count > 1 else {
      if count == 1 { body(0) }
      return
    }
    var threads: [SystemThread] = []
    var refused: [Int] = []
    for index in 0..<count {
      do {
        threads.append(try SystemThread.start { body(index) })
      } catch {
        refused.append(index)
      }
    }
    // Do the work of threads that the system refused on this thread.
    for index in refused { body(index) }
    for thread in threads { thread.join() }
  }

  /// The number of processors of the machine.
  static var processorCount: Int {
    max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
  }
}
