import Control
import Datasets
import FoundationEssentials
import Logging
import Runs

/// Keeps what is known of one dataset's root up to date.
///
/// Events of the file system are hints, the scan is the truth: a hint leads to a look at the files
/// that it names after a quiet while, and a scan of everything happens every now and then in any
/// case.
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
  /// Why what was found is not believed; nil when it is.
  private var loss: String?
  /// Files that still change.
  private var waiting: Set<RelativePath> = []
  private var isReminderSet = false
  private var scanned: Date?

  /// Changes within this time lead to one look.
  private static let coalescing = Duration.milliseconds(200)
  /// Files that go are waited for until no other has gone for this long, and at most so long: one
  /// look must see whether most of them went.
  private static let lossQuiet = Duration.milliseconds(500)
  private static let lossWait = Duration.seconds(30)

  /// Makes a keeper; `run` sets it to work.
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

  /// Follows a changed configuration; the root is looked through again.
  func adopt(_ dataset: DatasetConfiguration) {
    guard dataset != self.dataset else { return }
    if dataset.root != self.dataset.root { loss = nil }
    self.dataset = dataset
    stopWatching()
    hints.add(.whole)
  }

  /// Looks through the root and returns when that is done.
  ///
  /// - Parameter forgetsMissing: whether files that are gone are forgotten although most are gone,
  ///   which otherwise is taken for a share that was lost.
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
        let suspect = FolderLoss.isSuspect(
          known: known.values.count(where: \.isCandidate),
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
      // A share that is not mounted looks like an empty folder or none: what was known is kept.
      finish(.offline, ControlError(error).message)
    }
  }

  /// Writes what is odd about the folder to the journal, once.
  private func sayOnce(_ remarks: [FolderRemark]) {
    for remark in remarks where !folderRemarks.contains(remark) {
      logger.warning("dataset \(dataset.name): \(remark)")
    }
    folderRemarks = remarks
  }

  /// What is odd about the folder, in words; nil for nothing.
  var remarksOnFolder: [String]? {
    folderRemarks.isEmpty ? nil : folderRemarks.map(\.description)
  }

  /// Whether the root is being looked through.
  var isScanning: Bool { shownState(pending: waiting.count) == .scanning }

  /// Whether all files below the root are known.
  var isReady: Bool { shownState(pending: waiting.count) == .ready }

  /// Why the root's files cannot be trusted or read now; nil when they can.
  var problem: String? {
    watch?.problem ?? loss ?? (state == .offline ? remark : nil)
  }

  /// What there is to say of the dataset.
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
    // Everything is to be looked at again: the root came back, or the index was lost.
    if hints.needsWhole { return .scanning }
    return pending > 0 ? .settling : .ready
  }

  // MARK: Looks

  /// Looks at the files that hints name.
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
      "watched folder \(dataset.root): most of the files that were there are gone (a share that is "
      + "not mounted?). What was known is kept until they are back. If they were removed on purpose: "
      + "figment rescan \(dataset.name) --forget-missing"
    finish(.offline, loss)
  }

  private func finish(_ result: DatasetState, _ remark: String?) {
    if remark != self.remark, let remark {
      logger.warning("dataset \(dataset.name): \(remark)")
    }
    self.remark = remark
    // All that this look was asked for is known, even when another one waits behind it.
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
      logger.warning("dataset \(dataset.name): cannot be watched: \(ControlError(error))")
    }
  }

  private func stopWatching() {
    watch?.cancel()
    watch = nil
  }

  private func followHints() async {
    for await _ in hints.signals {
      // What changes next comes while this sleeps, and needs no look of its own.
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

  /// A file that still changes is looked at again when it may have settled, whatever is heard of it.
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
  /// Whether it may be an image by its name and kind.
  var isCandidate: Bool {
    switch row.verdict {
    case "ignored", ImageVerdict.vanished.code, ImageVerdict.notRegularFile.code: false
    default: true
    }
  }
}
