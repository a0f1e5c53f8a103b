import Control
import Glibc
import Runs

/// The folder of releases.
struct OutputFolder {
  /// Its path.
  let path: String
  /// The permissions of releases in it.
  let rights: ReleaseRights

  /// Makes the folder if it is missing.
  ///
  /// A folder in the state directory belongs to the daemon and gets the configured permissions; a folder
  /// elsewhere belongs to the administrator and keeps its own.
  func prepare(inState state: String) throws {
    if access(path, F_OK) != 0 { return try rights.makeFolder(path) }
    var information = stat()
    guard WorkingFolder.overlap(path, state), stat(path, &information) == 0,
      information.st_uid == geteuid()
    else { return }
    try rights.apply(to: path)
  }

  /// Problems that prevent releases from being written or read, a sentence or two each.
  var problems: [String] { [unwritable, unreachable].compactMap { $0 } }

  /// Why the folder cannot be written; nil if it can.
  private var unwritable: String? {
    do {
      try WritableFolder.require(path, as: "output")
      return nil
    } catch {
      return error.message
    }
  }

  /// Names a parent folder that the readers' group cannot traverse; nil if there is none.
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
        "output \(path): group '\(name)' may read releases but cannot reach them: folder \(folder) belongs "
        + "to group '\(mine)' and is closed to others (execute permission for '\(name)' expected). Change "
        + "its permissions, or choose another output."
    }
    return nil
  }

  /// The group of new files in the folder: its own if its set-group-ID bit is set, else the process's.
  private var groupOfNewFiles: gid_t {
    var information = stat()
    let passesOn = stat(path, &information) == 0 && information.st_mode & S_ISGID != 0
    return passesOn ? information.st_gid : getegid()
  }
}
