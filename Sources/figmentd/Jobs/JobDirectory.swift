import Control

/// The paths of a job's files.
///
/// ```
/// STATE/jobs/glyphs-7/        0700
///   job.json                  the request and the current state; authoritative
///   events.ndjson             the events
///   checkpoints/              the engine's checkpoints
///   internal/                 the engine's internal files, never to be released
/// OUTPUT/glyphs-7/            the release
/// ```
struct JobDirectory: Codable, Hashable, Sendable {
  /// The job.
  let job: JobID
  /// The job's folder in the state directory.
  let path: String
  /// The folder of its release.
  let release: String

  /// The folder of releases.
  var output: String {
    release.split(separator: "/", omittingEmptySubsequences: false).dropLast()
      .joined(separator: "/")
  }
  /// The file of the job.
  var jobFile: String { path + "/job.json" }
  /// The file of its events.
  var eventsFile: String { path + "/events.ndjson" }
  /// The folder of checkpoints.
  var checkpoints: String { path + "/checkpoints" }
  /// The folder of files that must never be released.
  var internalFiles: String { path + "/internal" }
}
