import Glibc

/// The result of scanning a whole root.
public struct WholeLook: Sendable {
  /// Every entry with its verdict, in order of paths.
  public let files: [InspectedFile]
  /// The folders, for later checks of single files.
  public let shape: FolderShape
}

/// The folders of a root, as its last listing found them.
public struct FolderShape: Sendable {
  let folders: Set<RelativePath>
  let classFolders: Set<[UInt8]>
  /// The number of files in each first-level folder; files in the root count under its empty name.
  private var counts: [[UInt8]: Int] = [:]

  init(_ scan: FolderScan) {
    folders = Set(scan.folders)
    classFolders = scan.classFolders
    for file in scan.files { counts[Self.place(of: file), default: 0] += 1 }
  }

  /// Updates the counts for files that appeared and vanished.
  ///
  /// - Returns: false if a first-level folder got its first file or lost its last one, which may change the
  ///   classes and therefore the verdicts of all files.
  public mutating func count(
    came: some Sequence<RelativePath>, went: some Sequence<RelativePath>
  ) -> Bool {
    let before = counts
    for file in came { counts[Self.place(of: file), default: 0] += 1 }
    for file in went { counts[Self.place(of: file), default: 0] -= 1 }
    return counts.allSatisfy { ($0.value > 0) == (before[$0.key, default: 0] > 0) }
  }

  private static func place(of file: RelativePath) -> [UInt8] {
    let parts = file.components
    return parts.count > 1 ? Array(parts[0]) : []
  }
}

/// The result of checking some files of a root.
public struct FilesLook: Sendable {
  /// The existing files, with their verdicts relative to each other, in order of paths.
  public let files: [InspectedFile]
  /// The files that no longer exist.
  public let gone: [RelativePath]
}

extension SnapshotBuilder {
  /// Reads the folder and returns the verdict of each file, and the list of folders.
  ///
  /// - Parameter known: the result of an earlier inspection with the same transform and limits; a
  ///   file whose signature is unchanged is not read again.
  /// - Throws: `DatasetError`.
  public func inspectAll(known: [RelativePath: InspectedFile] = [:]) throws -> WholeLook {
    let reading = try FolderReading(self, known: known)
    try reading.run(into: nil)
    return WholeLook(files: reading.settle().files, shape: FolderShape(reading.scan))
  }

  /// Checks some files alone, as if no others existed.
  ///
  /// Verdicts that compare files are valid if `paths` contains all files with the same content, or,
  /// with folders as units, all files of the same person.
  ///
  /// - Returns: nil if a full scan is necessary, because a folder appeared or disappeared.
  /// - Throws: `DatasetError`.
  public func inspect(
    only paths: some Sequence<RelativePath>, in shape: FolderShape,
    known: [RelativePath: InspectedFile]
  ) throws -> FilesLook? {
    try rules.validate()
    let root = try Directory.root(root)
    var files: [(path: RelativePath, signature: FileSignature)] = []
    var verdicts: [InspectedFile] = []
    var gone: [RelativePath] = []
    for path in paths {
      let name = path.bytes[path.nameRange]
      let folder = RelativePath(bytes: Array(path.bytes[..<max(name.startIndex - 1, 0)]))
      guard let status = root.descendant(folder)?.status(of: name) else {
        gone.append(path)
        continue
      }
      if let reason = rules.passesOver(
        Array(name), isFolder: status.isDirectory, isFirstLevel: folder.bytes.isEmpty)
      {
        verdicts.append(InspectedFile(path: path, verdict: .ignored(reason)))
        continue
      }
      guard !status.isDirectory, shape.folders.contains(folder) else { return nil }
      if status.isRegularFile {
        files.append((path, FileSignature(status)))
      } else {
        verdicts.append(InspectedFile(path: path, verdict: .notRegularFile))
      }
    }
    let scan = FolderScan(
      files: files.map(\.path), signatures: files.map(\.signature), verdicts: verdicts,
      classFolders: shape.classFolders)
    let reading = FolderReading(self, known: known, root: root, scan: scan)
    try reading.run(into: nil)
    return FilesLook(files: reading.settle().files, gone: gone)
  }
}
