/// A job whose files are removed, or would be.
public struct JobRemoval: Codable, Hashable, Sendable {
  /// The job.
  public var job: JobID
  /// Bytes that become free on the disks.
  public var bytes: Int
  /// Whether its release is removed too.
  public var withRelease: Bool
  /// Why it is removed, in words; nil if the caller named this job.
  public var reason: String?

  /// Describes a removal.
  public init(job: JobID, bytes: Int, withRelease: Bool, reason: String? = nil) {
    self.job = job
    self.bytes = bytes
    self.withRelease = withRelease
    self.reason = reason
  }
}
