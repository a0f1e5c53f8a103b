import Control
import FoundationEssentials
import Glibc
import Runs
import Synchronization

/// The paths in the state directory.
///
/// ```
/// STATE/                0700, or 0710 with the releases in it
///   format              the format number of the state
///   lock                held while the daemon runs; its process id
///   jobs/               JobStore
///   ledgers/            what was spent on each dataset
///   ledger-marks/       what proves the ledgers' age
///   snapshots/          frozen datasets, packed pixels
///   index.sqlite        ImageIndex; may be deleted
/// ```
struct StatePaths: Codable, Hashable, Sendable {
  /// The state directory itself.
  let path: String

  /// The folder of jobs.
  var jobs: String { path + "/jobs" }
  /// The folder of ledgers.
  var ledgers: String { path + "/ledgers" }
  /// The folder of the marks that prove the ledgers' age.
  var ledgerMarks: String { path + "/ledger-marks" }
  /// The folder of frozen datasets.
  var snapshots: String { path + "/snapshots" }
  /// The index of files.
  var index: String { path + "/index.sqlite" }
}

/// The daemon's persistent state, owned by one daemon at a time.
final class StateDirectory: Sendable {
  /// The paths of its parts.
  let paths: StatePaths
  private let lock: Int32
  private let openIndex = Mutex<ImageIndex?>(nil)

  /// The index, opened once, so that a replacement of a damaged index applies to all users.
  func imageIndex() throws -> ImageIndex {
    try openIndex.withLock { opened in
      if let opened { return opened }
      let index = try ImageIndex(path: paths.index)
      opened = index
      return index
    }
  }

  /// Creates the folder if it is missing, and locks it.
  ///
  /// - Parameters:
  ///   - holdsReleases: whether its group may traverse it to reach the releases; the group can list and open
  ///     nothing else there.
  ///   - patience: how long to wait for the lock. A daemon that is killed while it starts a child leaves the
  ///     lock with that child until the child's program runs.
  /// - Throws: `ControlError.conflict` if another daemon uses it, another user owns it, or a later version
  ///   wrote it.
  init(_ path: String, holdsReleases: Bool = false, patience: Duration = .zero) throws {
    paths = StatePaths(path: path)
    try Self.requireOwn(path)
    try DurableFile.makeFolder(path)
    try systemCall("chmod", path) { chmod(path, holdsReleases ? 0o710 : 0o700) }
    lock = try Self.take(path, patience)
    for folder in [paths.jobs, paths.ledgers, paths.snapshots] {
      try DurableFile.makeFolder(folder)
    }
    try keepFormat()
  }

  deinit { close(lock) }

  /// Refuses a directory of a later version, and writes the format number if it is missing.
  private func keepFormat() throws {
    let (path, file) = (paths.path, paths.path + "/format")
    if let noted = try? DurableFile.read(file),
      let number = Int(String(decoding: noted, as: UTF8.self).filter { $0.isNumber })
    {
      try StateFormat.check(number, of: "state directory \(path)")
      if number == StateFormat.current { return }
    }
    // A full disk must not prevent the daemon from starting; the files contain their own format numbers.
    try? DurableFile.write(Data("\(StateFormat.current)\n".utf8), to: file)
  }

  /// Refuses a state directory of another user, who could not read files created in it.
  ///
  /// Root in particular could create ledgers that the service cannot open.
  static func requireOwn(_ path: String) throws(ControlError) {
    var information = stat()
    guard stat(path, &information) == 0, information.st_uid != geteuid() else { return }
    let (owner, user) = (
      UserAccount.name(ofUser: information.st_uid), UserAccount.name(ofUser: geteuid())
    )
    throw .conflict(
      "state directory \(path): it belongs to user '\(owner)', but this process runs as '\(user)' (the same "
        + "user expected). The owner could not read files created in it. Run the command as that user, "
        + "'sudo -u \(owner) figmentd run --state \(path) …', or choose a folder of your own with --state."
    )
  }

  /// Returns the locked descriptor of a directory's lock file.
  ///
  /// This is separate from `init`, which would run `deinit` after a failure and close the descriptor twice;
  /// by the second time, the number may belong to another file.
  private static func take(_ directory: String, _ patience: Duration) throws -> Int32 {
    if let lock = try FileLock.take(directory + "/lock", patience: patience) { return lock }
    throw ControlError.conflict(
      "state directory \(directory): another figmentd is using it (one daemon per directory "
        + "expected). Stop it, or choose another --state.")
  }
}
