import Compute
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
    do {
      try SystemThread.detach(stackBytes: stackBytes) {
        setName(name)
        body()
      }
    } catch {
      throw SystemCallError("pthread_create", "thread \(name)", code: error.code)
    }
  }

  /// Names this thread; without `/proc` it stays nameless, which harms nothing.
  private static func setName(_ name: String) {
    let file = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
    guard file >= 0 else { return }
    defer { close(file) }
    let bytes = Array(name.utf8.prefix(15))
    _ = write(file, bytes, bytes.count)
  }
}
