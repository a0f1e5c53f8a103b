import Control
import Glibc
import Synchronization

/// The process at the other end of the socket, as the kernel reports it.
///
/// The layout is that of `struct ucred` (socket(7), SO_PEERCRED).
struct Peer: Hashable, Sendable {
  /// Its process.
  var process: Int32
  /// Its user.
  var user: UInt32
  /// Its group.
  var group: UInt32

  /// Whether it belongs to a group, by its own group or by those of its user.
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

/// The access rights of a caller.
enum Standing: Hashable, Sendable {
  /// No access.
  case stranger
  /// Read access to everything that does not depend on private files.
  case reader
  /// Full access.
  case controller
  /// Full access: the caller is root or the daemon's own user.
  case owner

  /// Whether the caller may make changes, and see numbers and names of real files.
  var mayControl: Bool { self == .controller || self == .owner }
}

/// Who has read access and who has full access.
struct AccessPolicy: Hashable, Sendable {
  /// The daemon's own user.
  let owner: uid_t
  /// The group whose members have full access.
  let controlGroup: gid_t?
  /// The group whose members have read access to everything that does not depend on private files.
  let readGroup: gid_t?

  /// The access rights of a peer; nil if they require a look-up in the user database.
  func standingWithoutLookup(of peer: Peer) -> Standing? {
    if peer.user == 0 || peer.user == owner { return .owner }
    return controlGroup == nil && readGroup == nil ? .stranger : nil
  }

  /// The access rights of a peer.
  ///
  /// Reads the user database, which may be on the network.
  func standing(of peer: Peer) -> Standing {
    if let standing = standingWithoutLookup(of: peer) { return standing }
    if let controlGroup, peer.isMember(of: controlGroup) { return .controller }
    if let readGroup, peer.isMember(of: readGroup) { return .reader }
    return .stranger
  }

  /// Refuses a peer that may not make a request.
  ///
  /// - Throws: `ControlError.forbidden`.
  func check(_ peer: Peer, for route: ControlRoute) throws(ControlError) {
    try standing(of: peer).check(peer, for: route)
  }
}

extension Standing {
  /// Refuses a request that this standing does not permit.
  ///
  /// - Throws: `ControlError.forbidden`.
  func check(_ peer: Peer, for route: ControlRoute) throws(ControlError) {
    if mayControl || self == .reader && !route.needsControl { return }
    throw .forbidden(
      "user \(peer.user): no \(route.needsControl ? "permission to do this" : "read access") "
        + "(membership in the socket's group expected). Ask the administrator.")
  }
}

/// Looks up the access rights of callers on a separate thread.
///
/// A user database on the network may be slow. It must not delay root, the daemon's own user or the event
/// loop.
final class StandingLookup: Sendable {
  private let access: AccessPolicy
  private let thread = SerialThread(named: "figment-names")
  private let known = Mutex<[Identity: Answer]>([:])

  /// How long a look-up stays valid.
  private static let lifetime = Duration.seconds(5)
  /// The maximum number of cached look-ups.
  private static let capacity = 256

  private struct Identity: Hashable {
    let user: UInt32
    let group: UInt32
  }

  private struct Answer {
    let standing: Standing
    let time: ContinuousClock.Instant
  }

  /// Creates a look-up for a policy.
  init(_ access: AccessPolicy) {
    self.access = access
  }

  /// The access rights of a peer if they are cached.
  func knownStanding(of peer: Peer) -> Standing? {
    if let standing = access.standingWithoutLookup(of: peer) { return standing }
    let answer = known.withLock { $0[Identity(user: peer.user, group: peer.group)] }
    guard let answer, ContinuousClock.now - answer.time < Self.lifetime else { return nil }
    return answer.standing
  }

  /// The access rights of a peer; none if they cannot be determined.
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
