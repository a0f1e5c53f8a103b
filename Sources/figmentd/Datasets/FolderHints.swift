import Datasets
import Synchronization

/// What may have changed below a root.
struct FolderHints: Sendable {
  /// Whether only a look at everything can tell.
  var isWhole = false
  /// Files that are written now, as they were seen then.
  private(set) var settled: [RelativePath: FileSignature] = [:]
  /// Other files that came, changed or went.
  private(set) var touched: Set<RelativePath> = []
  /// Whether any of them went.
  private(set) var hasLosses = false

  /// With more paths than this a look at everything costs less, and less memory.
  static let maximumCount = 10_000

  /// Nothing.
  init() {}

  /// Only a look at everything can tell.
  static var whole: FolderHints {
    var hints = FolderHints()
    hints.isWhole = true
    return hints
  }

  /// Files that came, changed or went.
  init(touched: Set<RelativePath>) {
    self.touched = touched
    limit()
  }

  /// What a watcher noticed.
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

  /// Every file that is meant.
  var paths: Set<RelativePath> { touched.union(settled.keys) }

  /// Whether there is nothing to look at.
  var isEmpty: Bool { !isWhole && settled.isEmpty && touched.isEmpty }

  /// Adds what was heard later.
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

/// Gathers hints until somebody follows them.
final class HintBox: Sendable {
  private struct State {
    var hints = FolderHints()
    var lastLoss: ContinuousClock.Instant?
  }

  private let state = Mutex(State())
  private let continuation: AsyncStream<Void>.Continuation
  /// A value whenever there is something new.
  let signals: AsyncStream<Void>

  /// An empty box.
  init() {
    (signals, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
  }

  /// Puts hints in.
  func add(_ hints: FolderHints) {
    guard !hints.isEmpty else { return }
    state.withLock { state in
      state.hints.merge(hints)
      if hints.hasLosses { state.lastLoss = .now }
    }
    continuation.yield()
  }

  /// Takes out what has gathered.
  func take() -> FolderHints {
    state.withLock { state in
      defer { state.hints = FolderHints() }
      return state.hints
    }
  }

  /// Whether a look at everything is due.
  var needsWhole: Bool { state.withLock { $0.hints.isWhole } }

  /// Whether files went within the last `duration`, and nobody has looked since.
  func hasLosses(within duration: Duration) -> Bool {
    state.withLock { state in
      guard state.hints.hasLosses, let last = state.lastLoss else { return false }
      return .now - last < duration
    }
  }
}
