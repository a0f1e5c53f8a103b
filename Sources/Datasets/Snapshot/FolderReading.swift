import Synchronization

/// An accepted image and the slot of its pixels in the packer.
struct PackedRecord {
  let record: SnapshotRecord
  let slot: Int
}

/// The result of reading one file, before it is compared with the others.
struct FileFinding: Sendable {
  /// Nil if it was decoded and may be accepted.
  var verdict: ImageVerdict?
  var signature: FileSignature?
  var hash: ContentHash?
  var height: Int?
  var width: Int?
  var remarks: DecodeRemarks = []
  var brightest: Int?

  init(_ verdict: ImageVerdict?, signature: FileSignature? = nil) {
    self.verdict = verdict
    self.signature = signature
  }

  /// The result of an earlier reading of the same, unchanged file; nil if it must be read again.
  init?(_ known: InspectedFile) {
    switch known.verdict {
    case .accepted, .duplicate, .contradictoryClass, .beyondUnitLimit:
      guard known.contentHash != nil else { return nil }
      verdict = nil
    case .unreadable, .unsupported, .tooLarge, .tooSmall: verdict = known.verdict
    default: return nil
    }
    signature = known.signature
    hash = known.contentHash
    height = known.height
    width = known.width
    remarks = known.remarks
    brightest = known.brightest
  }
}

/// One reading of a folder by several threads.
final class FolderReading: Sendable {
  private static let filesPerTurn = 64
  /// A turn with this many bytes is decoded before it is full.
  private static let bytesPerTurn = 4 << 20

  private let builder: SnapshotBuilder
  private let known: [RelativePath: InspectedFile]
  private let root: Directory
  let scan: FolderScan
  private let paths: PathReader
  private let findings: Mutex<[FileFinding?]>
  private let nextFile = Atomic<Int>(0)
  private let finishedCount = Atomic<Int>(0)
  private let failure = Mutex<(any Error)?>(nil)

  convenience init(_ builder: SnapshotBuilder, known: [RelativePath: InspectedFile] = [:]) throws {
    try builder.rules.validate()
    let root = try Directory.root(builder.root)
    let scan = try FolderScan(
      root: root, path: builder.root, below: RelativePath(bytes: []), rules: builder.rules,
      withSignatures: !known.isEmpty)
    self.init(builder, known: known, root: root, scan: scan)
  }

  /// Creates a reading of the files of a listing; its signatures are required unless nothing is known.
  init(
    _ builder: SnapshotBuilder, known: [RelativePath: InspectedFile], root: Directory,
    scan: FolderScan
  ) {
    self.builder = builder
    self.known = known
    self.root = root
    self.scan = scan
    paths = PathReader(rules: builder.rules, folders: scan.classFolders)
    findings = Mutex([FileFinding?](repeating: nil, count: scan.files.count))
  }

  var fileCount: Int { scan.files.count }

  /// Reads all files; the pixels of file number n go to slot n of `packer`.
  func run(into packer: SnapshotPacker?) throws {
    let turns = (fileCount + Self.filesPerTurn - 1) / Self.filesPerTurn
    WorkerThreads.run(min(builder.threadCount, turns)) { _ in
      do {
        try self.work(into: packer)
      } catch {
        self.failure.withLock { $0 = $0 ?? error }
      }
    }
    if let error = failure.withLock({ $0 }) { throw error }
  }

  /// The work of one thread: decodes turns until no file remains.
  private func work(into packer: SnapshotPacker?) throws {
    let decoder = try builder.makeDecoder()
    let reader = FileReader(
      root: root, rules: builder.rules, limit: builder.limits.fileBytes,
      isSettled: builder.isSettled)
    var turn = DecodingTurn(capacity: Self.filesPerTurn, transform: builder.transform)
    while failure.withLock({ $0 == nil }) {
      let start = nextFile.add(Self.filesPerTurn, ordering: .relaxed).oldValue
      guard start < fileCount else { return }
      if builder.isStopped() { throw DatasetError.stopped }
      let end = min(start + Self.filesPerTurn, fileCount)
      for index in start..<end {
        if let finding = findingWithoutReading(index) {
          turn.findings.append((index, finding))
        } else {
          turn.read(index, scan.files[index], reader, known: known[scan.files[index]])
        }
        if turn.byteCount >= Self.bytesPerTurn { try turn.decode(decoder, into: packer) }
      }
      try turn.decode(decoder, into: packer)
      findings.withLock { findings in
        for (index, finding) in turn.findings { findings[index] = finding }
      }
      turn.findings.removeAll(keepingCapacity: true)
      let finished = finishedCount.add(end - start, ordering: .relaxed).newValue
      builder.onProgress(SnapshotProgress(finished: finished, total: fileCount))
    }
  }

  /// The finding that follows from the path of a file, or from an earlier reading of it.
  private func findingWithoutReading(_ index: Int) -> FileFinding? {
    let path = scan.files[index]
    if case .failure(let fault) = paths.read(path) { return FileFinding(fault.verdict) }
    guard let file = known[path], file.signature == scan.signatures[index] else { return nil }
    return FileFinding(file)
  }

  /// Determines the verdicts that depend on the whole folder: duplicates, limits per person, classes
  /// without images.
  func settle() -> Settlement {
    let findings = findings.withLock { $0 }
    return Settlement(
      of: scan.files, findings, beside: scan.verdicts, rules: builder.rules, paths: paths)
  }
}
