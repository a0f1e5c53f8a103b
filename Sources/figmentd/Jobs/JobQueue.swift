import Control

/// The jobs that wait for the worker, in first-come, first-served order.
struct JobQueue {
  private(set) var jobs: [JobID] = []

  /// The number of waiting jobs.
  var count: Int { jobs.count }

  /// Appends a job unless it already waits.
  mutating func append(_ job: JobID) {
    if !jobs.contains(job) { jobs.append(job) }
  }

  /// Removes a job from any position.
  mutating func remove(_ job: JobID) {
    jobs.removeAll { $0 == job }
  }

  /// Removes and returns the job that has waited longest.
  mutating func takeFirst() -> JobID? {
    jobs.isEmpty ? nil : jobs.removeFirst()
  }
}
