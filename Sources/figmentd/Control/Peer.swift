import Control
import Glibc

/// The process at the other end of the socket, as the kernel vouches for it.
///
/// The layout is that of `struct ucred` (socket(7), SO_PEERCRED).
struct Peer: Hashable, Sendable {
  /// Its process.
  var process: Int32
  /// Its user.
  var user: UInt32
  /// Its group.
  var group: UInt32

  /// Whether it is in a group, by its own group or by those of its user.
  func isMember(of wanted: gid_t) -> Bool {
    if group == wanted { return true }
    var entry = passwd()
    var result: UnsafeMutablePointer<passwd>?
    var buffer = [CChar](repeating: 0, count: 16 * 1024)
    guard getpwuid_r(user, &entry, &buffer, buffer.count, &result) == 0, result != nil else {
      return false
    }
    var count: Int32 = 64
    var groups = [gid_t](repeating: 0, count: Int(count))
    if getgrouplist(entry.pw_name, entry.pw_gid, &groups, &count) < 0 {
      groups = [gid_t](repeating: 0, count: Int(count))
      getgrouplist(entry.pw_name, entry.pw_gid, &groups, &count)
    }
    return groups.prefix(Int(count)).contains(wanted)
  }
}

/// Who may look and who may change something.
struct AccessPolicy: Hashable, Sendable {
  /// The daemon's own user.
  let owner: uid_t
  /// Members may do everything.
  let controlGroup: gid_t?
  /// Members may look, at what no private file decides.
  let readGroup: gid_t?

  /// Whether a peer may change something, and see numbers and names of real files.
  func mayControl(_ peer: Peer) -> Bool {
    if peer.user == 0 || peer.user == owner { return true }
    return controlGroup.map { peer.isMember(of: $0) } ?? false
  }

  /// Refuses a peer that may not do what it asks.
  ///
  /// - Throws: `ControlError.forbidden`.
  func check(_ peer: Peer, for route: ControlRoute) throws(ControlError) {
    if mayControl(peer) { return }
    if !route.needsControl, let readGroup, peer.isMember(of: readGroup) { return }
    throw .forbidden(
      "user \(peer.user): may not \(route.needsControl ? "do this" : "look") here "
        + "(a member of the socket's group expected). Ask the administrator.")
  }
}
