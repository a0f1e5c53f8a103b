package import Control
package import Privacy

/// A report of a running job.
///
/// Releasable values only: `JobProgress` has no field for any other.
package enum JobReport: Sendable {
  /// How far the job is. A new `checkpoint` in it is durable.
  case progress(JobProgress)
  /// A line for the job's log.
  case note(Releasable<String>)
}
