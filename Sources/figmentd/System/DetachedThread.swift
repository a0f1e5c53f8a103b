import Glibc
import Runs

/// A separate thread for blocking or long work.
enum DetachedThread {
  /// The stack size: deep recursion in a decoder or a network must not crash the daemon.
  private static let stackBytes = 16 << 20

  /// Starts a thread that runs `body` and ends.
  ///
  /// - Parameter name: the thread's name in `top -H`; only the first 15 bytes are used.
  /// - Throws: `SystemCallError` if the thread cannot be created; then `body` does not run.
  static func start(named name: String, _ body: @escaping @Sendable () -> Void) throws {
    let argument = Unmanaged.passRetained(ThreadStart(name: name, body: body))
    // Not a variable of this type: two modules import it, and only one of them has its initialiser.
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
    guard code == 0 else {
      argument.release()
      throw SystemCallError("pthread_create", "thread \(name)", code: code)
    }
  }
}

/// The body of a new thread.
private final class ThreadStart {
  private let name: String
  private let body: @Sendable () -> Void

  init(name: String, body: @escaping @Sendable () -> Void) {
    self.name = name
    self.body = body
  }

  func run() {
    setName()
    body()
  }

  /// Sets this thread's name; without `/proc` it has none, which is harmless.
  private func setName() {
    let file = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
    guard file >= 0 else { return }
    defer { close(file) }
    let bytes = Array(name.utf8.prefix(15))
    _ = write(file, bytes, bytes.count)
  }
}
