import Glibc
import Runs

/// A thread of our own for work that blocks or computes for long.
enum DetachedThread {
  /// The stack of such a thread: deep recursion of a decoder or a network must not end the daemon.
  private static let stackBytes = 16 << 20

  /// Starts a thread that runs `body` and ends.
  ///
  /// - Parameter name: what `top -H` shows; the first 15 bytes count.
  /// - Throws: `SystemCallError` when the system gives no thread; `body` does not run then.
  static func start(named name: String, _ body: @escaping @Sendable () -> Void) throws {
    let argument = Unmanaged.passRetained(ThreadStart(name: name, body: body))
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
    guard code == 0 else {
      argument.release()
      throw SystemCallError("pthread_create", "thread \(name)", code: code)
    }
  }
}

/// What a new thread does.
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

  /// Names this thread; without `/proc` it stays nameless, which harms nothing.
  private func setName() {
    let file = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
    guard file >= 0 else { return }
    defer { close(file) }
    let bytes = Array(name.utf8.prefix(15))
    _ = write(file, bytes, bytes.count)
  }
}
