package import Control
import Glibc

/// Folders that something will be written to much later.
package enum WritableFolder {
  /// Checks that a file can be made in a folder, or in its nearest existing parent.
  ///
  /// An empty file is made and removed at once: permissions alone do not reveal that a file system is
  /// read-only, full or gone.
  ///
  /// - Parameter name: the name of the folder in the message.
  /// - Throws: `ControlError.failed` with the reason and a remedy.
  package static func require(_ path: String, as name: String) throws(ControlError) {
    let folder = existing(path)
    let unused = ".figment-probe-\(String.randomHexadecimal(byteCount: 6))"
    let probe = "\(folder == "/" ? "" : folder)/\(unused)"
    let file = open(probe, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
    let code = errno
    guard file < 0 else {
      close(file)
      unlink(probe)
      return
    }
    let reason = String(cString: strerror(code))
    let owner = code == EACCES ? UserAccount.foreignOwner(of: folder).map { "; \($0)" } ?? "" : ""
    let user = UserAccount.name(ofUser: geteuid())
    let remedy =
      switch code {
      case EROFS: "Under systemd, open it with 'systemctl edit figmentd': ReadWritePaths=\(path)."
      case ENOSPC, EDQUOT: "Free some space."
      default: "Change its owner or rights, or choose another folder."
      }
    throw .failed(
      "\(name) \(path): nothing can be written there: \(reason)\(owner) (a folder that user '\(user)' may "
        + "write to expected). \(remedy)")
  }

  /// The folder itself, or its nearest existing parent.
  private static func existing(_ path: String) -> String {
    var folder = path
    while access(folder, F_OK) != 0, let slash = folder.lastIndex(of: "/") {
      folder = String(folder[..<slash])
      if folder.isEmpty { return "/" }
    }
    return folder
  }
}
