import Control
import FoundationEssentials

/// Which finished jobs the daemon removes by itself; none without limits.
///
/// It removes a job's state: checkpoints, pixels and history. Releases and ledgers stay.
struct RetentionPolicy: Hashable, Sendable {
  /// The number of finished jobs to keep of each dataset, the newest ones.
  var keepJobs: Int?
  /// How long a finished job is kept.
  var keepFor: Duration?

  /// Why a job is removed.
  enum Reason: Hashable, Sendable {
    case number(Int)
    case age(Duration)
  }

  /// Returns the jobs to remove, oldest first.
  ///
  /// A job is removed if it exceeds either limit, unless an unfinished job needs its model.
  func expired(_ jobs: [Job], at now: Date) -> [(job: Job, reason: Reason)] {
    let needed = Set(jobs.filter { !$0.state.isFinished }.compactMap { $0.request.trainedJob })
    var counts: [String: Int] = [:]
    var expired: [(job: Job, reason: Reason)] = []
    let newestFirst = jobs.sorted {
      ($0.changed, $0.id.number ?? 0) > ($1.changed, $1.id.number ?? 0)
    }
    for job in newestFirst where job.state.isFinished {
      counts[job.dataset, default: 0] += 1
      if needed.contains(job.id) { continue }
      if let keepJobs, counts[job.dataset, default: 0] > keepJobs {
        expired.append((job, .number(keepJobs)))
      } else if let keepFor, now.timeIntervalSince(job.changed) > keepFor / .seconds(1) {
        expired.append((job, .age(keepFor)))
      }
    }
    return expired.reversed()
  }
}

extension RetentionPolicy.Reason: CustomStringConvertible {
  var description: String {
    switch self {
    case .number(let count): "more than \(count) finished jobs of its dataset"
    case .age(let age): "finished more than \(Rounded.duration(age / .seconds(1))) ago"
    }
  }
}

extension ConfigurationNode {
  /// `{keep_jobs: 5, keep_for: 30d}`.
  func retention() throws(ConfigurationError) -> RetentionPolicy {
    var mapping = try mapping()
    var policy = RetentionPolicy()
    if let node = mapping.take("keep_jobs") {
      policy.keepJobs = try node.integer(in: 0...1_000_000)
    }
    if let node = mapping.take("keep_for") { policy.keepFor = try node.duration() }
    try mapping.finish()
    return policy
  }

  /// Reads a whole number of minutes, hours, days or weeks: `90min`, `12h`, `30d`, `4w`.
  func duration() throws(ConfigurationError) -> Duration {
    let text = try text()
    for (unit, seconds) in [("min", 60), ("h", 3_600), ("d", 86_400), ("w", 604_800)] {
      guard text.hasSuffix(unit), let count = Int(text.dropLast(unit.count)) else { continue }
      guard (1...1_000_000).contains(count) else { break }
      return .seconds(count * seconds)
    }
    throw error("'\(text)' (a time like 90min, 12h, 30d or 4w expected).")
  }

  /// Reads a size like `1GiB` or `500MB`, or a share of a disk like `5%`; `0` for none.
  func minimumFree() throws(ConfigurationError) -> MinimumFree {
    let text = try text()
    if text == "0" { return .bytes(0) }
    if text.hasSuffix("%"), let share = Double(text.dropLast()), (0...90).contains(share) {
      return .percent(share)
    }
    let units = [
      ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40),
      ("kB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000),
    ]
    for (unit, bytes) in units where text.hasSuffix(unit) {
      let number = text.dropLast(unit.count)
      guard let count = Double(number), (0...1_000_000).contains(count) else { break }
      return .bytes(Int(count * Double(bytes)))
    }
    throw error("'\(text)' (a size like 1GiB, a share of the disk like 5%, or 0 expected).")
  }
}
