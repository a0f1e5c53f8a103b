import Control
import Synchronization

/// Counts connected callers and their pending requests, so that no user can exclude others.
///
/// Root and the daemon's own user have a separate quota, users without access have a small one, and all
/// others share the rest.
final class CallerCounts: Sendable {
  private struct State {
    var privileged: Quota
    var members: Quota
    var strangers: Quota
    var followers: Quota
    var plans: Quota
    var readersPlans: Quota
    var ownersPlans: Quota
    var rowCounts: Quota
    var ownersRowCounts: Quota

    init(_ limits: ControlLimits) {
      privileged = Quota(total: .max, perUser: limits.connectionsPerUser)
      members = Quota(total: limits.connections, perUser: limits.connectionsPerUser)
      strangers = Quota(total: limits.strangers, perUser: limits.strangersPerUser)
      followers = Quota(total: .max, perUser: limits.followersPerUser)
      plans = Quota(total: limits.plans, perUser: limits.plansPerUser)
      readersPlans = Quota(total: limits.readersPlans, perUser: limits.plansPerUser)
      ownersPlans = Quota(total: .max, perUser: limits.plansPerUser)
      rowCounts = Quota(total: limits.rowCounts, perUser: limits.rowCountsPerUser)
      ownersRowCounts = Quota(total: .max, perUser: limits.rowCountsPerUser)
    }
  }

  private let state: Mutex<State>

  /// Creates counts with limits.
  init(_ limits: ControlLimits) {
    state = Mutex(State(limits))
  }

  /// Admits a caller.
  ///
  /// - Throws: `ControlError.busy` if there are too many; do not call `leave` then.
  func enter(_ user: UInt32, as standing: Standing) throws(ControlError) {
    let limit = state.withLock { $0[keyPath: Self.quota(of: standing)].enter(user) }
    switch limit {
    case nil: return
    case .ofUser(let most):
      throw .busy(
        "daemon: user \(user) has \(most) connections already (fewer expected). Close some, then try again."
      )
    case .ofAll(let most):
      throw .busy("daemon: \(most) callers are connected already (fewer expected). Try again soon.")
    }
  }

  /// Removes a caller that was admitted.
  func leave(_ user: UInt32, as standing: Standing) {
    state.withLock { $0[keyPath: Self.quota(of: standing)].leave(user) }
  }

  /// Counts a caller that follows a job.
  ///
  /// - Throws: `ControlError.busy` if the user follows too many; do not call `endFollowing` then.
  func follow(_ user: UInt32) throws(ControlError) {
    guard case .ofUser(let most) = state.withLock({ $0.followers.enter(user) }) else { return }
    throw .busy(
      "daemon: user \(user) follows \(most) jobs already (fewer expected). End one, or request the job's "
        + "state instead (figment show JOB).")
  }

  /// Removes a caller that `follow` counted.
  func endFollowing(_ user: UInt32) { state.withLock { $0.followers.leave(user) } }

  /// Computes a plan for a user, unless too many are pending.
  ///
  /// Callers with read access only have places of their own, so that they cannot keep others from planning.
  ///
  /// - Throws: `ControlError.busy`, or the error of `body`.
  func plan<Result: Sendable>(
    for user: UInt32, as standing: Standing, _ body: () async throws -> Result
  ) async throws -> Result {
    try await hold(Self.plans(of: standing), for: user, "plans", body)
  }

  /// Counts the rows of tables for a user, unless too many counts are pending.
  ///
  /// They have places of their own: a count may take ten minutes, and nobody's plan waits for it.
  ///
  /// - Throws: `ControlError.busy`, or the error of `body`.
  func countRows<Result: Sendable>(
    for user: UInt32, as standing: Standing, _ body: () async throws -> Result
  ) async throws -> Result {
    let quota: WritableKeyPath<State, Quota> =
      standing == .owner ? \.ownersRowCounts : \.rowCounts
    return try await hold(quota, for: user, "counts of rows", body)
  }

  private func hold<Result: Sendable>(
    _ quota: WritableKeyPath<State, Quota>, for user: UInt32, _ what: String,
    _ body: () async throws -> Result
  ) async throws -> Result {
    switch state.withLock({ $0[keyPath: quota].enter(user) }) {
    case nil: break
    case .ofUser(let most):
      throw ControlError.busy(
        "daemon: user \(user) has \(most) pending \(what) already (fewer expected). Wait for them, then try "
          + "again.")
    case .ofAll(let most):
      throw ControlError.busy(
        "daemon: \(most) \(what) are pending already (fewer expected). Try again soon.")
    }
    defer { state.withLock { $0[keyPath: quota].leave(user) } }
    return try await body()
  }

  private static func plans(of standing: Standing) -> WritableKeyPath<State, Quota> {
    switch standing {
    case .owner: \.ownersPlans
    case .controller: \.plans
    case .reader, .stranger: \.readersPlans
    }
  }

  private static func quota(of standing: Standing) -> WritableKeyPath<State, Quota> {
    switch standing {
    case .owner: \.privileged
    case .controller, .reader: \.members
    case .stranger: \.strangers
    }
  }
}

/// Counts by user, with a limit for each user and for all together.
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

  /// Counts one more for a user; returns the limit that is reached, or nil.
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

/// An admitted caller, until its connection ends.
final class Caller: Sendable {
  /// The process at the other end.
  let peer: Peer
  /// Its access rights.
  let standing: Standing
  private let counts: CallerCounts
  private let isFollowing = Mutex(false)

  /// Admits a caller.
  ///
  /// - Throws: `ControlError.busy` if there are too many.
  init(_ peer: Peer, as standing: Standing, in counts: CallerCounts) throws(ControlError) {
    self.peer = peer
    self.standing = standing
    self.counts = counts
    try counts.enter(peer.user, as: standing)
  }

  /// Counts the caller as a follower of a job.
  func follow() throws(ControlError) {
    try counts.follow(peer.user)
    isFollowing.withLock { $0 = true }
  }

  /// Computes a plan, unless too many are pending.
  func plan<Result: Sendable>(_ body: () async throws -> Result) async throws -> Result {
    try await counts.plan(for: peer.user, as: standing, body)
  }

  /// Counts rows, unless too many counts are pending.
  func countRows<Result: Sendable>(_ body: () async throws -> Result) async throws -> Result {
    try await counts.countRows(for: peer.user, as: standing, body)
  }

  /// Removes the caller; call it once.
  func leave() {
    counts.leave(peer.user, as: standing)
    if isFollowing.withLock({ $0 }) { counts.endFollowing(peer.user) }
  }
}
