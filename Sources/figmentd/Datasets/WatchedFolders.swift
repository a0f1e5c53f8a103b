import Control
import Datasets
import FoundationEssentials
import Synchronization

/// Reads and watches the administrator's folders for the daemon.
final class WatchedFolders: FolderReader {
  private let makeDecoder: @Sendable () throws -> any ImageDecoder
  /// The folders of each root, as its last scan found them.
  private let shapes = Mutex<[String: FolderShape]>([:])

  /// Creates a reader that decodes in child processes, unless `makeDecoder` is given.
  init(makeDecoder: (@Sendable () throws -> any ImageDecoder)? = nil) {
    let poisoned = DecoderProcess.Poisoned()
    self.makeDecoder = makeDecoder ?? { DecoderProcess(poisoned: poisoned) }
  }

  func scan(
    _ dataset: DatasetConfiguration, known: [String: IndexedFile], pulse: Pulse
  ) throws -> FolderContents {
    shapes.withLock { $0[dataset.name] = nil }
    let builder = builder(dataset, pulse)
    let look = try builder.inspectAll(known: InspectedFile.restored(from: known.values))
    shapes.withLock { $0[dataset.name] = look.shape }
    return FolderContents(
      files: look.files.map(IndexedFile.init),
      doubtful: FolderHints(touched: Self.secondNames(in: look.files)),
      remarks: Self.remarks(on: look.files, dataset, builder.transform)
        + Self.remarksOnTables(of: dataset, look.files))
  }

  /// Remarks about a folder; classes without an image are unknown while files are still changing.
  private static func remarks(
    on files: [InspectedFile], _ dataset: DatasetConfiguration, _ form: ImageTransform
  ) -> [FolderRemark] {
    let remarks = FolderRemark.remarks(on: files, rules: dataset.rules, lookedAtWith: form)
    guard files.contains(where: { $0.verdict == .waiting }) else { return remarks }
    return remarks.filter { remark in
      if case .classesWithoutImage = remark { false } else { true }
    }
  }

  /// Says that a root is one of tables, whose rows the index does not count, and that no run could read them.
  ///
  /// No table is named: remarks go into the journal, and a table may have the name of a person.
  private static func remarksOnTables(
    of dataset: DatasetConfiguration, _ files: [InspectedFile]
  ) -> [FolderRemark] {
    guard dataset.declaresColumns,
      let tables = try? TableSnapshotBuilder(root: dataset.root, rules: dataset.rules).tables()
    else { return [] }
    var remarks: [FolderRemark] = []
    let hasImages = files.contains { $0.verdict == .accepted || $0.verdict == .waiting }
    if !hasImages, !tables.isEmpty, !tables.contains(where: \.isAttributeFile) {
      remarks.append(.tablesAlone(count: tables.count))
    }
    if let problem = try? dataset.rules.problemOfHeaders(of: tables, in: dataset.root) {
      remarks.append(
        .tablesUnusable(finding: problem.finding, isOfOneTable: problem.place != nil))
    }
    return remarks
  }

  func look(
    _ dataset: DatasetConfiguration, at hints: FolderHints, index: ImageIndex, pulse: Pulse
  ) throws -> FolderUpdate? {
    guard var shape = shapes.withLock({ $0[dataset.name] }) else { return nil }
    let paths = hints.paths
    let known = try index.files(of: dataset.name, at: paths.map(\.description))
    var builder = builder(dataset, pulse)
    builder.threadCount = 1
    builder.isSettled = { path, signature in
      hints.settled[path] == signature || signature.hasBeenQuiet(for: dataset.settle)
    }
    guard
      let alone = try builder.inspect(
        only: paths, in: shape, known: InspectedFile.restored(from: known.values))
    else { return nil }
    let found = Dictionary(alone.files.map { ($0.path, $0) }, uniquingKeysWith: { $1 })
    let relatives = try index.relatives(
      of: Array(known.values) + alone.files.map(IndexedFile.init), in: dataset.name,
      byPerson: dataset.policy.unit == .folder
    ).filter { !paths.contains(RelativePath($0.row.path)) }
    var look = alone
    if !relatives.isEmpty {
      let all = InspectedFile.restored(from: relatives).merging(found) { $1 }
      let names = relatives.map { RelativePath($0.row.path) }
      guard let together = try builder.inspect(only: Array(paths) + names, in: shape, known: all)
      else { return nil }
      look = together
    }
    let files = look.files.map(IndexedFile.init)
    let relativePaths = Set(relatives.map(\.row.path))
    let isCounted = shape.count(
      came: files.filter {
        $0.isCandidate && known[$0.row.path] == nil && !relativePaths.contains($0.row.path)
      }
      .map { RelativePath($0.row.path) },
      went: look.gone.filter { known[$0.description] != nil })
    guard isCounted else { return nil }
    shapes.withLock { $0[dataset.name] = shape }
    let before = relatives.reduce(into: known) { $0[$1.row.path] = $1 }
    return FolderUpdate(
      files: files.filter { before[$0.row.path] != $0 },
      gone: look.gone.map(\.description).filter { before[$0] != nil })
  }

