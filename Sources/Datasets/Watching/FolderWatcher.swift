import Glibc

/// How a folder is watched.
public struct WatchOptions: Hashable, Sendable {
  /// The source of change notifications, in the words of the configuration.
  public enum Mode: String, Hashable, Sendable, Codable, CaseIterable {
    /// The kernel if it can report changes, else polling.
    case auto
    /// The kernel.
    case inotify
    /// Polling.
    case poll
  }

  /// The source of change notifications.
  public var mode: Mode
  /// How long a file must stay unchanged before it counts as written.
  public var quiet: Duration
  /// How long a file may keep changing before it is reported anyway.
  public var maximumWait: Duration
  /// The interval between full scans while the kernel reports changes.
  public var rescanInterval: Duration
  /// The interval between full scans while it does not.
  public var degradedRescanInterval: Duration
  /// Whether to report files that had settled before the first scan.
  public var reportsPresent = true
  /// Whether to report a file also when it appears or changes, before it has settled.
  public var reportsChanging = false

  /// Creates options; the defaults suit a folder into which people and programs copy files.
  public init(
    mode: Mode = .auto, quiet: Duration = .seconds(5), maximumWait: Duration = .seconds(600),
    rescanInterval: Duration = .seconds(3_600), degradedRescanInterval: Duration = .seconds(60)
  ) {
    self.mode = mode
    self.quiet = quiet
    self.maximumWait = maximumWait
    self.rescanInterval = rescanInterval
    self.degradedRescanInterval = degradedRescanInterval
  }
}

/// A change that a `FolderWatcher` detected.
public enum FolderChange: Hashable, Sendable {
  /// A file is new or has changed, and is complete.
  case settled(RelativePath, FileSignature)
  /// A file kept changing for the maximum wait; read it as it is.
  case overdue(RelativePath, FileSignature)
  /// A file that was reported no longer exists.
  case vanished(RelativePath)
  /// A file is new or has changed and has not settled; reported once until it has.
  case changing(RelativePath)
}

/// The state of watching a folder.
public enum WatchState: Hashable, Sendable {
  /// The kernel reports changes.
  case native
  /// Changes are found by polling; the text gives the reason.
  case degraded(reason: String)
  /// The root does not exist; all knowledge about it is kept.
  ///
  /// The text gives the reason.
  case offline(reason: String)
}

/// Watches a root and its folders for files that appear, change and disappear.
///
/// The kernel's notifications are hints, and listings are authoritative: lost notifications, folders that
/// cannot be watched and file systems without notifications only delay the detection of changes. Not
/// thread-safe, except `wake`.
public final class FolderWatcher {
  /// The watched folder.
  public let root: String
  /// How it is watched.
  public let options: WatchOptions
  /// The current state.
  public private(set) var state: WatchState

  private let rules: DatasetRules
  private var tree: WatchedTree?
  private let waker: Waker
  private let maximumWatchCount: Int
  /// Existing files that were reported.
  private var known: [RelativePath: FileSignature] = [:]
  private var settling: SettledFiles
  private var nextScan = Duration.zero
  /// The identity of the root directory at the last listing.
  private var identity: FileIdentity?

  /// The interval of checks for an absent root, and of checks that an existing root is still the same.
  ///
  /// The kernel reports that the root itself was moved, removed or unmounted, but not that a parent folder was.
  private static let rootInterval = Duration.seconds(1)
  private var nextRootCheck = Duration.zero

  /// Starts watching `root`, which need not exist yet.
  public convenience init(
    root: String, rules: DatasetRules = DatasetRules(), options: WatchOptions = WatchOptions()
  ) throws {
    try self.init(root: root, rules: rules, options: options, maximumWatchCount: .max)
  }

  /// Creates a watcher; `maximumWatchCount` simulates the kernel's limit.
  init(
    root: String, rules: DatasetRules, options: WatchOptions, maximumWatchCount: Int
  ) throws {
    self.root = root
    self.rules = rules
    self.options = options
    self.maximumWatchCount = maximumWatchCount
    waker = try Waker()
    settling = SettledFiles(quiet: options.quiet, maximumWait: options.maximumWait)
    state = .offline(reason: "not scanned yet")
  }

