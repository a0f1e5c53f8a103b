import Compute
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
    do {
      try SystemThread.detach(stackBytes: stackBytes) {
        setName(name)
        body()
      }
    } catch {
      throw SystemCallError("pthread_create", "thread \(name)", code: error.code)
    }
  }

  /// Sets this thread's name; without `/proc` it has none, which is harmless.
  private static func setName(_ name: String) {
    let file = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
    guard file >= 0 else { return }
    defer { close(file) }
    let bytes = Array(name.utf8.prefix(15))
    _ = write(file, bytes, bytes.count)
  }
}
