import Glibc

/// What tells that a file is still the same one, unchanged. Renaming changes `changed` on most
/// file systems; writing changes `size` or `modified`.
public struct FileSignature: Hashable, Sendable, Codable {
  /// Device that holds it.
  public let device: UInt64
  /// Its number on that device.
  public let inode: UInt64
  /// Bytes.
  public let size: Int64
  /// Last change of the content, nanoseconds since 1970.
  public let modified: Int64
  /// Last change of content or attributes, nanoseconds since 1970.
  public let changed: Int64

  /// A signature from its parts.
  public init(device: UInt64, inode: UInt64, size: Int64, modified: Int64, changed: Int64) {
    self.device = device
    self.inode = inode
    self.size = size
    self.modified = modified
    self.changed = changed
  }

  init(_ status: stat) {
    self.init(
      device: UInt64(status.st_dev), inode: UInt64(status.st_ino), size: Int64(status.st_size),
      modified: Self.nanoseconds(status.st_mtim), changed: Self.nanoseconds(status.st_ctim))
  }

  private static func nanoseconds(_ time: timespec) -> Int64 {
    Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
  }
}

extension stat {
  var isRegularFile: Bool { st_mode & S_IFMT == S_IFREG }
  var isDirectory: Bool { st_mode & S_IFMT == S_IFDIR }
}
