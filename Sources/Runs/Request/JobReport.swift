package import Control
package import Privacy

/// What a running job tells.
///
/// Releasable values only: `JobProgress` has no field for any other.
package enum JobReport: Sendable {
  /// How far it has come. A new `checkpoint` in it is stored durably.
  case progress(JobProgress)
  /// Something to say in its log.
  case note(Releasable<String>)
}
