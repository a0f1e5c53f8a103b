import Control
import FoundationEssentials
import Logging

/// Keeps what is known of one dataset's root up to date.
///
/// Events of the file system are hints, the scan is the truth: a hint leads to a scan after a
/// quiet while, and a scan happens every now and then in any case.
actor DatasetKeeper {
  private let reader: any FolderReader
  private let index: ImageIndex
  private let pulse: Pulse
  private let logger: Logger
  private let thread: SerialThread
  private let hints: AsyncStream<Void>
  private let hint: AsyncStream<Void>.Continuation

  private var dataset: DatasetConfiguration
  private var watch: (any FolderWatch)?
  private var state = DatasetState.unknown
  private var remark: String?
  private var pending = 0
  private var scanned: Date?

  /// A watched root is looked through this often where nothing tells of changes.
  static let pollInterval = Duration.seconds(60)

  /// Changes within this time lead to one scan.
  private static let coalescing = Duration.milliseconds(200)

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
    (hints, hint) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
  }

  /// Scans and watches until it is cancelled.
  func run() async {
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
    self.dataset = dataset
    stopWatching()
    hint.yield()
  }

  /// Looks through the root and returns when that is done.
  func scan() async {
    state = .scanning
    startWatching()
    let (reader, index, pulse, dataset) = (reader, index, pulse, dataset)
    do {
      let pending = try await thread.run {
        let known = try index.files(of: dataset.name)
        let contents = try reader.scan(dataset, known: known, pulse: pulse)
        try index.replace(contents.files, of: dataset.name)
        return contents.pending
      }
      self.pending = pending
      finishScan(.ready, nil)
    } catch {
      // A share that is not mounted looks like an empty folder or none: what was known is kept.
      finishScan(.offline, ControlError(error).message)
    }
  }

  /// Whether all files below the root are known.
  var isReady: Bool { state == .ready }

  /// What there is to say of the dataset.
  func status(budget: BudgetStatus) throws -> DatasetStatus {
    let counts = try index.counts(of: dataset.name)
    return DatasetStatus(
      name: dataset.name, state: state, watch: watch?.method ?? "poll",
      remark: remark ?? watch?.remark, usable: counts.usable, rejected: counts.rejected,
      duplicates: counts.duplicates, pending: pending, classes: counts.classes,
      bytes: counts.bytes, scanned: scanned, budget: budget)
  }

  private func finishScan(_ result: DatasetState, _ remark: String?) {
    if remark != self.remark, let remark {
      logger.warning("dataset \(dataset.name): \(remark)")
    }
    self.remark = remark
    // All that this scan was asked for is known, even when another one waits behind it.
    state = result
    if result == .ready { scanned = Date() }
    if pending > 0 { remindOfPending() }
  }

  private func startWatching() {
    guard watch == nil else { return }
    let hint = hint
    do {
      watch = try reader.watch(dataset) { hint.yield() }
    } catch {
      logger.warning("dataset \(dataset.name): cannot be watched: \(ControlError(error))")
    }
  }

  private func stopWatching() {
    watch?.cancel()
    watch = nil
  }

  private func followHints() async {
    for await _ in hints {
      // What changes next comes while this sleeps, and needs no scan of its own.
      try? await Task.sleep(for: Self.coalescing)
      if Task.isCancelled { return }
      await scan()
    }
  }

  /// A file that still changes is looked at again when it may have settled.
  private func remindOfPending() {
    let (hint, settle) = (hint, dataset.settle)
    Task {
      try? await Task.sleep(for: settle)
      hint.yield()
    }
  }

  private func remindRegularly() async {
    while !Task.isCancelled {
      let interval = watch?.method == "inotify" ? dataset.rescan : Self.pollInterval
      try? await Task.sleep(for: min(interval, dataset.rescan))
      hint.yield()
    }
  }
}
