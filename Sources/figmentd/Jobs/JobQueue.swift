import Control

/// The jobs that wait for the worker, first come first served.
struct JobQueue {
  private(set) var jobs: [JobID] = []

  /// How many wait.
  var count: Int { jobs.count }

  /// Puts a job at the end, unless it waits already.
  mutating func append(_ job: JobID) {
    if !jobs.contains(job) { jobs.append(job) }
  }

  /// Takes a job out, wherever it waits.
  mutating func remove(_ job: JobID) {
    jobs.removeAll { $0 == job }
  }

  /// Takes the job that waits longest.
  mutating func takeFirst() -> JobID? {
    jobs.isEmpty ? nil : jobs.removeFirst()
  }
}
