import Control
import Synchronization

/// What a caller may cost the daemon.
struct ControlLimits: Hashable, Sendable {
  /// Bytes of a request's line and headers.
  var headerBytes = 16 * 1024
  /// Bytes of a request's body.
  var bodyBytes = 1024 * 1024
  /// Callers at a time.
  var connections = 64
  /// Callers at a time of one user, so that a careless script leaves room for others.
  var connectionsPerUser = 16
  /// Time for a request to arrive, however slowly it trickles.
  var requestSeconds: Int64 = 10
}

/// Counts who is connected.
final class ConnectionCount: Sendable {
  private let limits: ControlLimits
  private let users = Mutex<[UInt32: Int]>([:])

  /// Counts up to limits.
  init(_ limits: ControlLimits) {
    self.limits = limits
  }

  /// Lets a caller in.
  ///
  /// - Throws: `ControlError.busy` when there are too many; `leave` must not be called then.
  func enter(_ user: UInt32) throws(ControlError) {
    let refusal: ControlError? = users.withLock { users in
      if users.values.reduce(0, +) >= limits.connections {
        return .busy("daemon: \(limits.connections) callers are connected. Try again soon.")
      }
      if users[user, default: 0] >= limits.connectionsPerUser {
        return .busy(
          "daemon: \(limits.connectionsPerUser) callers of user \(user) are connected. "
            + "Close some, then try again.")
      }
      users[user, default: 0] += 1
      return nil
    }
    if let refusal { throw refusal }
  }

  /// Lets a caller out that was let in.
  func leave(_ user: UInt32) {
    users.withLock { users in
      let left = users[user, default: 0] - 1
      users[user] = left > 0 ? left : nil
    }
  }
}
