import Synchronization

/// An accepted image and the slot of the packer that holds its pixels.
struct PackedRecord {
  let record: SnapshotRecord
  let slot: Int
}

/// One reading of a folder.
final class FolderReading: Sendable {
  /// What is known of a file after its bytes were read.
  private enum Outcome: Sendable {
    case decoded(ContentHash)
    case refused(ImageVerdict)
  }

  private static let filesPerTurn = 64
  /// A turn that has gathered this much is decoded before it is full.
  private static let bytesPerTurn = 4 << 20

  private let builder: SnapshotBuilder
  private let root: Directory
  private let scan: FolderScan
  private let paths: PathReader
  private let outcomes: Mutex<[Outcome?]>
  private let nextFile = Atomic<Int>(0)
  private let finishedCount = Atomic<Int>(0)
  private let failure = Mutex<(any Error)?>(nil)

  init(_ builder: SnapshotBuilder) throws {
    try builder.rules.validate()
    self.builder = builder
    root = try Directory.root(builder.root)
    scan = try FolderScan(
      root: root, path: builder.root, below: RelativePath(bytes: []), rules: builder.rules,
      withSignatures: false)
    paths = PathReader(rules: builder.rules, folders: scan.classFolders)
    outcomes = Mutex([Outcome?](repeating: nil, count: scan.files.count))
  }

  var fileCount: Int { scan.files.count }
  var classes: [String] { paths.classes }

  /// Reads all files; the pixels of file number n go to slot n of `packer`.
  func run(into packer: SnapshotPacker?) throws {
    let turns = (fileCount + Self.filesPerTurn - 1) / Self.filesPerTurn
    WorkerThreads.run(min(builder.threadCount, max(turns, 1))) { _ in
      do {
        try self.work(into: packer)
      } catch {
        self.failure.withLock { $0 = $0 ?? error }
      }
    }
    if let error = failure.withLock({ $0 }) { throw error }
  }

  /// One thread's share: turns of some files until none is left.
  private func work(into packer: SnapshotPacker?) throws {
    let decoder = try builder.makeDecoder()
    let reader = FileReader(root: root, rules: builder.rules, limit: builder.limits.fileBytes)
    var turn = Turn(transform: builder.transform)
    while failure.withLock({ $0 == nil }) {
      let start = nextFile.add(Self.filesPerTurn, ordering: .relaxed).oldValue
      guard start < fileCount else { return }
      if builder.isStopped() { throw DatasetError.stopped }
      let end = min(start + Self.filesPerTurn, fileCount)
      for index in start..<end {
        if let verdict = preliminaryVerdict(on: index) ?? turn.add(index, scan.files[index], reader) {
          turn.outcomes.append((index, .refused(verdict)))
        }
        if turn.files.byteCount >= Self.bytesPerTurn { try turn.decode(decoder, into: packer) }
      }
      try turn.decode(decoder, into: packer)
      outcomes.withLock { outcomes in
        for (index, outcome) in turn.outcomes { outcomes[index] = outcome }
      }
      turn.outcomes.removeAll(keepingCapacity: true)
      let finished = finishedCount.add(end - start, ordering: .relaxed).newValue
      builder.onProgress(SnapshotProgress(finished: finished, total: fileCount))
    }
  }

  /// What the path alone decides.
  private func preliminaryVerdict(on index: Int) -> ImageVerdict? {
    let path = scan.files[index]
    if case .failure(let fault) = paths.read(path) { return fault.verdict }
    return builder.isSettled(path) ? nil : .waiting
  }

  /// The bytes of some files on their way through one decoder.
  private struct Turn {
    let files = EncodedImages(capacity: 1 << 20)
    var outcomes: [(Int, Outcome)] = []
    private let transform: ImageTransform
    private var indices: [Int] = []
    private var hashes: [ContentHash] = []
    private let scratch: PixelScratch

    init(transform: ImageTransform) {
      self.transform = transform
      scratch = PixelScratch(count: transform.byteCount * FolderReading.filesPerTurn)
    }

    /// Reads one file; its verdict when it has no bytes to decode.
    mutating func add(
      _ index: Int, _ path: RelativePath, _ reader: FileReader
    ) -> ImageVerdict? {
      if let verdict = reader.read(path, into: files) { return verdict }
      indices.append(index)
      hashes.append(ContentHash(of: files[files.count - 1]))
      return nil
    }

    /// Decodes what was added and hands the pixels on.
    mutating func decode(_ decoder: any ImageDecoder, into packer: SnapshotPacker?) throws {
      guard files.count > 0 else { return }
      let failures = try decoder.decode(files, with: transform, into: scratch.buffer)
      for place in 0..<files.count {
        let index = indices[place]
        if let failure = failures[place] {
          outcomes.append((index, .refused(ImageVerdict(failure, head: files[place]))))
        } else {
          packer?.store(scratch.start + place * transform.byteCount, inSlot: index)
          outcomes.append((index, .decoded(hashes[place])))
        }
      }
      files.removeAll()
      indices.removeAll(keepingCapacity: true)
      hashes.removeAll(keepingCapacity: true)
    }
  }

  /// Settles duplicates, now that every file is known.
  func settle() -> (verdicts: [FileVerdict], accepted: [PackedRecord]) {
    let outcomes = outcomes.withLock { $0 }
    var records: [(index: Int, record: SnapshotRecord)] = []
    var verdicts = scan.verdicts
    for (index, outcome) in outcomes.enumerated() {
      let path = scan.files[index]
      switch (outcome, paths.read(path)) {
      case (.decoded(let hash), .success(let reading)):
        let record = SnapshotRecord(hash: hash, label: reading.label, person: reading.person)
        records.append((index, record))
      case (.refused(let verdict), _):
        verdicts.append(FileVerdict(path: path, verdict: verdict))
      case (_, .failure(let fault)):
        verdicts.append(FileVerdict(path: path, verdict: fault.verdict))
      case (nil, _):
        preconditionFailure("every file has an outcome once all threads have ended")
      }
    }
    var resolver = DuplicateResolver()
    for (index, record) in records { resolver.note(record, at: scan.files[index]) }
    var accepted: [PackedRecord] = []
    accepted.reserveCapacity(records.count)
    for (index, record) in records {
      let verdict = resolver.verdict(on: record, at: scan.files[index])
      if verdict == nil { accepted.append(PackedRecord(record: record, slot: index)) }
      verdicts.append(FileVerdict(path: scan.files[index], verdict: verdict ?? .accepted))
    }
    verdicts.sort { $0.path < $1.path }
    return (verdicts, accepted)
  }
}

/// Memory for the pixels of one turn.
private final class PixelScratch {
  let buffer: UnsafeMutableBufferPointer<UInt8>
  let start: UnsafeMutablePointer<UInt8>

  init(count: Int) {
    start = .allocate(capacity: count)
    buffer = UnsafeMutableBufferPointer(start: start, count: count)
  }

  deinit { start.deallocate() }
}