  /// The number of files that are still changing.
  public var waitingCount: Int { settling.count }

  /// Ends a running `poll`; may be called from any thread.
  public func wake() { waker.wake() }

  /// Requests a full scan in the next `poll`.
  public func rescan() { nextScan = .zero }

  /// Waits for changes, at most `timeout`.
  ///
  /// - Returns: the changes in the order of their detection; empty after `timeout` or `wake`, and if only
  ///   `state` has changed.
  public func poll(timeout: Duration) -> [FolderChange] {
    let end = Self.now() + timeout
    let before = state
    while true {
      var changes: [FolderChange] = []
      checkRoot()
      if Self.now() >= nextScan { scan(into: &changes) }
      takeSettled(into: &changes)
      let now = Self.now()
      guard changes.isEmpty, now < end, state == before else { return changes }
      let deadline = min(end, nextScan, nextRootCheck, settling.nextDeadline ?? end)
      let isWoken = waker.wait(for: max(.zero, deadline - now), or: tree?.descriptor)
      takeEvents(into: &changes)
      if isWoken || !changes.isEmpty { return changes }
    }
  }

  // MARK: Listings

  private func scan(into changes: inout [FolderChange]) {
    do {
      let directory = try Directory.root(root)
      try list(directory, into: &changes)
    } catch {
      tree = nil
      state = .offline(reason: "\(error)")
      nextScan = Self.now() + Self.rootInterval
    }
  }

  /// Scans at once if another directory, or none, has replaced the root.
  private func checkRoot() {
    guard Self.now() >= nextRootCheck else { return }
    nextRootCheck = Self.now() + Self.rootInterval
    var status = stat()
    let isThere = stat(root, &status) == 0 && status.isDirectory
    if !isThere || FileIdentity(status) != identity { nextScan = .zero }
  }

  private func list(_ directory: Directory, into changes: inout [FolderChange]) throws {
    let current = FileIdentity(directory.status)
    if current != identity { tree = nil }
    prepareTree()
    var listing = try scanOnce(directory)
    // An unmounted share leaves an empty folder behind; its files still exist elsewhere.
    if let identity, current != identity,
      FolderLoss.isSuspect(known: known.count, found: listing.files.count)
    {
      throw DatasetError.rootUnavailable(path: root, errno: ENODEV)
    }
    // A second listing shows files that appeared between the first listing and the first watch of
    // their folder.
    if tree?.watch(listing.folders, below: directory) == true { listing = try scanOnce(directory) }
    let isFirst = identity == nil
    identity = current
    describeState()
    for (path, signature) in zip(listing.files, listing.signatures) where known[path] != signature {
      if isFirst, !options.reportsPresent, signature.hasBeenQuiet(for: options.quiet) {
        known[path] = signature
      } else {
        observe(path, signature, into: &changes)
      }
    }
    let present = Set(listing.files)
    for path in known.keys.filter({ !present.contains($0) }).sorted() {
      vanish(path, into: &changes)
    }
    settling.forget { !present.contains($0) }
    let folders = Set(listing.folders)
    tree?.unwatch { !folders.contains($0) }
    let interval =
      state == .native ? options.rescanInterval : options.degradedRescanInterval
    nextScan = Self.now() + interval
  }

  private func scanOnce(_ directory: Directory) throws -> FolderScan {
    try FolderScan(
      root: directory, path: root, below: RelativePath(bytes: []), rules: rules,
      withSignatures: true)
  }

  // MARK: Notifications

  private func prepareTree() {
    guard tree == nil, options.mode != .poll else { return }
    if options.mode == .auto, FileSystemKind(holding: root)?.hidesChanges == true { return }
    tree = WatchedTree(maximumWatchCount: maximumWatchCount)
  }

