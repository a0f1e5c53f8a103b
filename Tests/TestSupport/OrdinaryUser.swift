import Compute
import Glibc
import Synchronization

/// Runs a test's work as a user without the superuser's rights, so that refusals to ordinary users can be
/// tested as root too.
public enum OrdinaryUser {
  /// The user to switch to as root: `nobody`.
  public static let number: UInt32 = 65_534

  /// Why the rights cannot be dropped.
  public struct Failure: Error, CustomStringConvertible {
    /// The failed operation.
    public let description: String
  }

  /// Runs `body`; as root, on a separate thread that has dropped root's rights.
  ///
  /// Threads that it starts have the same rights; the rest of the process keeps its own.
  public static func run<Result: Sendable>(
    _ body: @escaping @Sendable () throws -> Result
  ) throws -> Result {
    guard geteuid() == 0 else { return try body() }
    let outcome = Mutex<Swift.Result<Result, any Error>?>(nil)
    let thread = try SystemThread.start {
      let result = Swift.Result {
        try giveUpRights()
        return try body()
      }
      outcome.withLock { $0 = result }
    }
    thread.join()
    guard let result = outcome.withLock({ $0 }) else {
      throw Failure(description: "the thread did not run")
    }
    return try result.get()
  }

  /// The C library's `setresuid` changes all threads; the system call changes only the calling one.
  private static func giveUpRights() throws {
    #if arch(x86_64)
      let number = 117
    #elseif arch(arm64)
      let number = 147
    #else
      throw Failure(description: "setresuid: its number is not known for this processor")
    #endif
    typealias SystemCall = @convention(c) (CLong, CLong, CLong, CLong) -> CLong
    guard let symbol = dlsym(nil, "syscall") else { throw Failure(description: "no syscall()") }
    let call = unsafeBitCast(symbol, to: SystemCall.self)
    guard call(number, -1, CLong(Self.number), -1) == 0, geteuid() == Self.number else {
      throw Failure(
        description: "setresuid \(Self.number): \(String(cString: strerror(errno))). "
          + "Run the tests as root of a whole system, or as an ordinary user.")
    }
  }
}
