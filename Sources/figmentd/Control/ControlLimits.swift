/// Limits on the resources that callers may use.
struct ControlLimits: Hashable, Sendable {
  /// The maximum size of a request's line and headers in bytes.
  var headerBytes = 16 * 1024
  /// The maximum size of a request's body in bytes.
  var bodyBytes = 1024 * 1024
  /// Concurrent callers with access, without root and the daemon's own user.
  var connections = 64
  /// Concurrent callers of one user, so that a careless script cannot exclude others.
  var connectionsPerUser = 16
  /// Concurrent followers of jobs of one user: they stay for hours, and the user must still be able to cancel.
  var followersPerUser = 8
  /// Concurrent callers without access: enough to send them a refusal.
  var strangers = 16
  /// Concurrent callers of one such user.
  var strangersPerUser = 4
  /// Plans of callers that may submit jobs which are being computed or wait, without root and the daemon's own user.
  var plans = 8
  /// Plans of callers with read access only which are being computed or wait.
  var readersPlans = 4
  /// Plans of one user that are being computed or wait.
  var plansPerUser = 2
  /// Counts of the rows of tables that are running or waiting, without root and the daemon's own user.
  ///
  /// Those two are always admitted, and then wait in the same line.
  var rowCounts = 4
  /// Counts of one user that are running or waiting.
  var rowCountsPerUser = 2
  /// The time within which the whole request must arrive.
  var requestSeconds: Int64 = 10
  /// The time within which a caller must read the next piece of a reply, or the next event of a job.
  var writeSeconds: Int64 = 20
  /// The time within which a caller must read a whole reply that is not a stream.
  var replySeconds: Int64 = 120
}
