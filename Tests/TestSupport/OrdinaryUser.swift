import Glibc

/// Runs a test's work as a user without the superuser's rights, so that what is refused to ordinary
/// users is tested where tests run as root, too.
public enum OrdinaryUser {
  /// The user whose rights are taken where tests run as root: `nobody`.
  public static let number: UInt32 = 65_534

  /// Why the rights cannot be given up.
  public struct Failure: Error, CustomStringConvertible {
    /// What failed.
    public let description: String
  }

  /// Runs `body`, as root on a thread of its own which has given up root's rights.
  ///
  /// Threads that it starts have no more rights than itself; the rest of the process keeps its own.
  public static func run<Result: Sendable>(
    _ body: @escaping @Sendable () throws -> Result
  ) throws -> Result {
    guard geteuid() == 0 else { return try body() }
    let work = Work {
      try giveUpRights()
      return try body()
    }
    var thread = pthread_t()
    let start: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { pointer in
      pointer.map { Unmanaged<Runnable>.fromOpaque($0).takeRetainedValue().run() }
      return nil
    }
    let code = pthread_create(
      &thread, nil, start, Unmanaged.passRetained(work as Runnable).toOpaque())
    guard code == 0 else { throw Failure(description: "pthread_create: error \(code)") }
    pthread_join(thread, nil)
    guard let result = work.result else { throw Failure(description: "the thread did not run") }
    return try result.get()
  }

  /// The C library's `setresuid` changes all threads; the system call changes the calling one alone.
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

/// What a thread runs.
private class Runnable {
  func run() {}
}

/// Work with its result; written before the thread ends, read after it was joined.
private final class Work<Result>: Runnable {
  private let body: () throws -> Result
  private(set) var result: Swift.Result<Result, any Error>?

  init(_ body: @escaping () throws -> Result) { self.body = body }

  override func run() { result = Swift.Result { try body() } }
}
