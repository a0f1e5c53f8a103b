import Control
import Glibc
import Runs

/// The listening socket: the one that systemd passes, else a socket file of our own.
struct ControlSocket: Sendable {
  /// The listening descriptor.
  let descriptor: Int32
  /// The file to remove at the end; nil if systemd owns it.
  let file: String?

  /// The longest path that fits into a `sockaddr_un`, without the terminating zero.
  static let maximumPathLength = 107
  /// The number of callers that may wait to be accepted.
  private static let backlog: Int32 = 128
  /// The first descriptor that systemd passes (sd_listen_fds(3)).
  private static let firstInherited: Int32 = 3

  /// Returns the socket that systemd passed to this process, or nil.
  static func inherited() -> ControlSocket? {
    guard let process = getenv("LISTEN_PID").map({ String(cString: $0) }),
      let count = getenv("LISTEN_FDS").map({ String(cString: $0) }),
      process == String(getpid()), let number = Int(count), number >= 1
    else { return nil }
    // Child processes must not take these sockets for their own.
    unsetenv("LISTEN_PID")
    unsetenv("LISTEN_FDS")
    unsetenv("LISTEN_FDNAMES")
    setCloseOnExec(firstInherited)
    return ControlSocket(descriptor: firstInherited, file: nil)
  }

  /// Creates a socket file.
  ///
  /// The caller must hold the lock of the state directory. An existing socket file is removed if no
  /// process listens on it. Permissions are set before anyone can connect.
  ///
  /// - Throws: `ControlError.conflict` if another daemon listens on it.
  static func make(at path: String, mode: mode_t, group: gid_t?) throws -> ControlSocket {
    guard (1...maximumPathLength).contains(path.utf8.count) else {
      throw ControlError.invalid(
        "socket \(path): the path has \(path.utf8.count) bytes (at most \(maximumPathLength) expected). "
          + "Choose a shorter path with --socket.")
    }
    if let slash = path.lastIndex(of: "/"), slash != path.startIndex {
      try DurableFile.makeFolder(String(path[..<slash]), mode: 0o755)
    }
    try removeStale(path)
    let descriptor = try systemCall("socket", path) {
      socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    }
    do {
      // The descriptor's mode becomes that of the socket file. Unlike the umask, it does not affect
      // files that other threads create meanwhile.
      try systemCall("fchmod", path) { fchmod(descriptor, 0o600) }
      try withAddress(of: path) { address, length in
        _ = try systemCall("bind", path) { bind(descriptor, address, length) }
      }
      if let group { try give(path, to: group) }
      try systemCall("chmod", path) { chmod(path, mode) }
      try systemCall("listen", path) { listen(descriptor, backlog) }
      return ControlSocket(descriptor: descriptor, file: path)
    } catch {
      close(descriptor)
      throw error
    }
  }

  /// Assigns the socket to a group, unless it already has that group.
  private static func give(_ path: String, to group: gid_t) throws {
    var information = stat()
    if lstat(path, &information) == 0, information.st_gid == group { return }
    guard chown(path, uid_t.max, group) == 0 else {
      let error = SystemCallError("chown", path)
      guard error.code == EPERM else { throw error }
      throw UserAccount.notMember(of: UserAccount.name(ofGroup: group), key: "socket.group")
    }
  }

  /// Removes the socket's file.
  func remove() {
    if let file { unlink(file) }
  }

  private static func removeStale(_ path: String) throws {
    var information = stat()
    guard lstat(path, &information) == 0 else { return }
    guard information.st_mode & S_IFMT == S_IFSOCK else {
      throw ControlError.conflict(
        "socket \(path): another file exists there (no file, or an old socket, expected). "
          + "Move it away, or choose another --socket.")
    }
    let probe = try systemCall("socket", path) {
      socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    }
    defer { close(probe) }
    let answers = withAddress(of: path) { connect(probe, $0, $1) == 0 }
    if answers {
      throw ControlError.conflict(
        "socket \(path): another figmentd listens on it. Stop it, or choose another --socket.")
    }
    try systemCall("unlink", path) { unlink(path) }
  }

  private static func setCloseOnExec(_ descriptor: Int32) {
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
  }
}

/// Calls `body` with the address of a socket file.
///
/// - Parameter isAbstract: whether to replace the first byte of the path by a zero (unix(7)).
func withAddress<Result, Failure: Error>(
  of path: String, isAbstract: Bool = false,
  _ body: (UnsafePointer<sockaddr>, socklen_t) throws(Failure) -> Result
) throws(Failure) -> Result {
  var address = sockaddr_un()
  address.sun_family = sa_family_t(AF_UNIX)
  var bytes = Array(path.utf8.prefix(ControlSocket.maximumPathLength))
  if isAbstract, !bytes.isEmpty { bytes[0] = 0 }
  withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
  let pathOffset = MemoryLayout<sockaddr_un>.offset(of: \.sun_path) ?? 2
  // An abstract name has no terminating zero, so every byte counts.
  let length = socklen_t(pathOffset + bytes.count + (isAbstract ? 0 : 1))
  return try withUnsafePointer(to: &address) { pointer throws(Failure) in
    let raw = UnsafeRawPointer(pointer).assumingMemoryBound(to: sockaddr.self)
    return try body(raw, length)
  }
}
