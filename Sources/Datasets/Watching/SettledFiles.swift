/// Decides when a file has been written: its size, times and inode have not changed for a while.
///
/// A value without clock or disk: the caller says what it saw and when. Times are durations since
/// any fixed moment, on a clock that never jumps.
public struct SettledFiles: Sendable {
  /// What a look at a waiting file showed.
  public enum Answer: Hashable, Sendable {
    /// Unchanged for long enough.
    case settled
    /// Changed or not yet long enough.
    case waiting
    /// Still changing after the longest wait: taken as it is, and again when it changes.
    case overdue
    /// Gone.
    case vanished
  }

  private struct Waiting {
    var signature: FileSignature
    /// When the signature was first seen to be this one.
    var changed: Duration
    /// When the file was first seen.
    let first: Duration
  }

  /// How long a file must stay unchanged.
  public let quiet: Duration
  /// How long a file may keep changing.
  public let maximumWait: Duration
  private var waiting: [RelativePath: Waiting] = [:]

  /// No files yet.
  public init(quiet: Duration, maximumWait: Duration) {
    precondition(quiet >= .zero && maximumWait >= quiet, "the longest wait is at least one wait")
    self.quiet = quiet
    self.maximumWait = maximumWait
  }

  /// Files that have not settled.
  public var count: Int { waiting.count }

  /// Whether this file has not settled.
  public func contains(_ path: RelativePath) -> Bool { waiting[path] != nil }

  /// When there will be something to look at; nil when nothing waits.
  public var nextDeadline: Duration? {
    waiting.values.lazy.map { min($0.changed + quiet, $0.first + maximumWait) }.min()
  }

  /// Something was heard of a file.
  public mutating func observe(_ path: RelativePath, _ signature: FileSignature, at now: Duration) {
    guard let known = waiting[path] else {
      waiting[path] = Waiting(signature: signature, changed: now, first: now)
      return
    }
    if known.signature != signature {
      waiting[path]?.signature = signature
      waiting[path]?.changed = now
    }
  }

  /// A file is gone or not wanted any more.
  public mutating func forget(_ path: RelativePath) { waiting[path] = nil }

  /// Forgets the files for which `isForgotten` holds.
  mutating func forget(where isForgotten: (RelativePath) -> Bool) {
    waiting = waiting.filter { !isForgotten($0.key) }
  }

  /// The files to look at now, in order of their paths.
  public func due(at now: Duration) -> [RelativePath] {
    waiting.filter { now >= min($0.value.changed + quiet, $0.value.first + maximumWait) }
      .map(\.key).sorted()
  }

  /// A due file was looked at; nil means that it was not there.
  ///
  /// Every answer but `waiting` ends its wait.
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
