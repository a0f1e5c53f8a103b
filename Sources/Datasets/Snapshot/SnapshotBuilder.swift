/// The progress of reading a folder.
public struct SnapshotProgress: Hashable, Sendable {
  /// Files with a verdict so far.
  public let finished: Int
  /// Files found.
  public let total: Int
}

/// The result of reading a folder.
public struct SnapshotResult: Sendable {
  /// The packed set, opened.
  public let snapshot: DatasetSnapshot
  /// Every entry of the folder with its verdict, in order of paths.
  public let files: [InspectedFile]
  /// What became of the rows of the table of attributes; nil if no columns are declared.
  public let attributes: TableSummary?
}

/// Reads a folder of images: lists it, opens, hashes and decodes every file on several threads, resolves
/// duplicates, and packs the accepted images into one file.
public struct SnapshotBuilder: Sendable {
  /// The folder.
  public let root: String
  /// The declarations about it.
  public let rules: DatasetRules
  /// The form of the packed images, with the rules' declarations about levels and colours.
  public let transform: ImageTransform
  /// The number of threads; each has its own decoder.
  public var threadCount: Int
  /// Limits on one file.
  public var limits = DecodeLimits.standard
  /// Creates the decoder of one thread; the default decodes in this process.
  public var makeDecoder: @Sendable () throws -> any ImageDecoder
  /// Whether a file has been unchanged for long enough; others stay `waiting`.
  public var isSettled: @Sendable (RelativePath, FileSignature) -> Bool = { _, _ in true }
  /// Called periodically, on any of the threads.
  public var onProgress: @Sendable (SnapshotProgress) -> Void = { _ in }
  /// Called periodically; true ends the work with `DatasetError.stopped`.
  public var isStopped: @Sendable () -> Bool = { false }

  /// Called once with the verdicts of all entries of the folder, in order of paths, even if no file was
  /// accepted and `build` throws.
  public var onVerdicts: @Sendable ([InspectedFile]) -> Void = { _ in }

  /// Called once with the rows of the table of attributes, if columns are declared, even if `build` throws later.
  public var onAttributes: @Sendable (TableSummary) -> Void = { _ in }
  /// Limits on the table of attributes.
  public var tableLimits = TableLimits.standard

  /// Creates a builder for one folder.
  ///
  /// If `threadCount` is nil, it uses one thread per processor.
  public init(
    root: String, rules: DatasetRules = DatasetRules(), transform: ImageTransform,
    threadCount: Int? = nil
  ) {
    self.root = root
    self.rules = rules
    self.transform = transform.under(rules)
    self.threadCount = max(1, threadCount ?? WorkerThreads.processorCount)
    makeDecoder = { ImageCodec() }
  }

  /// Reads the folder and returns only the verdict of each file, in order of paths.
  ///
  /// The table of attributes is not read: only `build` knows which images lack a required value.
  ///
  /// - Parameter known: the result of an earlier inspection with the same transform and limits; a
  ///   file whose signature is unchanged is not read again.
  /// - Throws: `DatasetError`.
  public func inspect(known: [RelativePath: InspectedFile] = [:]) throws -> [InspectedFile] {
    let reading = try FolderReading(self, known: known)
    try reading.run(into: nil)
    let files = reading.settle().files
    onVerdicts(files)
    return files
  }

  /// Reads the table of attributes and returns what became of its rows, without looking into any image.
  ///
  /// - Throws: `DatasetError`; `.tableUnusable` if columns are declared and the table cannot be used.
  public func inspectAttributes() throws -> TableSummary {
    try FolderReading(self).attributes()?.summary ?? TableSummary()
  }

  /// Reads the folder and packs the accepted images into `directory`/`name`.
  ///
  /// Creates a missing directory with mode 0700, and refuses one that others may enter. The file has mode 0600
  /// and is written atomically. If columns are declared, the root must contain `metadata.csv` or
  /// `metadata.jsonl`, whose rows give each image its codes.
  ///
  /// - Parameter listing: the files to read; nil lists the folder first.
  /// - Throws: `DatasetError`; `.noImages` if no file was accepted, `.tableUnusable` if columns are declared and
  ///   the table of attributes cannot be used.
  public func build(
    in directory: String, named name: String = "images.pack", listing: FolderScan? = nil
  ) throws -> SnapshotResult {
    guard rules.personColumn == nil else {
      throw DatasetError.invalidDeclaration(
        finding: "a column of persons beside images (none expected: a row belongs to the person "
          + "in whose folder its file is)")
    }
    let reading = try FolderReading(self, listing: listing)
    let attributes = try reading.attributes()
    if let attributes { onAttributes(attributes.summary) }
    let packer = try SnapshotPacker(
      directory: directory, name: name, slotCount: reading.fileCount, transform: transform)
    try reading.run(into: packer)
    let settled = reading.settle(with: attributes)
    onVerdicts(settled.files)
    guard !settled.accepted.isEmpty else {
      throw DatasetError.noImages(root: root, fileCount: settled.files.count)
    }
    try packer.finish(
      settled.accepted, classes: settled.classes, unit: rules.privacyUnit, columns: rules.columns)
    return SnapshotResult(
      snapshot: try DatasetSnapshot(opening: packer.path, isChecksumKnown: true),
      files: settled.files, attributes: attributes?.summary)
  }
}
