import Control
package import FoundationEssentials
import Glibc

/// The place of a synthetic set: the set appears there complete or not at all, and never replaces anything
/// that its own run did not write.
package struct SetPlace {
  /// The path at which the set appears.
  package let path: String
  /// The folder in which the set is written, beside its place, under a random name.
  package let temporary: String
  /// The rights of the set.
  private let rights: ReleaseRights
  /// The file in which the run records what it published and what it began; nil if the place must be empty.
  private let record: String?

  /// What a run published, was about to publish or began, so that it can be recognized later.
  private struct Record: Codable {
    /// SHA-256 of each manifest.
    var manifests: [String] = []
    /// Temporary folders that the run made and has not moved into place.
    var unfinished: [String]?
  }

  /// The time stamp of all released files and folders, 1980-01-01 UTC.
  ///
  /// It is the earliest that ZIP archives can store. The true time of writing depends on how long training
  /// took.
  private static let fixedTime = timespec(tv_sec: 315_532_800, tv_nsec: 0)

  /// Describes a place, and the internal folder of the run that may publish there again.
  ///
  /// `rights` decide who may read the set; by default, only its owner.
  package init(
    _ path: String, internalFiles: String? = nil, rights: ReleaseRights = .ownerAlone
  ) {
    self.path = path
    self.rights = rights
    let (folder, name) = Self.split(path)
    temporary =
      "\(folder)/.figment-\(name)-\(String.randomHexadecimal(byteCount: 6))\(DurableFile.temporarySuffix)"
    record = internalFiles.map { $0 + "/published.json" }
  }

  /// Refuses a place that holds anything but an unchanged earlier set of the same run, and a place in a
  /// folder that cannot be written to.
  ///
  /// Call it before any privacy is spent, and again before the set appears.
  package func requireFree() throws {
    try WritableFolder.require(Self.split(path).folder, as: "output")
    var information = stat()
    guard lstat(path, &information) == 0 else { return }
    if information.st_mode & S_IFMT == S_IFDIR {
      if try DurableFile.names(in: path).isEmpty { return }
      if try isOwn(path) { return }
    }
    throw ControlError.conflict(
      "\(path): something is there that this run did not write, or that was changed since (nothing, or "
        + "a set of this run, expected). It is left as it is. Move it away, or choose another name or "
        + "output.")
  }

  /// Makes an empty temporary folder, and removes those of interrupted attempts.
  func begin() throws {
    try requireFree()
    let folder = Self.split(path).folder
    try rights.makeFolder(folder)
    for leftover in unfinished { try FolderTree.remove(leftover) }
    var known = try recorded()
    // Recorded before it is made, so that the run never mistakes another's folder for its own.
    known.unfinished = [Self.split(temporary).name]
    try keep(known)
    try systemCall("mkdir", temporary) { mkdir(temporary, 0o700) }
  }

  /// The manifests of the sets that this run published or was about to publish.
  func recordedManifests() throws -> [String] { try recorded().manifests }

  /// Records the manifest of a set that is about to be published.
  ///
  /// Call it before the ledger records the release: afterwards, the run's own releases can be distinguished
  /// from those of a copy of its files.
  func note(manifest: String) throws {
    var known = try recorded()
    guard !known.manifests.contains(manifest) else { return }
    known.manifests.append(manifest)
    try keep(known)
  }

  /// The temporary folders that attempts of the run began and never moved into place.
  package var unfinished: [String] {
    // Only names of the expected form: a damaged record must not name anything else for removal.
    let folder = Self.split(path).folder
    let names = (try? recorded())?.unfinished ?? []
    return names.filter(isOwnUnfinished).map { "\(folder)/\($0)" }
  }

  /// Moves the finished set into place; `manifest` is the hash of its manifest.
  func publish(manifest: String) throws {
    try requireFree()
    try rights.apply(toAllOf: temporary)
    try FolderTree.setTimes(of: temporary, to: Self.fixedTime)
    // One flush for all images: an fsync for each of many thousands would take minutes.
    sync()
    // Before the set appears: after a crash in between, the run recognizes both the old set and the new one.
    try note(manifest: manifest)
    try FolderTree.exchange(temporary, with: path)
    try DurableFile.flushFolder(of: path)
    try removeReplaced()
    var known = try recorded()
    known.unfinished = nil
    try keep(known)
  }

  /// Removes an unfinished set.
  package func discard() { try? FolderTree.remove(temporary) }

  /// Removes the run's earlier set, which has the temporary name after an exchange.
  ///
  /// If somebody changed it until the last moment, it is kept beside the new set.
  private func removeReplaced() throws {
    guard access(temporary, F_OK) == 0 else { return }
    if try isOwn(temporary) { return try FolderTree.remove(temporary) }
    let aside = "\(path).replaced-\(String.randomHexadecimal(byteCount: 6))"
    try systemCall("rename", aside) { rename(temporary, aside) }
  }

  private func isOwnUnfinished(_ name: String) -> Bool {
    name.hasPrefix(".figment-\(Self.split(path).name)-") && Leftovers.isUnfinishedSet(name)
  }

  /// An unchanged file of the set at the place; nil when there is none.
  ///
  /// - Throws: `ControlError.conflict` when the file was changed: a changed statement, or one of another set,
  ///   would make false claims.
  package func ownFile(_ name: String) throws -> Data? {
    guard access("\(path)/\(name)", F_OK) == 0 else { return nil }
    let data = try DurableFile.read("\(path)/\(name)")
    guard let listed = try ownManifest(of: path), listed.lists(data, as: name) else {
      throw ControlError.conflict(
        "\(path)/\(name): it is not as its run wrote it (unchanged, with its manifest.json, expected). Restore "
          + "the release.")
    }
    return data
  }

  /// Whether a folder contains exactly the files that a manifest of this run lists.
  package func isOwn(_ folder: String) throws -> Bool {
    guard let manifest = try ownManifest(of: folder) else { return false }
    var found = Set(try FolderTree.files(in: folder))
    guard found.remove(ListedFiles.name) != nil, found == Set(manifest.files.keys) else {
      return false
    }
    return try manifest.files.keys.allSatisfy { name in
      manifest.lists(try DurableFile.read("\(folder)/\(name)"), as: name)
    }
  }

  /// The content of a folder's manifest; nil unless this run wrote it.
  private func ownManifest(of folder: String) throws -> ListedFiles? {
    guard let data = try? DurableFile.read("\(folder)/\(ListedFiles.name)"),
      try recorded().manifests.contains(data.sha256)
    else { return nil }
    return try? JSONDecoder().decode(ListedFiles.self, from: data)
  }

  private func recorded() throws -> Record {
    guard let record, access(record, F_OK) == 0 else { return Record() }
    return try StateFormat.read(Record.self, at: record)
  }

  private func keep(_ known: Record) throws {
    guard let record else { return }
    try DurableFile.makeFolder(Self.split(record).folder)
    try DurableFile.write(try StateFormat.encodeSealed(known), to: record)
  }

  private static func split(_ path: String) -> (folder: String, name: String) {
    let slash = path.lastIndex(of: "/") ?? path.startIndex
    return (String(path[..<slash]), String(path[slash...].drop { $0 == "/" }))
  }
}

extension RunPlaces {
  /// The place at which the set of the run appears.
  package func set(isProtected: Bool) -> SetPlace {
    SetPlace(
      isProtected ? release : unprotected, internalFiles: internalFiles,
      rights: isProtected ? rights : .ownerAlone)
  }
}
