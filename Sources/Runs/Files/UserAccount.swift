package import Control
package import Glibc

/// The users and groups of this machine.
package enum UserAccount {
  private static let textBytes = 16 * 1024

  /// A user's name, or its number where it has none.
  package static func name(ofUser user: uid_t) -> String {
    var entry = passwd()
    var result: UnsafeMutablePointer<passwd>?
    var buffer = [CChar](repeating: 0, count: textBytes)
    guard getpwuid_r(user, &entry, &buffer, buffer.count, &result) == 0, result != nil else {
      return String(user)
    }
    return String(cString: entry.pw_name)
  }

  /// A group's name, or its number where it has none.
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
  /// - Parameter key: where the configuration names it, for the error.
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

  /// Whether this process may give its own files to a group: root may, and whoever is in it.
  package static func mayGive(toGroup group: gid_t) -> Bool {
    geteuid() == 0 || getegid() == group || furtherGroups.contains(group)
  }

  /// The groups of this process beside its first one.
  private static var furtherGroups: [gid_t] {
    var groups = [gid_t](repeating: 0, count: Int(max(0, getgroups(0, nil))))
    let count = getgroups(Int32(groups.count), &groups)
    return Array(groups.prefix(Int(max(0, count))))
  }

  /// Says that this process's user is not in a group that files are for.
  ///
  /// - Parameter key: where the configuration names it.
  package static func notMember(of group: String, key: String = "release.group") -> ControlError {
    let user = name(ofUser: geteuid())
    return .forbidden(
      "\(key): user '\(user)' is not in group '\(group)', so it cannot give files to that group "
        + "(a member expected). Add it with 'usermod --append --groups \(group) \(user)' and restart "
        + "figmentd, or name another group in the configuration.")
  }

  /// Says whose a file is, where that explains why it cannot be used; nil where it explains nothing.
  static func foreignOwner(of path: String) -> String? {
    var information = stat()
    guard lstat(path, &information) == 0, information.st_uid != geteuid() else { return nil }
    let (owner, user) = (name(ofUser: information.st_uid), name(ofUser: geteuid()))
    return "it belongs to user '\(owner)', and this runs as '\(user)'"
  }

  /// Makes this process the owner of a folder, for good: his user, group and further groups.
  ///
  /// Nothing happens unless the process is root's and the folder somebody else's. For commands that must
  /// see the machine as a service does; called before there is another thread.
  ///
  /// - Returns: whether the process is another user's now.
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
    // Of root they change the real and the saved one too.
    try systemCall("setgid", folder) { setgid(group) }
    try systemCall("setuid", folder) { setuid(user) }
    return true
  }
}
