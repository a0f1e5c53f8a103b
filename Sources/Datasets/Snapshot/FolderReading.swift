import Synchronization

/// An accepted image and the slot of its pixels in the packer.
struct PackedRecord {
  let record: SnapshotRecord
  let slot: Int
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
  private let findings: Mutex<[InspectedFile?]>
  private let nextFile = Atomic<Int>(0)
  private let finishedCount = Atomic<Int>(0)
  private let failure = Mutex<(any Error)?>(nil)

  /// Creates a reading of `listing`, or of the folder as it is now.
  convenience init(
    _ builder: SnapshotBuilder, known: [RelativePath: InspectedFile] = [:],
    listing: FolderScan? = nil
  ) throws {
    try builder.rules.validate()
    let root = try Directory.root(builder.root)
    let scan =
      try listing
      ?? FolderScan(
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
    findings = Mutex([InspectedFile?](repeating: nil, count: scan.files.count))
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
  private func findingWithoutReading(_ index: Int) -> InspectedFile? {
    let path = scan.files[index]
    if case .failure(let fault) = paths.read(path) {
      return InspectedFile(path: path, verdict: fault.verdict)
    }
    guard let file = known[path], file.signature == scan.signatures[index] else { return nil }
    return file.asRead
  }

  /// Determines the verdicts that depend on the whole folder: duplicates, limits per person, classes
  /// without images.
  ///
  /// - Parameter attributes: the attributes of the files, by their numbers; nil to disregard them.
  func settle(with attributes: ImageAttributes? = nil) -> Settlement {
    let findings = findings.withLock { $0 }.compactMap(\.self)
    precondition(findings.count == fileCount, "files are settled after all were read")
    return Settlement(
      of: findings, beside: scan.verdicts, rules: builder.rules, paths: paths,
      attributes: attributes)
  }

  /// Reads the table of attributes; nil if no columns are declared.
  func attributes() throws -> ImageAttributes? {
    guard !builder.rules.columns.isEmpty else { return nil }
    do {
      return try ImageAttributes(
        ofFilesIn: scan.files, below: root, rules: builder.rules, limits: builder.tableLimits,
        isSettled: builder.isSettled, isStopped: builder.isStopped)
    } catch let problem as TableProblem {
      throw DatasetError.tableUnusable(
        root: builder.root, finding: problem.finding, place: problem.place)
    }
  }
}