  func watch(
    _ dataset: DatasetConfiguration, changed: @escaping @Sendable (FolderHints) -> Void
  ) throws -> any FolderWatch {
    WatchThread(dataset, changed: changed)
  }

  private func builder(_ dataset: DatasetConfiguration, _ pulse: Pulse) -> SnapshotBuilder {
    // Read at full scale regardless of the declared white level, so that the results stay valid if the
    // declaration changes.
    var rules = dataset.rules
    rules.whiteLevel = nil
    var builder = SnapshotBuilder(root: dataset.root, rules: rules, transform: .inspection)
    builder.makeDecoder = makeDecoder
    builder.isSettled = { $1.hasBeenQuiet(for: dataset.settle) }
    builder.onProgress = { _ in pulse.beat() }
    return builder
  }

  /// Files that a scan found under two names: links to one file, or a file that was renamed meanwhile.
  ///
  /// A second check distinguishes them, so that no file remains a duplicate of itself.
  private static func secondNames(in files: [InspectedFile]) -> Set<RelativePath> {
    let pairs = files.compactMap { file -> (InspectedFile, RelativePath)? in
      switch file.verdict {
      case .duplicate(let other), .contradictoryClass(let other): (file, other)
      default: nil
      }
    }
    guard !pairs.isEmpty else { return [] }
    let signatures = Dictionary(
      files.map { ($0.path, $0.signature) }, uniquingKeysWith: { first, _ in first })
    return pairs.reduce(into: []) { names, pair in
      guard let own = pair.0.signature, case let other?? = signatures[pair.1],
        own.identity == other.identity
      else { return }
      names.formUnion([pair.0.path, pair.1])
    }
  }
}

extension DatasetConfiguration {
  /// The administrator's declarations in the form that the reader of folders uses.
  var rules: DatasetRules {
    let unit: Datasets.PrivacyUnit =
      switch policy.unit {
      case .file: .file
      case .folder: .folder
      }
    return DatasetRules(
      classes: classes, privacyUnit: unit, maximumPerUnit: policy.maximumPerUnit,
      whiteLevel: whiteLevel, colour: colour, columns: columns ?? [], personColumn: personColumn)
  }
}

extension IndexedFile {
  /// A scanned file as a row of the index.
  init(_ file: InspectedFile) {
    // A file that was not checked gets a signature that no file has.
    let signature =
      file.signature ?? FileSignature(device: 0, inode: 0, size: 0, modified: 0, changed: 0)
    self.init(
      row: FileRow(
        path: file.path.description, className: file.className,
        bytes: Int(signature.size),
        verdict: file.verdict == .accepted ? ImageIndex.usableVerdict : file.verdict.code,
        reason: file.verdict == .accepted && file.remarks.isEmpty ? nil : file.reason,
        width: file.width, height: file.height),
      signature: signature,
      contentHash: file.contentHash.map { hash in hash.withUnsafeBytes { Data($0) } },
      detail: Self.detail(of: file.verdict), brightest: file.brightest, remarks: file.remarks)
  }

