import Control
import Synchronization

/// Counts who is connected and what they wait for, so that nobody can take the room of others.
///
/// Root and the daemon's own user have room of their own, strangers have little, and everybody else
/// shares the rest.
final class CallerCounts: Sendable {
  private struct State {
    var privileged: Quota
    var members: Quota
    var strangers: Quota
    var followers: Quota
    var plans: Quota

    init(_ limits: ControlLimits) {
      privileged = Quota(total: .max, perUser: limits.connectionsPerUser)
      members = Quota(total: limits.connections, perUser: limits.connectionsPerUser)
      strangers = Quota(total: limits.strangers, perUser: limits.strangersPerUser)
      followers = Quota(total: .max, perUser: limits.followersPerUser)
      plans = Quota(total: limits.plans, perUser: limits.plansPerUser)
    }
  }

  private let state: Mutex<State>

  /// Counts up to limits.
  init(_ limits: ControlLimits) {
    state = Mutex(State(limits))
  }

  /// Lets a caller in.
  ///
  /// - Throws: `ControlError.busy` when there are too many; `leave` must not be called then.
  func enter(_ user: UInt32, as standing: Standing) throws(ControlError) {
    let limit = state.withLock { $0[keyPath: Self.quota(of: standing)].enter(user) }
    switch limit {
    case nil: return
    case .ofUser(let most):
      throw .busy(
        "daemon: \(most) callers of user \(user) are connected. Close some, then try again.")
    case .ofAll(let most):
      throw .busy("daemon: \(most) callers are connected. Try again soon.")
    }
  }

  /// Lets a caller out that was let in.
  func leave(_ user: UInt32, as standing: Standing) {
    state.withLock { $0[keyPath: Self.quota(of: standing)].leave(user) }
  }

  /// Lets a caller follow a job.
  ///
  /// - Throws: `ControlError.busy` when the user follows too many; `endFollowing` must not be called then.
  func follow(_ user: UInt32) throws(ControlError) {
    guard case .ofUser(let most) = state.withLock({ $0.followers.enter(user) }) else { return }
    throw .busy(
      "daemon: \(most) callers of user \(user) follow jobs already. End one of them, or ask for the "
        + "job's state instead (figment show JOB).")
  }

  /// Ends what `follow` began.
  func endFollowing(_ user: UInt32) { state.withLock { $0.followers.leave(user) } }

  /// Computes a plan for a user, unless too many are asked for.
  ///
  /// - Throws: `ControlError.busy`, or what `body` throws.
  func plan<Result: Sendable>(
    for user: UInt32, _ body: () async throws -> Result
  ) async throws -> Result {
    switch state.withLock({ $0.plans.enter(user) }) {
    case nil: break
    case .ofUser(let most):
      throw ControlError.busy(
        "daemon: \(most) plans of user \(user) are being computed. Wait for them, then ask again.")
    case .ofAll(let most):
      throw ControlError.busy("daemon: \(most) plans are being computed. Ask again soon.")
    }
    defer { state.withLock { $0.plans.leave(user) } }
    return try await body()
  }

  private static func quota(of standing: Standing) -> WritableKeyPath<State, Quota> {
    switch standing {
    case .owner: \.privileged
    case .controller, .reader: \.members
    case .stranger: \.strangers
    }
  }
}

/// Counts something by user, up to a number for each and for all.
private struct Quota {
  enum Limit {
    case ofUser(Int)
    case ofAll(Int)
  }

  let total: Int
  let perUser: Int
  private var users: [UInt32: Int] = [:]

  init(total: Int, perUser: Int) {
    self.total = total
    self.perUser = perUser
  }

  /// Counts one more of a user; answers with the limit that does not allow it.
  mutating func enter(_ user: UInt32) -> Limit? {
    if users[user, default: 0] >= perUser { return .ofUser(perUser) }
    if users.values.reduce(0, +) >= total { return .ofAll(total) }
    users[user, default: 0] += 1
    return nil
  }

  mutating func leave(_ user: UInt32) {
    let left = users[user, default: 0] - 1
    users[user] = left > 0 ? left : nil
  }
}

/// Somebody who was let in, until the connection ends.
final class Caller: Sendable {
  /// The process at the other end.
  let peer: Peer
  /// What it may do.
  let standing: Standing
  private let counts: CallerCounts
  private let isFollowing = Mutex(false)

  /// Lets a caller in.
  ///
  /// - Throws: `ControlError.busy` when there are too many.
  init(_ peer: Peer, as standing: Standing, in counts: CallerCounts) throws(ControlError) {
    self.peer = peer
    self.standing = standing
    self.counts = counts
    try counts.enter(peer.user, as: standing)
  }

  /// Counts the caller as one who follows a job.
  func follow() throws(ControlError) {
    try counts.follow(peer.user)
    isFollowing.withLock { $0 = true }
  }

  /// Computes a plan, unless too many are being computed.
  func plan<Result: Sendable>(_ body: () async throws -> Result) async throws -> Result {
    try await counts.plan(for: peer.user, body)
  }

  /// Lets the caller out; to be called once.
  func leave() {
    counts.leave(peer.user, as: standing)
    if isFollowing.withLock({ $0 }) { counts.endFollowing(peer.user) }
  }
}
