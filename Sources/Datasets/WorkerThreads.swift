import Glibc
import Synchronization

/// Plain threads for decoding and reading, which must not block Swift's cooperative thread pool.
enum WorkerThreads {
  /// Runs `body` for every index below `count`, each on its own thread, and waits for all.
  static func run(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
    guard count > 1 else {
      if count == 1 { body(0) }
      return
    }
    var threads: [pthread_t] = []
    var isStarted = [Bool](repeating: false, count: count)
    for index in 0..<count {
      let start = Unmanaged.passRetained(Start(index: index, body: body))
      var thread = pthread_t()
      let result = pthread_create(
        &thread, nil,
        { context in
          guard let context else { return nil }
          let start = Unmanaged<Start>.fromOpaque(context).takeRetainedValue()
          start.body(start.index)
          return nil
        }, start.toOpaque())
      if result == 0 {
        threads.append(thread)
        isStarted[index] = true
      } else {
        start.release()
      }
    }
    // Do the work of threads that the system refused on this thread.
    for index in 0..<count where !isStarted[index] { body(index) }
    for thread in threads { pthread_join(thread, nil) }
  }

  private final class Start: Sendable {
    let index: Int
    let body: @Sendable (Int) -> Void

    init(index: Int, body: @escaping @Sendable (Int) -> Void) {
      self.index = index
      self.body = body
    }
  }

  /// The number of processors of the machine.
  static var processorCount: Int {
    max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
  }
}
