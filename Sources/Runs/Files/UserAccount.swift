package import Control
package import Glibc

/// The users and groups of this machine.
package enum UserAccount {
  private static let textBytes = 16 * 1024

  /// A user's name, or the number of a user without one.
  package static func name(ofUser user: uid_t) -> String {
    var entry = passwd()
    var result: UnsafeMutablePointer<passwd>?
    var buffer = [CChar](repeating: 0, count: textBytes)
    guard getpwuid_r(user, &entry, &buffer, buffer.count, &result) == 0, result != nil else {
      return String(user)
    }
    return String(cString: entry.pw_name)
  }

  /// A group's name, or the number of a group without one.
  package static func name(ofGroup group: gid_t) -> String {
    var entry = Glibc.group()
    var result: UnsafeMutablePointer<Glibc.group>?
    var buffer = [CChar](repeating: 0, count: textBytes)
    guard getgrgid_r(group, &entry, &buffer, buffer.count, &result) == 0, result != nil else {
      return String(group)
    }
    return String(cString: entry.gr_name)
  }

  /// The number of a group.
  ///
  /// - Parameter key: the configuration key that names it, for the error.
  /// - Throws: `ControlError.notFound` when there is no such group.
  package static func number(ofGroup name: String, key: String) throws(ControlError) -> gid_t {
    var entry = Glibc.group()
    var result: UnsafeMutablePointer<Glibc.group>?
    var buffer = [CChar](repeating: 0, count: textBytes)
    guard getgrnam_r(name, &entry, &buffer, buffer.count, &result) == 0, result != nil else {
      throw .notFound(
        "\(key): group '\(name)' is unknown (a group of this machine expected). Make it with "
          + "'groupadd \(name)', or name another in the configuration.")
    }
    return entry.gr_gid
  }

  /// Whether this process may assign a group to its own files: root and members of the group may.
  package static func mayGive(toGroup group: gid_t) -> Bool {
    geteuid() == 0 || getegid() == group || furtherGroups.contains(group)
  }

  /// The supplementary groups of this process.
  private static var furtherGroups: [gid_t] {
    var groups = [gid_t](repeating: 0, count: Int(max(0, getgroups(0, nil))))
    let count = getgroups(Int32(groups.count), &groups)
    return Array(groups.prefix(Int(max(0, count))))
  }

  /// The error when this process's user is not in the group of released files.
  ///
  /// - Parameter key: the configuration key that names the group.
  package static func notMember(of group: String, key: String = "release.group") -> ControlError {
    let user = name(ofUser: geteuid())
    return .forbidden(
      "\(key): user '\(user)' is not in group '\(group)', so it cannot assign files to that group "
        + "(a member expected). Add it with 'usermod --append --groups \(group) \(user)' and restart "
        + "figmentd, or name another group in the configuration.")
  }

  /// Words that name the owner of a file, if that explains why it cannot be used; nil otherwise.
  static func foreignOwner(of path: String) -> String? {
    var information = stat()
    guard lstat(path, &information) == 0, information.st_uid != geteuid() else { return nil }
    let (owner, user) = (name(ofUser: information.st_uid), name(ofUser: geteuid()))
    return "it belongs to user '\(owner)', and this process runs as '\(user)'"
  }

  /// Switches this process permanently to the owner of a folder: user, group and supplementary groups.
  ///
  /// Does nothing unless the process runs as root and the folder belongs to another user. For commands that
  /// must see the machine as a service does; call it before another thread starts.
  ///
  /// - Returns: whether the process now runs as another user.
  package static func becomeOwner(of folder: String) throws -> Bool {
    var information = stat()
    guard geteuid() == 0, stat(folder, &information) == 0, information.st_uid != 0 else {
      return false
    }
    let user = information.st_uid
    var entry = passwd()
    var result: UnsafeMutablePointer<passwd>?
    var buffer = [CChar](repeating: 0, count: textBytes)
    guard getpwuid_r(user, &entry, &buffer, buffer.count, &result) == 0, result != nil else {
      return false
    }
    let group = entry.pw_gid
    try systemCall("initgroups", folder) { initgroups(entry.pw_name, group) }
    // As root, these change the real and the saved ids too.
    try systemCall("setgid", folder) { setgid(group) }
    try systemCall("setuid", folder) { setuid(user) }
    return true
  }
}
