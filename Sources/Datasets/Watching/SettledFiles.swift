/// Decides when a file is completely written: its size, times and inode have not changed for some time.
///
/// A value without clock or disk: the caller passes observations and their times. Times are durations since an
/// arbitrary moment on a monotonic clock.
public struct SettledFiles: Sendable {
  /// The result of checking a waiting file.
  public enum Answer: Hashable, Sendable {
    /// Unchanged for long enough.
    case settled
    /// Changed, or not unchanged for long enough.
    case waiting
    /// Still changing after the maximum wait: use it as it is, and again when it changes.
    case overdue
    /// It no longer exists.
    case vanished
  }

  private struct Waiting {
    var signature: FileSignature
    /// When this signature was first seen.
    var changed: Duration
    /// When the file was first seen.
    let first: Duration
  }

  /// Files ordered by a time.
  ///
  /// Outdated entries remain until they are reached, so that the cost of an update does not depend on the
  /// number of waiting files.
  private struct Queue {
    private var entries: [(path: RelativePath, moment: Duration)] = []
    private var head = 0

    var first: (path: RelativePath, moment: Duration)? {
      head < entries.count ? entries[head] : nil
    }

    mutating func append(_ path: RelativePath, _ moment: Duration) {
      entries.append((path, moment))
    }

    mutating func removeFirst() {
      head += 1
      if head > 1_024, head * 2 > entries.count {
        entries.removeFirst(head)
        head = 0
      }
    }
  }

  /// How long a file must stay unchanged.
  public let quiet: Duration
  /// How long a file may keep changing.
  public let maximumWait: Duration
  private var waiting: [RelativePath: Waiting] = [:]
  private var byChange = Queue()
  private var byArrival = Queue()

  /// Creates an empty set.
  public init(quiet: Duration, maximumWait: Duration) {
    precondition(quiet >= .zero && maximumWait >= quiet, "the longest wait is at least one wait")
    self.quiet = quiet
    self.maximumWait = maximumWait
  }

  /// The number of files that have not settled.
  public var count: Int { waiting.count }

  /// Whether this file has not settled.
  public func contains(_ path: RelativePath) -> Bool { waiting[path] != nil }

  /// The time for the next `takeDue`, or earlier; nil if no file waits.
  public var nextDeadline: Duration? {
    guard !waiting.isEmpty else { return nil }
    let moments = [
      byChange.first.map { $0.moment + quiet }, byArrival.first.map { $0.moment + maximumWait },
    ]
    return moments.compactMap(\.self).min()
  }

  /// Records an observation of a file.
  ///
  /// Times must not decrease from call to call.
  public mutating func observe(_ path: RelativePath, _ signature: FileSignature, at now: Duration) {
    if let known = waiting[path] {
      guard known.signature != signature else { return }
      waiting[path] = Waiting(signature: signature, changed: now, first: known.first)
    } else {
      waiting[path] = Waiting(signature: signature, changed: now, first: now)
      byArrival.append(path, now)
    }
    byChange.append(path, now)
  }

  /// Removes a file that no longer exists or is no longer needed.
  public mutating func forget(_ path: RelativePath) { waiting[path] = nil }

  /// Removes the files for which `isForgotten` holds.
  mutating func forget(where isForgotten: (RelativePath) -> Bool) {
    waiting = waiting.filter { !isForgotten($0.key) }
  }

  /// The files to check now, in order of their paths.
  ///
  /// The caller must check each of them (`look`).
  public mutating func takeDue(at now: Duration) -> [RelativePath] {
    var due: Set<RelativePath> = []
    while let entry = byChange.first, entry.moment + quiet <= now {
      if waiting[entry.path]?.changed == entry.moment { due.insert(entry.path) }
      byChange.removeFirst()
    }
    while let entry = byArrival.first, entry.moment + maximumWait <= now {
      if waiting[entry.path]?.first == entry.moment { due.insert(entry.path) }
      byArrival.removeFirst()
    }
    return due.sorted()
  }

  /// Records the check of a due file; nil means that it does not exist.
  ///
  /// Every result except `waiting` ends its wait.
  public mutating func look(
    at path: RelativePath, _ signature: FileSignature?, at now: Duration
  ) -> Answer {
    guard let signature else {
      waiting[path] = nil
      return .vanished
    }
    observe(path, signature, at: now)
    guard let known = waiting[path] else { return .waiting }
    let isQuiet = now >= known.changed + quiet
    guard isQuiet || now >= known.first + maximumWait else { return .waiting }
    waiting[path] = nil
    return isQuiet ? .settled : .overdue
  }
}
