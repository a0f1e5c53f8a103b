import Control
import Datasets
import FoundationEssentials
import Logging
import Runs

/// Keeps the index of one dataset's root up to date.
///
/// File system events are hints; the scan is authoritative. After a short quiet time, a hint triggers a
/// check of the files that it names. A full scan also runs periodically.
actor DatasetKeeper {
  private let reader: any FolderReader
  private let index: ImageIndex
  private let pulse: Pulse
  private let logger: Logger
  private let thread: SerialThread
  private let hints = HintBox()

  private var dataset: DatasetConfiguration
  private var watch: (any FolderWatch)?
  private var state = DatasetState.unknown
  private var folderRemarks: [FolderRemark] = []
  private var remark: String?
  /// Why the result of the last scan is not accepted; nil if it is.
  private var loss: String?
  /// Files that are still changing.
  private var waiting: Set<RelativePath> = []
  private var isReminderSet = false
  private var scanned: Date?

  /// Changes within this time are checked together.
  private static let coalescing = Duration.milliseconds(200)
  /// After a deletion, the check waits until no further file was deleted for `lossQuiet`, within a limit:
  /// one check must see whether most files are missing.
  private static let lossQuiet = Duration.milliseconds(500)
  private static let lossWait = Duration.seconds(30)

  /// Creates a keeper; `run` starts it.
  init(
    _ dataset: DatasetConfiguration, reader: any FolderReader, index: ImageIndex, pulse: Pulse,
    logger: Logger
  ) {
    self.dataset = dataset
    self.reader = reader
    self.index = index
    self.pulse = pulse
    self.logger = logger
    thread = SerialThread(named: "figment-scan", yields: true)
  }

  /// Scans and watches until it is cancelled.
  func run() async {
    index.whenLost { [hints] in hints.add(.whole) }
    await scan()
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await self.followHints() }
      group.addTask { await self.remindRegularly() }
      await group.waitForAll()
    }
    stopWatching()
  }

  /// Applies a changed configuration; the root is scanned again.
  func adopt(_ dataset: DatasetConfiguration) {
    guard dataset != self.dataset else { return }
    if dataset.root != self.dataset.root { loss = nil }
    self.dataset = dataset
    stopWatching()
    hints.add(.whole)
  }

  /// Scans the root and returns when the scan is complete.
  ///
  /// - Parameter forgetsMissing: whether to forget missing files even if most are missing; otherwise that
  ///   is taken for a share that is not mounted.
  func scan(forgetsMissing: Bool = false) async {
    state = .scanning
    if forgetsMissing { stopWatching() }
    startWatching()
    let (reader, index, pulse, dataset) = (reader, index, pulse, dataset)
    do {
      let contents = try await thread.run { () -> FolderContents? in
        try index.adopt(root: dataset.root, of: dataset.name)
        let known = try index.files(of: dataset.name)
        let contents = try reader.scan(dataset, known: known, pulse: pulse)
        // A file that is there and passed over now, as tables are once columns are declared, is not missing.
        let passedOver = Set(contents.files.filter { !$0.isCandidate }.map(\.row.path))
        let suspect = FolderLoss.isSuspect(
          known: known.values.count { $0.isCandidate && !passedOver.contains($0.row.path) },
          found: contents.files.count(where: \.isCandidate))
        guard !suspect || forgetsMissing else { return nil }
        try index.replace(contents.files, of: dataset.name)
        return contents
      }
      guard let contents else { return suspectLoss() }
      waiting = []
      note(contents.files)
      sayOnce(contents.remarks)
      hints.add(contents.doubtful)
      loss = nil
      scanned = Date()
      finish(.ready, nil)
    } catch {
      // An unmounted share looks like an empty or missing folder: keep the index.
      finish(.offline, ControlError(error).message)
    }
  }

  /// Logs each remark about the folder once.
  private func sayOnce(_ remarks: [FolderRemark]) {
    for remark in remarks where !folderRemarks.contains(remark) {
      logger.warning("dataset \(dataset.name): \(remark)")
    }
    folderRemarks = remarks
  }

  /// Whether the root holds tables and no usable image.
  var holdsTablesAlone: Bool {
    folderRemarks.contains { if case .tablesAlone = $0 { true } else { false } }
  }

  /// Remarks about the folder, in words; nil if there are none.
  var remarksOnFolder: [String]? {
    folderRemarks.isEmpty ? nil : folderRemarks.map(\.description)
  }

  /// Whether the root is being scanned.
  var isScanning: Bool { shownState(pending: waiting.count) == .scanning }

  /// Whether all files below the root are known.
  var isReady: Bool { shownState(pending: waiting.count) == .ready }

  /// Why the root's files cannot be trusted or read now; nil if they can.
  var problem: String? {
    watch?.problem ?? loss ?? (state == .offline ? remark : nil)
  }

  /// Reports the status of the dataset.
  func status(budget: BudgetStatus) throws -> DatasetStatus {
    let counts = try index.counts(of: dataset.name)
    return DatasetStatus(
      name: dataset.name, state: shownState(pending: counts.pending),
      watch: watch?.method ?? "poll", remark: problem ?? remark ?? watch?.remark,
      usable: counts.usable, rejected: counts.rejected, duplicates: counts.duplicates,
      pending: counts.pending, classes: counts.classes, bytes: counts.bytes, scanned: scanned,
      folderRemarks: remarksOnFolder,
      budget: budget)
  }

  private func shownState(pending: Int) -> DatasetState {
    if problem != nil { return .offline }
    guard state == .ready else { return state }
    // A full scan is due: the root came back, or the index was lost.
    if hints.needsWhole { return .scanning }
    return pending > 0 ? .settling : .ready
  }

  // MARK: Checks

  /// Checks the files that hints name.
  private func look(at hints: FolderHints) async {
    guard !hints.isWhole, loss == nil, state == .ready else { return await scan() }
    let (reader, index, pulse, dataset) = (reader, index, pulse, dataset)
    do {
      let outcome = try await thread.run { () -> LookOutcome in
        guard let update = try reader.look(dataset, at: hints, index: index, pulse: pulse) else {
          return .needsAll
        }
        if !update.gone.isEmpty {
          let known = try index.candidateCount(of: dataset.name)
          if FolderLoss.isSuspect(known: known, found: known - update.gone.count) {
            return .suspect
          }
        }
        try index.apply(update.files, gone: update.gone, of: dataset.name)
        return .known(update)
      }
      switch outcome {
      case .needsAll, .suspect: await scan()
      case .known(let update):
        note(update.files)
        for path in update.gone { waiting.remove(RelativePath(path)) }
        remind()
      }
    } catch {
      finish(.offline, ControlError(error).message)
    }
  }

  private enum LookOutcome: Sendable {
    case needsAll
    case suspect
    case known(FolderUpdate)
  }

  private func note(_ files: [IndexedFile]) {
    for file in files {
      let path = RelativePath(file.row.path)
      if file.row.verdict == ImageIndex.waitingVerdict {
        waiting.insert(path)
      } else if !waiting.isEmpty {
        waiting.remove(path)
      }
    }
  }

  private func suspectLoss() {
    loss =
      "watched folder \(dataset.root): most of its files are missing (a share that is not mounted?). The "
      + "list of files is kept until they are back. If they were removed on purpose, run "
      + "'figment rescan \(dataset.name) --forget-missing'."
    finish(.offline, loss)
  }

  private func finish(_ result: DatasetState, _ remark: String?) {
    if remark != self.remark, let remark {
      logger.warning("dataset \(dataset.name): \(remark)")
    }
    self.remark = remark
    // This check is complete, even if another one is pending.
    state = result
    remind()
  }

  // MARK: Hints

  private func startWatching() {
    guard watch == nil else { return }
    let hints = hints
    do {
      watch = try reader.watch(dataset) { hints.add($0) }
    } catch {
      logger.warning("dataset \(dataset.name): cannot watch it: \(ControlError(error))")
    }
  }

  private func stopWatching() {
    watch?.cancel()
    watch = nil
  }

  private func followHints() async {
    for await _ in hints.signals {
      // Further changes arrive while this sleeps and need no check of their own.
      try? await Task.sleep(for: Self.coalescing)
      let end = ContinuousClock.now + Self.lossWait
      while hints.hasLosses(within: Self.lossQuiet), .now < end, !Task.isCancelled {
        try? await Task.sleep(for: Self.coalescing)
      }
      if Task.isCancelled { return }
      let taken = hints.take()
      if !taken.isEmpty { await look(at: taken) }
    }
  }

  /// Schedules another check of files that were still changing, whether or not an event arrives.
  private func remind() {
    guard !waiting.isEmpty, !isReminderSet else { return }
    isReminderSet = true
    let settle = dataset.settle + Self.coalescing
    Task {
      try? await Task.sleep(for: settle)
      isReminderSet = false
      hints.add(FolderHints(touched: waiting))
    }
  }

  private func remindRegularly() async {
    while !Task.isCancelled {
      try? await Task.sleep(for: dataset.rescan)
      hints.add(.whole)
    }
  }
}

extension IndexedFile {
  /// Whether the file may be an image, judging by its name and kind.
  var isCandidate: Bool {
    switch row.verdict {
    case "ignored", ImageVerdict.vanished.code, ImageVerdict.notRegularFile.code: false
    default: true
    }
  }
}
