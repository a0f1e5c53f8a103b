import Glibc

/// The size of a disk and what of it is free, in bytes.
package struct DiskRoom: Hashable, Sendable {
  /// Bytes of the disk.
  package var capacity: Int
  /// Bytes that are free for us.
  package var free: Int
  /// Which file system it is (statvfs(3), `f_fsid`): folders of one share its room.
  package var fileSystem: UInt = 0

  /// Describes a disk.
  package init(capacity: Int, free: Int, fileSystem: UInt = 0) {
    self.capacity = capacity
    self.free = free
    self.fileSystem = fileSystem
  }

  /// The disk of a path, which need not be there yet; nil when nobody can say.
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
