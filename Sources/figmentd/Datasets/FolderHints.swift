import Datasets
import Synchronization

/// Possible changes below a root.
struct FolderHints: Sendable {
  /// Whether a full scan is required.
  var isWhole = false
  /// Files that have been written completely, with the signatures seen at that time.
  private(set) var settled: [RelativePath: FileSignature] = [:]
  /// Other files that appeared, changed or vanished.
  private(set) var touched: Set<RelativePath> = []
  /// Whether any of them vanished.
  private(set) var hasLosses = false

  /// With more paths than this, a full scan is cheaper and needs less memory.
  static let maximumCount = 10_000

  /// Creates hints about nothing.
  init() {}

  /// Hints that require a full scan.
  static var whole: FolderHints {
    var hints = FolderHints()
    hints.isWhole = true
    return hints
  }

  /// Creates hints about files that appeared, changed or vanished.
  init(touched: Set<RelativePath>) {
    self.touched = touched
    limit()
  }

  /// Creates hints from the changes that a watcher detected.
  init(_ changes: [FolderChange]) {
    for change in changes {
      switch change {
      case .settled(let path, let signature): settled[path] = signature
      case .overdue(let path, _), .changing(let path): touched.insert(path)
      case .vanished(let path):
        touched.insert(path)
        hasLosses = true
      }
    }
    limit()
  }

  /// All files that the hints name.
  var paths: Set<RelativePath> { touched.union(settled.keys) }

  /// Whether there is nothing to check.
  var isEmpty: Bool { !isWhole && settled.isEmpty && touched.isEmpty }

  /// Adds later hints.
  mutating func merge(_ later: FolderHints) {
    isWhole = isWhole || later.isWhole
    hasLosses = hasLosses || later.hasLosses
    settled.merge(later.settled) { $1 }
    touched.formUnion(later.touched)
    limit()
  }

  private mutating func limit() {
    if settled.count + touched.count > Self.maximumCount { isWhole = true }
    guard isWhole else { return }
    settled = [:]
    touched = []
  }
}

/// Collects hints until they are taken.
final class HintBox: Sendable {
  private struct State {
    var hints = FolderHints()
    var lastLoss: ContinuousClock.Instant?
  }

  private let state = Mutex(State())
  private let continuation: AsyncStream<Void>.Continuation
  /// Yields a value whenever hints are added.
  let signals: AsyncStream<Void>

  /// Creates an empty box.
  init() {
    (signals, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
  }

  /// Adds hints.
  func add(_ hints: FolderHints) {
    guard !hints.isEmpty else { return }
    state.withLock { state in
      state.hints.merge(hints)
      if hints.hasLosses { state.lastLoss = .now }
    }
    continuation.yield()
  }

  /// Removes and returns the collected hints.
  func take() -> FolderHints {
    state.withLock { state in
      defer { state.hints = FolderHints() }
      return state.hints
    }
  }

  /// Whether a full scan is due.
  var needsWhole: Bool { state.withLock { $0.hints.isWhole } }

  /// Whether files vanished within the last `duration` and no check has followed.
  func hasLosses(within duration: Duration) -> Bool {
    state.withLock { state in
      guard state.hints.hasLosses, let last = state.lastLoss else { return false }
      return .now - last < duration
    }
  }
}
