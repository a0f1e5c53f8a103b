import Control
import Datasets
import FoundationEssentials
import Glibc
import Synchronization

/// Reads and watches the administrator's folders for the daemon.
final class WatchedFolders: FolderReader {
  private let makeDecoder: @Sendable () throws -> any ImageDecoder
  /// What the last scan of each dataset found: an unchanged file is not read again.
  ///
  /// After a restart the index tells of the usable ones.
  private let remembered = Mutex<[String: [RelativePath: InspectedFile]]>([:])

  /// Reads with decoders in child processes unless `makeDecoder` says otherwise.
  init(makeDecoder: (@Sendable () throws -> any ImageDecoder)? = nil) {
    let poisoned = DecoderProcess.Poisoned()
    self.makeDecoder = makeDecoder ?? { DecoderProcess(poisoned: poisoned) }
  }

  func scan(
    _ dataset: DatasetConfiguration, known: [String: IndexedFile], pulse: Pulse
  ) throws -> FolderContents {
    // In full scale, whatever white level is declared: what is known of a file holds when the
    // declaration changes.
    var rules = dataset.rules
    rules.whiteLevel = nil
    var builder = SnapshotBuilder(root: dataset.root, rules: rules, transform: .inspection)
    builder.makeDecoder = makeDecoder
    builder.isSettled = { $1.hasBeenQuiet(for: dataset.settle) }
    builder.onProgress = { _ in pulse.beat() }
    let earlier =
      remembered.withLock { $0[dataset.name] } ?? InspectedFile.restored(from: known.values)
    let files = try builder.inspect(known: earlier)
    remembered.withLock { remembered in
      remembered[dataset.name] = Dictionary(
        files.map { ($0.path, $0) }, uniquingKeysWith: { first, _ in first })
    }
    return FolderContents(
      files: files.filter { $0.verdict != .waiting }.map(IndexedFile.init),
      pending: files.count { $0.verdict == .waiting },
      remarks: FolderRemark.remarks(
        on: files, rules: dataset.rules, lookedAtWith: builder.transform))
  }

  func watch(
    _ dataset: DatasetConfiguration, changed: @escaping @Sendable () -> Void
  ) throws -> any FolderWatch {
    try WatchThread(dataset, changed: changed)
  }
}

extension DatasetConfiguration {
  /// What the administrator declared, as the room that reads folders takes it.
  var rules: DatasetRules {
    DatasetRules(
      classes: classes, privacyUnit: policy.unit == .file ? .file : .folder,
      maximumPerUnit: policy.maximumPerUnit, whiteLevel: whiteLevel, colour: colour)
  }
}

extension IndexedFile {
  /// A scanned file as a row of the index.
  init(_ file: InspectedFile) {
    // A file that was not looked at has a signature that no file has.
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
      brightest: file.brightest)
  }
}

extension InspectedFile {
  /// What an index tells of usable files after a restart, by path.
  ///
  /// The others, and those with remarks, are few: what is to be said of them is found anew by reading
  /// them again.
  static func restored(
    from rows: some Sequence<IndexedFile>
  ) -> [RelativePath: InspectedFile] {
    var files: [RelativePath: InspectedFile] = [:]
    for row in rows
    where row.row.verdict == ImageIndex.usableVerdict && row.row.reason == nil {
      let hash = row.contentHash.flatMap { $0.withUnsafeBytes { ContentHash(bytes: $0) } }
      guard let hash else { continue }
      let path = RelativePath(row.row.path)
      files[path] = InspectedFile(
        path: path, verdict: .accepted, className: row.row.className,
        signature: row.signature, contentHash: hash, height: row.row.height, width: row.row.width,
        brightest: row.brightest)
    }
    return files
  }
}

/// A thread that waits for changes below a root.
private final class WatchThread: FolderWatch {
  private struct Reading: Sendable {
    var method = "poll"
    var remark: String?
  }

  /// How long one wait lasts: after a cancellation the thread goes on for this long at most.
  private static let patience = Duration.seconds(1)

  private let reading = Mutex(Reading())
  private let isCancelled = Atomic<Bool>(false)
  private let thread = SerialThread(named: "figment-watch")

  init(_ dataset: DatasetConfiguration, changed: @escaping @Sendable () -> Void) throws {
    let mode: WatchOptions.Mode =
      switch dataset.mode {
      case .auto: .auto
      case .inotify: .inotify
      case .poll: .poll
      }
    let options = WatchOptions(
      mode: mode, quiet: dataset.settle, rescanInterval: dataset.rescan)
    Task { [thread] in
      try? await thread.run { [weak self] in
        let watcher = try FolderWatcher(
          root: dataset.root, rules: dataset.rules, options: options)
        while let self, !self.isCancelled.load(ordering: .relaxed) {
          let changes = watcher.poll(timeout: Self.patience)
          self.note(watcher.state)
          if !changes.isEmpty { changed() }
        }
      }
    }
  }

  var method: String { reading.withLock { $0.method } }

  var remark: String? { reading.withLock { $0.remark } }

  func cancel() { isCancelled.store(true, ordering: .relaxed) }

  private func note(_ state: WatchState) {
    reading.withLock { reading in
      switch state {
      case .native: reading = Reading(method: "inotify", remark: nil)
      case .degraded(let reason), .offline(let reason):
        reading = Reading(method: "poll", remark: reason)
      }
    }
  }
}
