import Glibc

/// The system calls that make a ledger durable.
///
/// A seam: tests pass a disk whose n-th call fails, stops halfway or reports a full device.
package protocol LedgerFileDisk: FileDisk, Sendable where Failure == LedgerFileFault {
  /// Takes an exclusive lock without waiting; false when another process holds it.
  func lock(_ descriptor: Int32) throws(LedgerFileFault) -> Bool
  /// Reads from the beginning to the end.
  func read(_ descriptor: Int32) throws(LedgerFileFault) -> [UInt8]
  /// Truncates the file and moves the descriptor to its end.
  func truncate(_ descriptor: Int32, to length: Int) throws(LedgerFileFault)
  /// Makes a directory (mode 0700) unless it exists.
  func makeDirectory(_ path: String) throws(LedgerFileFault)
}

/// A system call that failed.
package struct LedgerFileFault: Error, Hashable, CustomStringConvertible {
  let operation: String
  let code: Int32
  /// The reason, where the system's message does not name it.
  var explanation: String?

  /// The system's message, and the reason.
  var reason: String {
    String(cString: strerror(code)) + (explanation.map { " (\($0))" } ?? "")
  }

  /// The call that failed, and the reason.
  package var description: String { "ledger: \(operation) failed: \(reason)." }

  /// Whether the file does not exist.
  var isMissing: Bool { code == ENOENT }
}

/// The real disk.
package struct SystemLedgerFileDisk: LedgerFileDisk {
  /// Whether writing waits for free disk space: a waiting line grants nothing yet, and results stay in
  /// memory.
  var patience = RoomPatience.ofThisProcess

  /// The disk as this process sees it.
  package init() {}

  package func open(_ path: String, _ flags: Int32) throws(LedgerFileFault) -> Int32 {
    do {
      return try call("open", as: "open \(path)") {
        Glibc.open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0o600)
      }
    } catch {
      var fault = error
      if fault.code == EACCES { fault.explanation = Self.owner(path) }
      throw fault
    }
  }

  /// The owner of a ledger that cannot be opened, and the command that restores access.
  ///
  /// A run by another user, such as root, leaves files that the service cannot open.
  private static func owner(_ path: String) -> String? {
    let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? path
    guard let place = [path, folder].first(where: { UserAccount.foreignOwner(of: $0) != nil }),
      let words = UserAccount.foreignOwner(of: place)
    else { return nil }
    let user = UserAccount.name(ofUser: geteuid())
    return "\(words). Restore the owner with 'chown -R \(user): \(folder)'"
  }

  package func close(_ descriptor: Int32) { _ = Glibc.close(descriptor) }

  package func lock(_ descriptor: Int32) throws(LedgerFileFault) -> Bool {
    if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return true }
    if errno == EWOULDBLOCK { return false }
    throw LedgerFileFault(operation: "flock", code: errno)
  }

  /// The largest ledger that is read, in bytes: two million lines.
  private static let largest = 1 << 30

  package func read(_ descriptor: Int32) throws(LedgerFileFault) -> [UInt8] {
    var content: [UInt8] = []
    var information = stat()
    guard fstat(descriptor, &information) == 0 else {
      throw LedgerFileFault(operation: "read", code: errno)
    }
    guard information.st_size <= Self.largest else {
      throw LedgerFileFault(operation: "read", code: EFBIG)
    }
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = pread(descriptor, &chunk, chunk.count, off_t(content.count))
      if count < 0 {
        if errno == EINTR { continue }
        throw LedgerFileFault(operation: "read", code: errno)
      }
      if count == 0 { return content }
      guard content.count + count <= Self.largest else {
        throw LedgerFileFault(operation: "read", code: EFBIG)
      }
      content += chunk[..<count]
    }
  }

  package func write(_ bytes: [UInt8], to descriptor: Int32) throws(LedgerFileFault) {
    do {
      try DurableFile.writeAll(bytes, to: descriptor, of: "ledger", patience: patience)
    } catch {
      throw LedgerFileFault(operation: "write", code: error.code)
    }
  }

  package func synchronize(_ descriptor: Int32) throws(LedgerFileFault) {
    // Never retried: after a failure the kernel may have dropped the data that was not written.
    guard fsync(descriptor) == 0 else { throw LedgerFileFault(operation: "fsync", code: errno) }
  }

  package func truncate(_ descriptor: Int32, to length: Int) throws(LedgerFileFault) {
    guard ftruncate(descriptor, off_t(length)) == 0, lseek(descriptor, 0, SEEK_END) >= 0 else {
      throw LedgerFileFault(operation: "truncate", code: errno)
    }
  }

  package func rename(_ path: String, to target: String) throws(LedgerFileFault) {
    _ = try call("rename", as: "rename") { Glibc.rename(path, target) }
  }

  package func makeDirectory(_ path: String) throws(LedgerFileFault) {
    do {
      _ = try call("mkdir", as: "mkdir \(path)") { mkdir(path, 0o700) }
    } catch {
      guard error.code == EEXIST else { throw error }
    }
  }

  /// Makes a system call that waits for free disk space; throws its failure as one of the ledger.
  private func call(
    _ name: String, as operation: String, _ body: () -> Int32
  ) throws(LedgerFileFault) -> Int32 {
    do {
      return try systemCall(name, "ledger", patience: patience, body)
    } catch {
      throw LedgerFileFault(operation: operation, code: error.code)
    }
  }
}

extension LedgerFileDisk {
  /// The content of a file; nil when it does not exist.
  package func content(of path: String) throws(LedgerFileFault) -> [UInt8]? {
    let descriptor: Int32
    do {
      // Non-blocking: opening a pipe at this path would never return.
      descriptor = try open(path, O_RDONLY | O_NONBLOCK)
    } catch {
      if error.isMissing { return nil }
      throw error
    }
    defer { close(descriptor) }
    return try read(descriptor)
  }
}
