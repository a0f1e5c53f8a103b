import Control
package import Glibc

/// Who may read a synthetic set: the group and the permissions that its folders and files get.
///
/// Written out for each file rather than left to a mask: the mask is the whole process's, and keeps
/// everything else to its owner.
package struct ReleaseRights: Hashable, Sendable {
  /// The group; nil leaves the one that the file system gives to new files.
  package let group: gid_t?
  /// Permissions of folders.
  package let folderMode: mode_t

  /// Rights for a group (nil leaves the one that the file system gives) and permissions of folders.
  package init(group: gid_t?, folderMode: mode_t) {
    self.group = group
    self.folderMode = folderMode
  }

  /// Permissions of files: those of folders, without the right to search.
  var fileMode: mode_t { folderMode & 0o666 }

  /// For sets that stay inside.
  static let ownerAlone = ReleaseRights(group: nil, folderMode: 0o700)

  /// What new folders and files of the caller have, by his mask (umask(2)), for a set that he makes himself.
  package static func ofCaller() -> ReleaseRights {
    ReleaseRights(group: nil, folderMode: 0o700 | (0o777 & ~callersMask()))
  }

  /// The mask of this process.
  ///
  /// The system call tells it only by changing it, for all threads; the kernel's own text changes nothing.
  private static func callersMask() -> mode_t {
    guard let mask = ProcessStatus.value(of: "Umask").flatMap({ mode_t($0, radix: 8) }) else {
      let mask = umask(0o077)
      umask(mask)
      return mask
    }
    return mask
  }

  /// Gives a folder and all that is in it these rights.
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

  /// Gives a folder these rights, and leaves what is in it.
  package func apply(to folder: String) throws { try apply(to: folder, folderMode) }

  /// Makes a folder, and those above it that are missing, with these rights.
  package func makeFolder(_ path: String) throws {
    if access(path, F_OK) != 0, let slash = path.lastIndex(of: "/") {
      if slash != path.startIndex { try makeFolder(String(path[..<slash])) }
      if mkdir(path, 0o700) == 0 { return try apply(to: path) }
    }
    // Checks that it is a folder, or says why it could not be made.
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
    // After the change of group, which takes rights away.
    try systemCall("chmod", path) { chmod(path, mode) }
  }
}
