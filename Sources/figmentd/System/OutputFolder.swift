import Control
import Glibc
import Runs

/// The folder that releases go to, as the service finds it.
struct OutputFolder {
  /// Where it is.
  let path: String
  /// The rights that releases in it get.
  let rights: ReleaseRights

  /// Makes the folder if it is missing.
  ///
  /// One in the state directory is the daemon's own and follows the configured rights; one elsewhere is the
  /// administrator's, and stays as he made it.
  func prepare(inState state: String) throws {
    if access(path, F_OK) != 0 { return try rights.makeFolder(path) }
    var information = stat()
    guard WorkingFolder.overlap(path, state), stat(path, &information) == 0,
      information.st_uid == geteuid()
    else { return }
    try rights.apply(to: path)
  }

  /// What keeps releases from being written or read, a sentence or two each.
  var problems: [String] { [unwritable, unreachable].compactMap { $0 } }

  /// Why nothing can be written there; nil when something can.
  private var unwritable: String? {
    do {
      try WritableFolder.require(path, as: "output")
      return nil
    } catch {
      return error.message
    }
  }

  /// Which folder on the way keeps the group out that may read the releases; nil when none does.
  private var unreachable: String? {
    guard rights.folderMode & 0o050 != 0 else { return nil }
    let group = rights.group ?? groupOfNewFiles
    var folder = ""
    for name in path.split(separator: "/") {
      folder += "/\(name)"
      var information = stat()
      guard stat(folder, &information) == 0 else { return nil }
      let mode = information.st_mode
      if mode & S_IXOTH != 0 || (information.st_gid == group && mode & S_IXGRP != 0) { continue }
      let (name, mine) = (
        UserAccount.name(ofGroup: group), UserAccount.name(ofGroup: information.st_gid)
      )
      return
        "output \(path): group '\(name)' may read releases, and cannot reach them: folder "
        + "\(folder) is of group '\(mine)' and closed to others (a way for '\(name)' expected). "
        + "Open it, or choose an output elsewhere."
    }
    return nil
  }

  /// The group of what is made in the folder: its own where it passes it on, else the process's.
  private var groupOfNewFiles: gid_t {
    var information = stat()
    let passesOn = stat(path, &information) == 0 && information.st_mode & S_ISGID != 0
    return passesOn ? information.st_gid : getegid()
  }
}
