import Glibc

/// A thread of the operating system, for work that blocks or computes for long: such work must not
/// hold up Swift's cooperative pool.
///
/// A new thread has the signal mask of the thread that starts it.
package struct SystemThread: Sendable {
  private let handle: pthread_t

  /// The system gave no thread.
  package struct Refusal: Error, CustomStringConvertible {
    /// The error number of `pthread_create`.
    package let code: Int32

    /// What failed, and why.
    package var description: String {
      "cannot start a thread: \(String(cString: strerror(code)))."
    }
  }

  /// Starts a thread that runs `body` on a stack of the system's usual size.
  ///
  /// - Returns: the thread, which the caller must join.
  /// - Throws: `Refusal`; `body` does not run then.
  package static func start(
    _ body: @escaping @Sendable () -> Void
  ) throws(Refusal) -> SystemThread {
    SystemThread(handle: try create(nil, body))
  }

  /// Starts a thread that runs `body` on a stack of `stackBytes`, and that nobody joins.
  ///
  /// - Throws: `Refusal`; `body` does not run then.
  package static func detach(
    stackBytes: Int, _ body: @escaping @Sendable () -> Void
  ) throws(Refusal) {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setstacksize(&attributes, stackBytes)
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    _ = try create(&attributes, body)
  }

  /// Waits until the thread has ended; called once.
  package func join() { pthread_join(handle, nil) }

  private static func create(
    _ attributes: UnsafePointer<pthread_attr_t>?, _ body: @escaping @Sendable () -> Void
  ) throws(Refusal) -> pthread_t {
    let start = Unmanaged.passRetained(Start(body))
    var handle = pthread_t()
    let code = pthread_create(
      &handle, attributes,
      { argument in
        guard let argument else { return nil }
        Unmanaged<Start>.fromOpaque(argument).takeRetainedValue().body()
        return nil
      }, start.toOpaque())
    guard code == 0 else {
      start.release()
      throw Refusal(code: code)
    }
    return handle
  }

  /// What a new thread receives.
  private final class Start: Sendable {
    let body: @Sendable () -> Void

    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }
}
