import Control

/// Says what a job in the queue waits for.
enum QueueNote {
  /// A sentence about a job that waits behind another one now; nil if it does not, or if the daemon cannot be asked.
  static func text(for id: JobID, from api: some ControlAPI) async -> String? {
    guard let job = try? await api.job(id), let status = try? await api.status() else {
      return nil
    }
    return text(for: job, status)
  }

  static func text(for job: Job, _ status: DaemonStatus) -> String? {
    // An event tells that a job was queued once; it may have ended since.
    guard job.state == .queued, let running = status.running, running.id != job.id else {
      return nil
    }
    // The job itself is one of those in the queue.
    let others = status.queued - 1
    let more =
      others > 0
      ? ", and \(Rounded.count(others)) more \(others == 1 ? "job is" : "jobs are") in the queue"
      : ""
    return "\(job.id) waits for \(running.id), which is running\(more). 'figment jobs' lists them."
  }
}
