import Glibc

/// An open directory.
///
/// Everything below it is opened relative to its descriptor, one component at a time and never through a link,
/// so replacing a folder by a link while it is read has no effect.
final class Directory: Sendable {
  let descriptor: CInt
  let status: stat

  private init(_ descriptor: CInt, _ status: stat) {
    self.descriptor = descriptor
    self.status = status
  }

  deinit { close(descriptor) }

  /// Opens the root itself; the administrator's path may contain links.
  static func root(_ path: String) throws(DatasetError) -> Directory {
    let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .rootUnavailable(path: path, errno: errno) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      let code = errno
      close(descriptor)
      throw .rootUnavailable(path: path, errno: code)
    }
    return Directory(descriptor, status)
  }

  /// Opens the sub-directory `name`; nil if it is not a directory, is a link, or cannot be entered.
  func child(_ name: some Collection<UInt8>) -> Directory? {
    let child = withName(name) {
      openat(descriptor, $0, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
    }
    guard child >= 0 else { return nil }
    var status = stat()
    guard fstat(child, &status) == 0 else {
      close(child)
      return nil
    }
    return Directory(child, status)
  }

  /// Opens the directory at a path below this one.
  func descendant(_ path: RelativePath) -> Directory? {
    var directory = self
    for name in path.components {
      guard let child = directory.child(name) else { return nil }
      directory = child
    }
    return directory
  }

  /// The status of an entry itself, not of a link's target.
  func status(of name: some Collection<UInt8>) -> stat? {
    var status = stat()
    let result = withName(name) { fstatat(descriptor, $0, &status, AT_SYMLINK_NOFOLLOW) }
    return result == 0 ? status : nil
  }

  /// The kind of an entry.
  enum Kind {
    case file
    case directory
    case other
  }

  /// Calls `body` with each entry except `.` and `..`, in the directory's own order.
  func forEachEntry(_ body: (_ name: [UInt8], _ kind: Kind) throws -> Void) throws {
    // Use a separate descriptor, because closing the stream closes it, and its position must not be shared.
    let copy = openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard copy >= 0, let stream = fdopendir(copy) else {
      let code = errno
      if copy >= 0 { close(copy) }
      throw DatasetError.systemCallFailed(call: "reading", path: "a folder", errno: code)
    }
    defer { closedir(stream) }
    while true {
      errno = 0
      guard let entry = readdir(stream) else {
        guard errno == 0 else { throw DatasetError.lastCall("reading", "a folder") }
        return
      }
      let name = Self.name(of: entry)
      if name == [UInt8(ascii: ".")] || name == [UInt8(ascii: "."), UInt8(ascii: ".")] { continue }
      try body(name, kind(of: entry, name))
    }
  }

  private static let nameOffset = MemoryLayout<dirent>.offset(of: \dirent.d_name) ?? 19

  private static func name(of entry: UnsafeMutablePointer<dirent>) -> [UInt8] {
    let start = UnsafeRawPointer(entry) + nameOffset
    let length = strlen(start.assumingMemoryBound(to: CChar.self))
    return Array(UnsafeRawBufferPointer(start: start, count: length))
  }

  private func kind(of entry: UnsafeMutablePointer<dirent>, _ name: [UInt8]) -> Kind {
    switch Int(entry.pointee.d_type) {
    case Int(DT_REG): return .file
    case Int(DT_DIR): return .directory
    case Int(DT_UNKNOWN):
      guard let status = status(of: name) else { return .other }
      return status.isRegularFile ? .file : status.isDirectory ? .directory : .other
    default: return .other
    }
  }
}

/// Calls `body` with `name` as a C string.
func withName<Result>(
  _ name: some Collection<UInt8>, _ body: (UnsafePointer<CChar>) -> Result
) -> Result {
  withUnsafeTemporaryAllocation(of: CChar.self, capacity: name.count + 1) { buffer in
    var index = 0
    for byte in name {
      buffer[index] = CChar(bitPattern: byte)
      index += 1
    }
    buffer[index] = 0
    guard let start = buffer.baseAddress else { preconditionFailure("a buffer is never empty") }
    return body(start)
  }
}
