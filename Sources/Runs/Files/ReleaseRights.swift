import Control
package import Glibc

/// Who may read a synthetic set: the group and the permissions of its folders and files.
///
/// They are set for each file, not left to the umask: the umask applies to the whole process, and keeps all
/// other files private to their owner.
package struct ReleaseRights: Hashable, Sendable {
  /// The group; nil keeps the group that the file system assigns to new files.
  package let group: gid_t?
  /// Permissions of folders.
  package let folderMode: mode_t

  /// Rights for a group (nil keeps the one that the file system assigns), and the permissions of folders.
  package init(group: gid_t?, folderMode: mode_t) {
    self.group = group
    self.folderMode = folderMode
  }

  /// Permissions of files: those of folders, without the right to search.
  var fileMode: mode_t { folderMode & 0o666 }

  /// For sets that are not released.
  static let ownerAlone = ReleaseRights(group: nil, folderMode: 0o700)

  /// The rights that new folders and files of the calling user have by the umask (umask(2)), for sets that
  /// this user makes.
  package static func ofCaller() -> ReleaseRights {
    ReleaseRights(group: nil, folderMode: 0o700 | (0o777 & ~callersMask()))
  }

  /// The umask of this process.
  ///
  /// The system call can read it only by changing it for all threads; reading the kernel's text changes
  /// nothing.
  private static func callersMask() -> mode_t {
    guard let mask = ProcessStatus.value(of: "Umask").flatMap({ mode_t($0, radix: 8) }) else {
      let mask = umask(0o077)
      umask(mask)
      return mask
    }
    return mask
  }

  /// Applies these rights to a folder and its content.
  func apply(toAllOf folder: String) throws {
    for name in try DurableFile.names(in: folder) {
      let path = "\(folder)/\(name)"
      var information = stat()
      try systemCall("lstat", path) { lstat(path, &information) }
      if information.st_mode & S_IFMT == S_IFDIR {
        try apply(toAllOf: path)
      } else {
        try apply(to: path, fileMode)
      }
    }
    try apply(to: folder, folderMode)
  }

  /// Applies these rights to a folder alone.
  package func apply(to folder: String) throws { try apply(to: folder, folderMode) }

  /// Makes a folder and its missing parents, with these rights.
  package func makeFolder(_ path: String) throws {
    if access(path, F_OK) != 0, let slash = path.lastIndex(of: "/") {
      if slash != path.startIndex { try makeFolder(String(path[..<slash])) }
      if mkdir(path, 0o700) == 0 { return try apply(to: path) }
    }
    // Checks that it is a folder, or throws the reason why it could not be made.
    try DurableFile.makeFolder(path)
  }

  private func apply(to path: String, _ mode: mode_t) throws {
    if let group {
      guard lchown(path, uid_t.max, group) == 0 else {
        let error = SystemCallError("chown", path)
        guard error.code == EPERM else { throw error }
        throw UserAccount.notMember(of: UserAccount.name(ofGroup: group))
      }
    }
    // After changing the group, which clears some permissions.
    try systemCall("chmod", path) { chmod(path, mode) }
  }
}
