import Control

/// Says what a job in the queue waits for.
enum QueueNote {
  /// A sentence about a job that waits behind another one; nil if no other job is running.
  static func text(for job: JobID, _ status: DaemonStatus) -> String? {
    guard let running = status.running, running.id != job else { return nil }
    // The job itself is one of those in the queue.
    let others = status.queued - 1
    let more =
      others > 0
      ? ", and \(Rounded.count(others)) more \(others == 1 ? "job is" : "jobs are") in the queue"
      : ""
    return "\(job) waits for \(running.id), which is running\(more). 'figment jobs' lists them."
  }
}
