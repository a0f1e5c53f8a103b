/// What a caller may cost the daemon.
struct ControlLimits: Hashable, Sendable {
  /// Bytes of a request's line and headers.
  var headerBytes = 16 * 1024
  /// Bytes of a request's body.
  var bodyBytes = 1024 * 1024
  /// Callers at a time who may at least look; root and the daemon's own user are not among them.
  var connections = 64
  /// Callers at a time of one user, so that a careless script leaves room for others.
  var connectionsPerUser = 16
  /// Followers of jobs at a time of one user: they stay for hours, and must leave room to cancel.
  var followersPerUser = 8
  /// Callers at a time who may not even look: enough to tell them so.
  var strangers = 16
  /// Callers at a time of one such user.
  var strangersPerUser = 4
  /// Plans that are computed or wait to be.
  var plans = 8
  /// Plans of one user that are computed or wait to be.
  var plansPerUser = 2
  /// Time for a request to arrive, however slowly it trickles.
  var requestSeconds: Int64 = 10
  /// Time for a caller to take the next piece of a reply, or the next event of a job.
  var writeSeconds: Int64 = 20
  /// Time for a caller to take all of a reply that is no stream.
  var replySeconds: Int64 = 120
}
