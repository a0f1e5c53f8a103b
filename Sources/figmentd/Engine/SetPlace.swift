import Control
import Crypto
import FoundationEssentials
import Glibc

/// The place of a synthetic set: the set appears there whole or not at all, and never takes the place
/// of anything that its own run did not write.
struct SetPlace {
  /// Where the set appears.
  let path: String
  /// The folder in which it is written, beside its place and under a name of our own.
  let temporary: String
  /// Where the run notes what it published; nil where nothing may be there yet.
  private let record: String?

  /// What a run published or was about to publish: enough to recognise it later.
  private struct Record: Codable {
    /// SHA-256 of each manifest.
    var manifests: [String]
  }

  /// The one time that released files and folders carry, 1980-01-01 UTC.
  ///
  /// It is the earliest that ZIP archives can hold. When a file was written depends on how long
  /// training took.
  private static let fixedTime = timespec(tv_sec: 315_532_800, tv_nsec: 0)

  /// A place, and the internal folder of the run that may publish there again.
  init(_ path: String, internalFiles: String? = nil) {
    self.path = path
    let (folder, name) = Self.split(path)
    temporary = "\(folder)/.figment-\(name)\(DurableFile.temporarySuffix)"
    record = internalFiles.map { $0 + "/published.json" }
  }

  /// Refuses a place that holds anything but an earlier set of the same run.
  ///
  /// Called before anything is spent, and again before the set appears.
  func requireFree() throws {
    var information = stat()
    guard lstat(path, &information) == 0 else { return }
    if information.st_mode & S_IFMT == S_IFDIR {
      if try DurableFile.names(in: path).isEmpty { return }
      if try isOwn() { return }
    }
    throw ControlError.conflict(
      "\(path): something is there that this run did not write (nothing, or a set of this run, "
        + "expected). It is left as it is. Move it away, or choose another name or output.")
  }

  /// Makes an empty temporary folder; what an interrupted attempt left in it is removed.
  func begin(mode: UInt32) throws {
    try requireFree()
    try DurableFile.makeFolder(Self.split(path).folder, mode: mode)
    try FolderTree.remove(temporary)
    try DurableFile.makeFolder(temporary, mode: mode)
  }

  /// Moves the finished set, whose manifest has this hash, into place.
  func publish(manifest: String) throws {
    try requireFree()
    try FolderTree.setTimes(of: temporary, to: Self.fixedTime)
    // One flush for all images: an fsync for each of many thousands would take minutes.
    sync()
    if let record {
      // Before the set appears: after a crash between the two the run knows the old one and the new.
      let known = Record(manifests: try published() + [manifest])
      try DurableFile.makeFolder(Self.split(record).folder)
      try DurableFile.write(try ControlCoding.encodeForPeople(known), to: record)
    }
    try FolderTree.exchange(temporary, with: path)
    try DurableFile.flushFolder(of: path)
    // After an exchange this is the run's earlier set.
    try FolderTree.remove(temporary)
  }

  /// Removes what did not become a set.
  func discard() { try? FolderTree.remove(temporary) }

  private func isOwn() throws -> Bool {
    guard let manifest = try? DurableFile.read(path + "/manifest.json") else { return false }
    return try published().contains(SHA256.hash(data: manifest).hexadecimal)
  }

  /// The hashes of the manifests of all sets that the run published here.
  private func published() throws -> [String] {
    guard let record, access(record, F_OK) == 0 else { return [] }
    return try JSONDecoder().decode(Record.self, from: DurableFile.read(record)).manifests
  }

  private static func split(_ path: String) -> (folder: String, name: String) {
    let slash = path.lastIndex(of: "/") ?? path.startIndex
    return (String(path[..<slash]), String(path[slash...].drop { $0 == "/" }))
  }
}

/// Whole folders.
enum FolderTree {
  /// Removes a folder and all that is in it; nothing happens when it is not there.
  static func remove(_ path: String) throws {
    var information = stat()
    guard lstat(path, &information) == 0 else { return }
    if information.st_mode & S_IFMT == S_IFDIR {
      for name in try DurableFile.names(in: path) { try remove(path + "/" + name) }
      try systemCall("rmdir", path) { rmdir(path) }
    } else {
      try systemCall("unlink", path) { unlink(path) }
    }
  }

  /// Gives a folder and all that is in it one time of access and of change.
  static func setTimes(of path: String, to time: timespec) throws {
    var information = stat()
    try systemCall("lstat", path) { lstat(path, &information) }
    if information.st_mode & S_IFMT == S_IFDIR {
      for name in try DurableFile.names(in: path) {
        try setTimes(of: path + "/" + name, to: time)
      }
    }
    let times = [time, time]
    try systemCall("utimensat", path) {
      utimensat(AT_FDCWD, path, times, Int32(AT_SYMLINK_NOFOLLOW))
    }
  }

  private typealias Rename =
    @convention(c) (Int32, UnsafePointer<CChar>, Int32, UnsafePointer<CChar>, UInt32) -> Int32
  /// `RENAME_EXCHANGE` of renameat2(2).
  private static let exchanging: UInt32 = 2

  /// Puts a folder at `place`; one that is there already comes to the folder's old name in the same
  /// moment, so that nobody finds a half of either.
  static func exchange(_ folder: String, with place: String) throws {
    if rename(folder, place) == 0 { return }
    guard errno == ENOTEMPTY || errno == EEXIST else { throw SystemCallError("rename", place) }
    // Swift's overlay of the C library does not declare it.
    if let symbol = dlsym(nil, "renameat2"),
      unsafeBitCast(symbol, to: Rename.self)(AT_FDCWD, folder, AT_FDCWD, place, exchanging) == 0
    {
      return
    }
    // A file system without exchange: for a moment there is no set, and never half of one.
    let aside = folder + ".old"
    try remove(aside)
    try systemCall("rename", place) { rename(place, aside) }
    try systemCall("rename", place) { rename(folder, place) }
    try systemCall("rename", folder) { rename(aside, folder) }
  }
}
