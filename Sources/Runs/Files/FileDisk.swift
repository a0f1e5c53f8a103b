import Glibc

/// The system calls that replace a file atomically.
///
/// A seam: tests pass a disk whose n-th call fails.
package protocol FileDisk {
  /// A call that failed.
  associatedtype Failure: Error
  /// Opens a file or directory; `flags` are those of open(2).
  func open(_ path: String, _ flags: Int32) throws(Failure) -> Int32
  /// Closes a descriptor.
  func close(_ descriptor: Int32)
  /// Writes all bytes at the descriptor's position.
  func write(_ bytes: [UInt8], to descriptor: Int32) throws(Failure)
  /// Makes everything written durable.
  func synchronize(_ descriptor: Int32) throws(Failure)
  /// Renames a file.
  func rename(_ path: String, to target: String) throws(Failure)
}

extension FileDisk {
  /// Replaces a file of `directory`: after a crash it has its old content or its new one, never a part.
  ///
  /// A temporary file is written, flushed to disk and renamed, and then the directory is flushed: without
  /// that last step a power failure could lose the new name.
  func replace(_ path: String, in directory: String, with bytes: [UInt8]) throws(Failure) {
    let temporary = path + DurableFile.temporarySuffix
    unlink(temporary)
    let descriptor = try open(temporary, O_WRONLY | O_CREAT | O_EXCL)
    do {
      defer { close(descriptor) }
      try write(bytes, to: descriptor)
      try synchronize(descriptor)
    } catch {
      unlink(temporary)
      throw error
    }
    try rename(temporary, to: path)
    try synchronizeDirectory(directory)
  }

  /// Makes the entries of a directory durable.
  func synchronizeDirectory(_ path: String) throws(Failure) {
    let descriptor = try open(path, O_RDONLY | O_DIRECTORY)
    defer { close(descriptor) }
    try synchronize(descriptor)
  }
}

/// The real disk, for one replacement at a time: a failure names the file that was opened last.
final class SystemFileDisk: FileDisk {
  typealias Failure = SystemCallError

  private let mode: UInt32
  private var opened = ""

  /// A disk on which new files get `mode`.
  init(mode: UInt32 = 0o600) { self.mode = mode }

  func open(_ path: String, _ flags: Int32) throws(SystemCallError) -> Int32 {
    opened = path
    return try systemCall("open", path) { Glibc.open(path, flags | O_CLOEXEC, mode) }
  }

  func close(_ descriptor: Int32) { _ = Glibc.close(descriptor) }

  func write(_ bytes: [UInt8], to descriptor: Int32) throws(SystemCallError) {
    try DurableFile.writeAll(bytes, to: descriptor, of: opened)
  }

  func synchronize(_ descriptor: Int32) throws(SystemCallError) {
    // Not repeated after a failure: the kernel reports a lost page once and then forgets it.
    try systemCall("fsync", opened) { fsync(descriptor) }
  }

  func rename(_ path: String, to target: String) throws(SystemCallError) {
    try systemCall("rename", target) { Glibc.rename(path, target) }
  }
}
