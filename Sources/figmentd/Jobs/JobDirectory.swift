import Control

/// Where a job's files are.
///
/// ```
/// STATE/jobs/glyphs-7/        0700
///   job.json                  what was asked and where it stands; the truth
///   events.ndjson             what happened
///   checkpoints/              the engine's, may hold anything
///   internal/                 the engine's: nothing in it may be released
/// OUTPUT/glyphs-7/            the release
/// ```
struct JobDirectory: Codable, Hashable, Sendable {
  /// The job.
  let job: JobID
  /// The job's folder in the state directory.
  let path: String
  /// Where its release goes.
  let release: String

  /// The folder of releases.
  var output: String {
    release.split(separator: "/", omittingEmptySubsequences: false).dropLast()
      .joined(separator: "/")
  }
  /// The file that holds the job.
  var jobFile: String { path + "/job.json" }
  /// The file that holds what happened.
  var eventsFile: String { path + "/events.ndjson" }
  /// The folder of checkpoints.
  var checkpoints: String { path + "/checkpoints" }
  /// The folder of what must never be released.
  var internalFiles: String { path + "/internal" }
}
