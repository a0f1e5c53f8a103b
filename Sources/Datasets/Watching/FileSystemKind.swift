import Glibc

/// The type of a folder's file system, as in `/proc/self/mountinfo`.
struct FileSystemKind: Equatable {
  /// For example `ext4`, `nfs4`, `fuse.sshfs`.
  let name: String

  /// Whether other machines or programs can change it without the kernel noticing.
  var hidesChanges: Bool {
    let remote = [
      "nfs", "cifs", "smb", "fuse", "9p", "ceph", "afs", "glusterfs", "lustre", "gpfs", "ocfs2",
      "gfs2", "beegfs", "pvfs2", "orangefs", "virtiofs", "vboxsf", "prl_fs", "vmhgfs", "davfs",
    ]
    return remote.contains { name.hasPrefix($0) }
  }

  /// The type of the file system of `path`; nil if the system does not report it.
  init?(holding path: String) {
    guard let real = realpath(path, nil) else { return nil }
    defer { free(real) }
    guard let table = Self.readTable() else { return nil }
    self.init(holding: String(cString: real), in: table)
  }

  /// The type of the file system that contains the absolute `path` according to a mount table.
  ///
  /// The last of the longest matching mount points counts, because it hides the earlier ones.
  init?(holding path: String, in table: String) {
    var best: (length: Int, name: String)?
    for line in table.split(separator: "\n") {
      let fields = line.split(separator: " ")
      guard let dash = fields.firstIndex(of: "-"), fields.count > dash + 1, fields.count > 4 else {
        continue
      }
      let mount = Self.unescape(fields[4])
      let holds = mount == "/" || path == mount || path.hasPrefix(mount + "/")
      if holds, mount.utf8.count >= best?.length ?? 0 {
        best = (mount.utf8.count, String(fields[dash + 1]))
      }
    }
    guard let best else { return nil }
    name = best.name
  }

  /// Decodes escapes such as `\040` for a space.
  private static func unescape(_ field: Substring) -> String {
    var bytes: [UInt8] = []
    var rest = Array(field.utf8)[...]
    while let first = rest.popFirst() {
      let digits = String(decoding: rest.prefix(3), as: UTF8.self)
      if first == UInt8(ascii: "\\"), rest.count >= 3, let byte = UInt8(digits, radix: 8) {
        bytes.append(byte)
        rest.removeFirst(3)
      } else {
        bytes.append(first)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func readTable() -> String? {
    let descriptor = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 16 << 10)
    while true {
      let count = read(descriptor, &block, block.count)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
      bytes += block[..<count]
    }
  }
}
