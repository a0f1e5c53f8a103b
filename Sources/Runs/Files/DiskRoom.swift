import Glibc

/// The size of a disk and its free space, in bytes.
package struct DiskRoom: Hashable, Sendable {
  /// The size of the disk in bytes.
  package var capacity: Int
  /// The bytes that this process may still write.
  package var free: Int
  /// The file system's identifier (statvfs(3), `f_fsid`): folders on one file system share its free space.
  package var fileSystem: UInt = 0

  /// Describes a disk.
  package init(capacity: Int, free: Int, fileSystem: UInt = 0) {
    self.capacity = capacity
    self.free = free
    self.fileSystem = fileSystem
  }

  /// The disk of a path, which need not exist yet; nil if it cannot be determined.
  package static func at(_ path: String) -> DiskRoom? {
    var status = statvfs()
    var path = path
    while statvfs(path, &status) != 0 {
      guard errno == ENOENT, let slash = path.lastIndex(of: "/") else { return nil }
      path = slash == path.startIndex ? "/" : String(path[..<slash])
    }
    let block = Int(status.f_frsize)
    return DiskRoom(
      capacity: Int(clamping: status.f_blocks).multipliedReportingOverflow(by: block).partialValue,
      free: Int(clamping: status.f_bavail).multipliedReportingOverflow(by: block).partialValue,
      fileSystem: UInt(status.f_fsid))
  }
}
