package import Control
import Glibc

/// Folders in which something is to be written much later.
package enum WritableFolder {
  /// Tries whether a file can be made in a folder, or in the nearest one above it that is there.
  ///
  /// An empty file is made and removed at once: permissions alone do not tell of file systems that are
  /// read-only, full or gone.
  ///
  /// - Parameter name: what the folder is called in the message.
  /// - Throws: `ControlError.failed` with the reason and what to do.
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
      case ENOSPC, EDQUOT: "Make room."
      default: "Change its owner or rights, or choose another folder."
      }
    throw .failed(
      "\(name) \(path): nothing can be written there: \(reason)\(owner) (a folder that user '\(user)' may "
        + "write to expected). \(remedy)")
  }

  /// The folder itself, or the nearest one above it that is there.
  private static func existing(_ path: String) -> String {
    var folder = path
    while access(folder, F_OK) != 0, let slash = folder.lastIndex(of: "/") {
      folder = String(folder[..<slash])
      if folder.isEmpty { return "/" }
    }
    return folder
  }
}
