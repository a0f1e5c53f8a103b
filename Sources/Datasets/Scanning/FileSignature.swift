import Glibc

/// The identity of a file or folder, independent of its name.
package struct FileIdentity: Hashable, Sendable {
  let device: UInt64
  let inode: UInt64
}

extension FileIdentity {
  init(_ status: stat) {
    self.init(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
  }
}

/// The metadata that identifies an unchanged file.
///
/// Renaming changes `changed` on most file systems; writing changes `size` or `modified`.
public struct FileSignature: Hashable, Sendable, Codable {
  /// Its device.
  public let device: UInt64
  /// Its inode number on that device.
  public let inode: UInt64
  /// Its size in bytes.
  public let size: Int64
  /// Last change of the content, nanoseconds since 1970.
  public let modified: Int64
  /// Last change of content or attributes, nanoseconds since 1970.
  public let changed: Int64

  /// Creates a signature from its parts.
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

  /// The identity of the file.
  package var identity: FileIdentity { FileIdentity(device: device, inode: inode) }

  /// Whether neither content nor attributes changed within `duration` of now, by wall-clock
  /// time.
  ///
  /// A time in the future, from a server with another clock, counts by its distance from now.
  public func hasBeenQuiet(for duration: Duration) -> Bool {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    let age = (Self.nanoseconds(now) &- max(changed, modified)).magnitude
    let (seconds, attoseconds) = duration.components
    return age >= UInt64(max(0, seconds)) * 1_000_000_000 + UInt64(max(0, attoseconds))
      / 1_000_000_000
  }

  private static func nanoseconds(_ time: timespec) -> Int64 {
    Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
  }
}

extension stat {
  var isRegularFile: Bool { st_mode & S_IFMT == S_IFREG }
  var isDirectory: Bool { st_mode & S_IFMT == S_IFDIR }
}