  private func describeState() {
    if let tree {
      state = tree.shortcoming.map { .degraded(reason: $0) } ?? .native
    } else if options.mode == .poll {
      state = .degraded(reason: "the configuration requests polling")
    } else if let kind = FileSystemKind(holding: root), kind.hidesChanges {
      state = .degraded(reason: "\(kind.name) does not report changes made on other machines")
    } else {
      state = .degraded(reason: WatchedTree.refusal)
    }
  }

  private func takeEvents(into changes: inout [FolderChange]) {
    guard let tree else { return }
    for event in tree.events() {
      switch event {
      case .lost: nextScan = .zero
      case .file(let path): look(at: path, into: &changes)
      case .folder(let path): lookInto(path, into: &changes)
      case .fileGone(let path):
        let wasTold = options.reportsChanging && settling.contains(path)
        settling.forget(path)
        vanish(path, into: &changes, wasTold: wasTold)
      case .folderGone(let path):
        settling.forget { $0.isBelow(path) }
        for file in known.keys.filter({ $0.isBelow(path) }).sorted() {
          vanish(file, into: &changes)
        }
      }
    }
  }

  private func look(at path: RelativePath, into changes: inout [FolderChange]) {
    guard !passesOver(path, isFolder: false), let signature = signature(of: path),
      known[path] != signature
    else { return }
    observe(path, signature, into: &changes)
  }

  /// Handles a file that is new or has changed.
  private func observe(
    _ path: RelativePath, _ signature: FileSignature, into changes: inout [FolderChange]
  ) {
    if options.reportsChanging, !settling.contains(path) { changes.append(.changing(path)) }
    settling.observe(path, signature, at: Self.now())
  }

  private func passesOver(_ path: RelativePath, isFolder: Bool) -> Bool {
    let name = path.nameRange
    return rules.passesOver(
      Array(path.bytes[name]), isFolder: isFolder, isFirstLevel: name.lowerBound == 0) != nil
  }

  /// Handles a new folder: watches it, then lists it.
  private func lookInto(_ path: RelativePath, into changes: inout [FolderChange]) {
    guard !passesOver(path, isFolder: true), let directory = try? Directory.root(root) else {
      return
    }
    func list() -> FolderScan? {
      try? FolderScan(
        root: directory, path: root, below: path, rules: rules, withSignatures: true)
    }
    guard var listing = list() else { return }
    if tree?.watch(listing.folders, below: directory) == true, let again = list() {
      listing = again
    }
    describeState()
    for (file, signature) in zip(listing.files, listing.signatures) where known[file] != signature {
      observe(file, signature, into: &changes)
    }
  }

  // MARK: Results

  private func takeSettled(into changes: inout [FolderChange]) {
    for path in settling.takeDue(at: Self.now()) {
      let signature = signature(of: path)
      switch (settling.look(at: path, signature, at: Self.now()), signature) {
      case (.settled, .some(let signature)):
        known[path] = signature
        changes.append(.settled(path, signature))
      case (.overdue, .some(let signature)):
        known[path] = signature
        changes.append(.overdue(path, signature))
      case (.vanished, _): vanish(path, into: &changes, wasTold: options.reportsChanging)
      default: break
      }
    }
  }

  /// Handles a file that no longer exists; reports it if it was reported before, at least as `changing`.
  private func vanish(
    _ path: RelativePath, into changes: inout [FolderChange], wasTold: Bool = false
  ) {
    let wasKnown = known.removeValue(forKey: path) != nil
    if wasKnown || wasTold { changes.append(.vanished(path)) }
  }

  /// The signature of a regular file; nil if there is none at `path`.
  private func signature(of path: RelativePath) -> FileSignature? {
    let name = path.nameRange
    let folder = RelativePath(bytes: Array(path.bytes[..<max(name.lowerBound - 1, 0)]))
    guard
      let status = (try? Directory.root(root))?.descendant(folder)?.status(of: path.bytes[name]),
      status.isRegularFile
    else { return nil }
    return FileSignature(status)
  }

  private static let start = ContinuousClock.now

  private static func now() -> Duration { ContinuousClock.now - start }
}
