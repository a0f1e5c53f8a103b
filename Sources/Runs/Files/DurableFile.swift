import Control
package import FoundationEssentials
import Glibc

/// Files that are complete after a crash at any moment.
package enum DurableFile {
  /// The suffix of a file's name until it is complete.
  package static let temporarySuffix = ".tmp"

  /// Replaces a file: afterwards it has its old content or its new one, never a part (`FileDisk.replace`).
  package static func write(_ data: Data, to path: String, mode: UInt32 = 0o600) throws {
    try SystemFileDisk(mode: mode).replace(path, in: folder(of: path), with: [UInt8](data))
  }

  /// The size limit for reading a file whole, in bytes, unless the caller passes another: far more than any
  /// record has, and less than the memory of a machine that trains.
  static let usualLimit = 256 << 20

  /// Reads a whole file of at most `limit` bytes.
  ///
  /// A pipe or a device in place of the file is refused: reading it might never end.
  ///
  /// - Throws: `SystemCallError`; `ControlError` for anything but a regular file, and for one that is too
  ///   large.
  package static func read(_ path: String, atMost limit: Int = usualLimit) throws -> Data {
    let file = try systemCall("open", path) {
      open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
    }
    defer { close(file) }
    var information = stat()
    try systemCall("fstat", path) { fstat(file, &information) }
    guard information.st_mode & S_IFMT == S_IFREG else {
      throw ControlError.failed(
        "\(path): a folder, a pipe or a device (a file expected). Move it away, or restore the file."
      )
    }
    let size = Int(information.st_size)
    guard size <= limit else { throw isTooLarge(path, limit) }
    var data = Data(capacity: size)
    var buffer = [UInt8](repeating: 0, count: 64 * 1024)
    while true {
      let count = try systemCall("read", path) { Glibc.read(file, &buffer, buffer.count) }
      guard count > 0 else { return data }
      // Files of /proc report no size, and others may grow.
      guard data.count + count <= limit else { throw isTooLarge(path, limit) }
      data.append(contentsOf: buffer[..<count])
    }
  }

  private static func isTooLarge(_ path: String, _ limit: Int) -> ControlError {
    .failed(
      "\(path): too large (at most \(Rounded.bytes(limit)) expected for this kind of file). It is damaged, "
        + "or another file. Restore it.")
  }

  /// Writes all bytes, however many calls it takes.
  package static func writeAll(
    _ data: Data, to file: Int32, of path: String, patience: RoomPatience = .ofThisProcess
  ) throws(SystemCallError) {
    try writeAll([UInt8](data), to: file, of: path, patience: patience)
  }

  /// Writes all bytes; what was written before a wait for free disk space stays, and the rest follows it.
  static func writeAll(
    _ bytes: [UInt8], to file: Int32, of path: String, patience: RoomPatience = .ofThisProcess
  ) throws(SystemCallError) {
    var written = 0
    while written < bytes.count {
      written += try systemCall("write", path, patience: patience) {
        bytes.withUnsafeBytes { buffer in
          Glibc.write(file, buffer.baseAddress?.advanced(by: written), bytes.count - written)
        }
      }
    }
  }

  /// Flushes the folder that contains a file, so that the file's name is durable.
  package static func flushFolder(of path: String) throws {
    try SystemFileDisk().synchronizeDirectory(folder(of: path))
  }

  private static func folder(of path: String) -> String {
    let folder = path.split(separator: "/", omittingEmptySubsequences: false).dropLast()
      .joined(separator: "/")
    return folder.isEmpty ? "/" : folder
  }

  /// Makes a folder, and its missing parents.
  package static func makeFolder(_ path: String, mode: UInt32 = 0o700) throws {
    if mkdir(path, mode) == 0 || errno == EEXIST {
      var information = stat()
      try systemCall("stat", path) { stat(path, &information) }
      guard information.st_mode & S_IFMT == S_IFDIR else {
        throw SystemCallError("mkdir", path, code: ENOTDIR)
      }
      return
    }
    guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
      throw SystemCallError("mkdir", path)
    }
    try makeFolder(String(path[..<slash]), mode: mode)
    try systemCall("mkdir", path) { mkdir(path, mode) }
  }

  /// The names in a folder, sorted; empty when there is no such folder.
  package static func names(in path: String) throws -> [String] {
    guard let folder = opendir(path) else {
      if errno == ENOENT { return [] }
      throw SystemCallError("opendir", path)
    }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) {
          String(cString: $0)
        }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
  }
}
