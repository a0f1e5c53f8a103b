import Glibc

/// A thread for work that blocks or computes for long, one piece at a time.
///
/// Swift's cooperative pool has one thread per core and does not grow: training on it would freeze
/// every task of the daemon.
actor SerialThread {
  private let name: String
  private let yields: Bool
  private var last: Task<Void, Never>?

  /// Makes a thread.
  ///
  /// - Parameters:
  ///   - name: what `top -H` shows; the first 15 bytes count.
  ///   - yields: whether it takes the processor only from those who want it less, as long work should.
  init(named name: String, yields: Bool = false) {
    self.name = name
    self.yields = yields
  }

  /// Runs `work` on the thread after everything that was given to it before.
  func run<Success: Sendable>(
    _ work: @escaping @Sendable () throws -> Success
  ) async throws -> Success {
    let earlier = last
    let (name, yields) = (name, yields)
    let task = Task {
      await earlier?.value
      return try await Self.runOnNewThread(named: name) {
        if yields { Process.yieldToOthers() }
        return try work()
      }
    }
    last = Task { _ = await task.result }
    return try await task.value
  }

  /// The stack of the thread: deep recursion of a decoder or a network must not end the daemon.
  private static let stackBytes = 16 << 20

  private static func runOnNewThread<Success: Sendable>(
    named name: String, _ work: @escaping @Sendable () throws -> Success
  ) async throws -> Success {
    try await withCheckedThrowingContinuation { continuation in
      let start = ThreadStart(name: name) { continuation.resume(with: Result { try work() }) }
      let argument = Unmanaged.passRetained(start)
      // Not a variable of this type: two modules import it, and its initialiser belongs to one.
      let code = withUnsafeTemporaryAllocation(of: pthread_attr_t.self, capacity: 1) { buffer in
        guard let attributes = buffer.baseAddress else { return ENOMEM }
        pthread_attr_init(attributes)
        defer { pthread_attr_destroy(attributes) }
        pthread_attr_setstacksize(attributes, stackBytes)
        pthread_attr_setdetachstate(attributes, Int32(PTHREAD_CREATE_DETACHED))
        var thread = pthread_t()
        return pthread_create(
          &thread, attributes,
          { argument in
            guard let argument else { return nil }
            Unmanaged<ThreadStart>.fromOpaque(argument).takeRetainedValue().run()
            return nil
          }, argument.toOpaque())
      }
      if code != 0 {
        argument.release()
        continuation.resume(
          throwing: SystemCallError("pthread_create", "thread \(name)", code: code))
      }
    }
  }
}

/// What a new thread does.
private final class ThreadStart {
  private let name: String
  private let work: () -> Void

  init(name: String, _ work: @escaping () -> Void) {
    self.name = name
    self.work = work
  }

  func run() {
    setName()
    work()
  }

  /// Names this thread; without `/proc` it stays nameless, which harms nothing.
  private func setName() {
    let file = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
    guard file >= 0 else { return }
    defer { close(file) }
    let bytes = Array(name.utf8.prefix(15))
    _ = write(file, bytes, bytes.count)
  }
}
