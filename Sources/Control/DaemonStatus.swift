public import FoundationEssentials

/// The current activity of the daemon.
public struct DaemonStatus: Codable, Hashable, Sendable {
  /// The daemon's version.
  public var version: String
  /// Its process.
  public var process: Int
  /// When it started.
  public var started: Date
  /// The number of computing threads.
  public var threads: Int
  /// The instruction set of the kernels, `avx2`.
  public var instructionSet: String
  /// The running job.
  public var running: Job?
  /// Waiting jobs.
  public var queued: Int
  /// Configured datasets.
  public var datasets: Int
  /// Problems that do not stop the daemon, for example a configuration that could not be reloaded.
  public var remarks: [String]

  /// Describes a daemon.
  public init(
    version: String, process: Int, started: Date, threads: Int, instructionSet: String,
    running: Job? = nil, queued: Int = 0, datasets: Int = 0, remarks: [String] = []
  ) {
    self.version = version
    self.process = process
    self.started = started
    self.threads = threads
    self.instructionSet = instructionSet
    self.running = running
    self.queued = queued
    self.datasets = datasets
    self.remarks = remarks
  }
}
