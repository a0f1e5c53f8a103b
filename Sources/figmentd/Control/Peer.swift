import Control
import Glibc
import Synchronization

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

/// What a caller may do.
enum Standing: Hashable, Sendable {
  /// Not even look.
  case stranger
  /// Look, at what no private file decides.
  case reader
  /// Everything.
  case controller
  /// Everything: the caller is root or the daemon's own user.
  case owner

  /// Whether the caller may change something, and see numbers and names of real files.
  var mayControl: Bool { self == .controller || self == .owner }
}

/// Who may look and who may change something.
struct AccessPolicy: Hashable, Sendable {
  /// The daemon's own user.
  let owner: uid_t
  /// Members may do everything.
  let controlGroup: gid_t?
  /// Members may look, at what no private file decides.
  let readGroup: gid_t?

  /// What a peer may do, where that needs no look into the user database; nil where it does.
  func standingWithoutLookup(of peer: Peer) -> Standing? {
    if peer.user == 0 || peer.user == owner { return .owner }
    return controlGroup == nil && readGroup == nil ? .stranger : nil
  }

  /// What a peer may do.
  ///
  /// Looks into the user database, which may be across a network.
  func standing(of peer: Peer) -> Standing {
    if let standing = standingWithoutLookup(of: peer) { return standing }
    if let controlGroup, peer.isMember(of: controlGroup) { return .controller }
    if let readGroup, peer.isMember(of: readGroup) { return .reader }
    return .stranger
  }

  /// Refuses a peer that may not do what it asks.
  ///
  /// - Throws: `ControlError.forbidden`.
  func check(_ peer: Peer, for route: ControlRoute) throws(ControlError) {
    try standing(of: peer).check(peer, for: route)
  }
}

extension Standing {
  /// Refuses what a caller of this standing may not do.
  ///
  /// - Throws: `ControlError.forbidden`.
  func check(_ peer: Peer, for route: ControlRoute) throws(ControlError) {
    if mayControl || self == .reader && !route.needsControl { return }
    throw .forbidden(
      "user \(peer.user): may not \(route.needsControl ? "do this" : "look") here "
        + "(a member of the socket's group expected). Ask the administrator.")
  }
}

/// Looks up what callers may do, on a thread of its own: a user database across a network may be slow, and
/// must not hold up root, the daemon's own user, or the event loop.
final class StandingLookup: Sendable {
  private let access: AccessPolicy
  private let thread = SerialThread(named: "figment-names")
  private let known = Mutex<[Identity: Answer]>([:])

  /// A membership that was looked up holds this long.
  private static let lifetime = Duration.seconds(5)
  /// More answers than this are not kept.
  private static let capacity = 256

  private struct Identity: Hashable {
    let user: UInt32
    let group: UInt32
  }

  private struct Answer {
    let standing: Standing
    let time: ContinuousClock.Instant
  }

  /// Looks up by a policy.
  init(_ access: AccessPolicy) {
    self.access = access
  }

  /// What a peer may do, where it is known already.
  func knownStanding(of peer: Peer) -> Standing? {
    if let standing = access.standingWithoutLookup(of: peer) { return standing }
    let answer = known.withLock { $0[Identity(user: peer.user, group: peer.group)] }
    guard let answer, ContinuousClock.now - answer.time < Self.lifetime else { return nil }
    return answer.standing
  }

  /// What a peer may do; a stranger where that cannot be found out.
  func standing(of peer: Peer) async -> Standing {
    if let standing = knownStanding(of: peer) { return standing }
    let access = access
    let standing = (try? await thread.run { access.standing(of: peer) }) ?? .stranger
    known.withLock { known in
      if known.count >= Self.capacity { known.removeAll() }
      known[Identity(user: peer.user, group: peer.group)] = Answer(
        standing: standing, time: .now)
    }
    return standing
  }
}
