import Glibc

/// A system call that failed.
package struct SystemCallError: Error, CustomStringConvertible {
  /// The name of the call, such as `fsync`.
  let call: String
  /// The object of the call; never the name of an image.
  let subject: String
  /// Its `errno`.
  package let code: Int32

  /// Records `errno` of the call that just failed.
  package init(_ call: String, _ subject: String, code: Int32 = errno) {
    self.call = call
    self.subject = subject
    self.code = code
  }

  /// The call that failed, and the system's message.
  package var description: String {
    let owner = isDenial ? UserAccount.foreignOwner(of: subject).map { " (\($0))" } ?? "" : ""
    return "\(subject): \(call) failed: \(String(cString: strerror(code)))\(owner)."
  }

  /// Whether this user lacks the permission: then the owner of the file explains the failure.
  private var isDenial: Bool { (code == EACCES || code == EPERM) && subject.hasPrefix("/") }
}

/// Repeats a call that a signal interrupted, or that found no free disk space while the process waits for
/// some.
///
/// - Throws: `SystemCallError` when the call returns -1 for another reason.
@discardableResult
package func systemCall<Result: FixedWidthInteger>(
  _ call: String, _ subject: String, patience: RoomPatience = .ofThisProcess, _ body: () -> Result
) throws(SystemCallError) -> Result {
  while true {
    let result = body()
    if result != -1 { return result }
    let code = errno
    if code == EINTR { continue }
    // A flush is never repeated: the kernel reports a lost page once and then forgets it.
    if call != "fsync", patience.triesAgain(after: code) { continue }
    throw SystemCallError(call, subject, code: code)
  }
}