  /// The verdict of a file that failed to decode, so that it is not tried again at every check.
  private static func detail(of verdict: ImageVerdict) -> String? {
    switch verdict {
    case .unreadable, .unsupported, .tooLarge, .tooSmall:
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys]
      return (try? encoder.encode(verdict)).map { String(decoding: $0, as: UTF8.self) }
    default: return nil
    }
  }
}

extension InspectedFile {
  /// Restores the results for files from an index, by path: hashes for comparison of decoded files, and
  /// verdicts of the others.
  ///
  /// Files with neither are checked anew.
  static func restored(
    from rows: some Sequence<IndexedFile>
  ) -> [RelativePath: InspectedFile] {
    var files: [RelativePath: InspectedFile] = [:]
    for row in rows {
      guard let verdict = row.restoredVerdict else { continue }
      let path = RelativePath(row.row.path)
      files[path] = InspectedFile(
        path: path, verdict: verdict, className: row.row.className, signature: row.signature,
        contentHash: row.contentHash.flatMap { $0.withUnsafeBytes { ContentHash(bytes: $0) } },
        height: row.row.height, width: row.row.width, remarks: row.remarks,
        brightest: row.brightest)
    }
    return files
  }
}

extension IndexedFile {
  /// Verdicts of decoded files; the other files determine which of them applies.
  private static let decoded: Set = [
    ImageIndex.usableVerdict, ImageIndex.duplicateVerdict, "contradictoryClass", "beyondUnitLimit",
  ]

  /// The verdict to start from; nil if the file must be read.
  fileprivate var restoredVerdict: ImageVerdict? {
    if let detail {
      return try? JSONDecoder().decode(ImageVerdict.self, from: Data(detail.utf8))
    }
    guard Self.decoded.contains(row.verdict), contentHash != nil else { return nil }
    return .accepted
  }
}

/// A thread that waits for changes below a root.
private final class WatchThread: FolderWatch {
  private struct Reading: Sendable {
    var method = "poll"
    var remark: String?
    var problem: String?
    /// Whether the root existed at the last check; false before the first.
    var isOnline = false
  }

  /// The duration of one wait; after a cancellation the thread ends within this time.
  private static let patience = Duration.seconds(1)

  private let reading = Mutex(Reading())
  private let isCancelled = Atomic<Bool>(false)
  private let thread = SerialThread(named: "figment-watch")

  init(
    _ dataset: DatasetConfiguration, changed: @escaping @Sendable (FolderHints) -> Void
  ) {
    var options = WatchOptions(
      mode: dataset.mode, quiet: dataset.settle,
      maximumWait: max(dataset.settle, Self.longestWait),
      degradedRescanInterval: min(dataset.rescan, DatasetConfiguration.pollInterval))
    options.reportsPresent = false
    options.reportsChanging = true
    Task { [thread, options] in
      try? await thread.run { [weak self] in
        let watcher = try FolderWatcher(
          root: dataset.root, rules: dataset.rules, options: options)
        while let self, !self.isCancelled.load(ordering: .relaxed) {
          let changes = watcher.poll(timeout: Self.patience)
          // Scan a root that is back completely, because no events arrived meanwhile.
          if self.note(watcher.state) { changed(.whole) }
          if !changes.isEmpty { changed(FolderHints(changes)) }
        }
      }
    }
  }

  /// The maximum time that a changing file is waited for before it is checked anyway.
  private static let longestWait = Duration.seconds(600)

  var method: String { reading.withLock { $0.method } }

  var remark: String? { reading.withLock { $0.remark } }

  var problem: String? { reading.withLock { $0.problem } }

  func cancel() { isCancelled.store(true, ordering: .relaxed) }

  /// Records how the root is watched.
  ///
  /// - Returns: whether the root exists and did not before.
  private func note(_ state: WatchState) -> Bool {
    reading.withLock { reading in
      let wasOnline = reading.isOnline
      switch state {
      case .native: reading = Reading(method: "inotify", isOnline: true)
      case .degraded(let reason): reading = Reading(remark: reason, isOnline: true)
      case .offline(let reason): reading = Reading(method: reading.method, problem: reason)
      }
      return reading.isOnline && !wasOnline
    }
  }
}
