import Glibc

/// One listing of a root: the files that may be images, and the verdicts that depend only on names and kinds.
///
/// File system events are hints; the listing is authoritative.
public struct FolderScan: Sendable {
  /// Regular files that are not ignored, in order of their paths.
  public private(set) var files: [RelativePath] = []
  /// Their file status, in the same order; empty unless requested.
  public private(set) var signatures: [FileSignature] = []
  /// Entries that are not candidates: links, pipes, ignored names, other file systems.
  public private(set) var verdicts: [InspectedFile] = []
  /// All visited folders in order, including the root (empty path).
  public private(set) var folders: [RelativePath] = []
  /// The names of the first-level folders that contain a file.
  var classFolders: Set<[UInt8]> { classFoldersOfAll ?? Set(files.compactMap(\.classFolder)) }
  /// The class folders of the whole root if only some files are listed, because labels must not depend on them.
  private var classFoldersOfAll: Set<[UInt8]>?

  /// The maximum depth of visited folders.
  static let maximumDepth = 64

  /// Lists `root`.
  ///
  /// - Parameters:
  ///   - folder: list only below this folder.
  ///   - withSignatures: also read the status of every file.
  /// - Throws: `DatasetError.rootUnavailable`; a sub-folder that cannot be read is a verdict.
  public init(
    root: String, below folder: RelativePath = RelativePath(bytes: []),
    rules: DatasetRules = DatasetRules(), withSignatures: Bool = false
  ) throws {
    try self.init(
      root: Directory.root(root), path: root, below: folder, rules: rules,
      withSignatures: withSignatures)
  }

  init(
    root: Directory, path: String, below folder: RelativePath, rules: DatasetRules,
    withSignatures: Bool
  ) throws {
    let lister = Lister(
      device: UInt64(root.status.st_dev), rules: rules, withSignatures: withSignatures)
    guard let start = root.descendant(folder) else { return }
    do {
      try lister.list(start, at: folder, depth: 0, into: &self)
    } catch DatasetError.systemCallFailed(_, _, let code) {
      throw DatasetError.rootUnavailable(path: path, errno: code)
    }
    sort()
  }

  /// Creates a listing of some files only, in folders that an earlier listing visited.
  init(
    files: [RelativePath], signatures: [FileSignature], verdicts: [InspectedFile],
    classFolders: Set<[UInt8]>
  ) {
    self.files = files
    self.signatures = signatures
    self.verdicts = verdicts
    classFoldersOfAll = classFolders
    sort()
  }

  private mutating func sort() {
    let order = files.indices.sorted { files[$0] < files[$1] }
    if !signatures.isEmpty { signatures = order.map { signatures[$0] } }
    files = order.map { files[$0] }
    verdicts.sort { $0.path < $1.path }
    folders.sort()
  }

  /// Walks the folders of one root.
  private struct Lister {
    let device: UInt64
    let rules: DatasetRules
    let withSignatures: Bool

    /// Throws only if `directory` itself cannot be read.
    func list(
      _ directory: Directory, at path: RelativePath, depth: Int, into scan: inout FolderScan
    ) throws {
      var subfolders: [[UInt8]] = []
      try directory.forEachEntry { name, kind in
        if let reason = rules.passesOver(
          name, isFolder: kind == .directory, isFirstLevel: path.bytes.isEmpty)
        {
          scan.add(path.appending(name), .ignored(reason))
          return
        }
        switch kind {
        case .directory: subfolders.append(name)
        case .other: scan.add(path.appending(name), .notRegularFile)
        case .file: add(name, in: directory, at: path, to: &scan)
        }
      }
      scan.folders.append(path)
      for name in subfolders { enter(name, of: directory, at: path, depth: depth, into: &scan) }
    }

    private func add(
      _ name: [UInt8], in directory: Directory, at path: RelativePath, to scan: inout FolderScan
    ) {
      let file = path.appending(name)
      if withSignatures {
        guard let status = directory.status(of: name) else {
          scan.add(file, .vanished)
          return
        }
        guard status.isRegularFile else {
          scan.add(file, .notRegularFile)
          return
        }
        scan.signatures.append(FileSignature(status))
      }
      scan.files.append(file)
    }

    private func enter(
      _ name: [UInt8], of directory: Directory, at path: RelativePath, depth: Int,
      into scan: inout FolderScan
    ) {
      let place = path.appending(name)
      guard depth < FolderScan.maximumDepth, let child = directory.child(name) else {
        let isGone = directory.status(of: name) == nil
        scan.add(place, isGone ? .vanished : .forbidden)
        return
      }
      guard rules.crossesFileSystems || UInt64(child.status.st_dev) == device else {
        scan.add(place, .otherFileSystem)
        return
      }
      do {
        try list(child, at: place, depth: depth + 1, into: &scan)
      } catch {
        scan.add(place, .readError)
      }
    }
  }

  private mutating func add(_ path: RelativePath, _ verdict: ImageVerdict) {
    verdicts.append(InspectedFile(path: path, verdict: verdict))
  }
}
