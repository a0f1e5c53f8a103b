import Control
import FoundationEssentials
import Glibc
import Runs
import Synchronization

/// Where things lie in the state directory.
///
/// ```
/// STATE/                0700, or 0710 with the releases in it
///   format              the number of the format of it all
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

/// The folder that holds what the daemon must not forget, owned by one daemon at a time.
final class StateDirectory: Sendable {
  /// Where its parts lie.
  let paths: StatePaths
  private let lock: Int32
  private let openIndex = Mutex<ImageIndex?>(nil)

  /// The index, opened once: whoever finds it damaged replaces it for all.
  func imageIndex() throws -> ImageIndex {
    try openIndex.withLock { opened in
      if let opened { return opened }
      let index = try ImageIndex(path: paths.index)
      opened = index
      return index
    }
  }

  /// Makes the folder if it is missing, and takes it.
  ///
  /// - Parameter holdsReleases: whether its group passes through it to the releases; it can list nothing and
  ///   open nothing else there.
  /// - Parameter patience: how long one that another process holds is waited for. A daemon that is killed
  ///   while it starts a child leaves the lock to that child for the moment until the child's program runs.
  /// - Throws: `ControlError.conflict` when another daemon has it, or another user owns it, or a
  ///   later version wrote it.
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

  /// Refuses a directory of a later version, and notes the format of one that has no number.
  private func keepFormat() throws {
    let (path, file) = (paths.path, paths.path + "/format")
    if let noted = try? DurableFile.read(file),
      let number = Int(String(decoding: noted, as: UTF8.self).filter { $0.isNumber })
    {
      try StateFormat.check(number, of: "state directory \(path)")
      if number == StateFormat.current { return }
    }
    // A full disk must not keep the daemon from starting; the files carry their numbers themselves.
    try? DurableFile.write(Data("\(StateFormat.current)\n".utf8), to: file)
  }

  /// Refuses a state directory of another user: what is made in it would be closed to him.
  ///
  /// Root is the one who could, and would leave ledgers that the service cannot open.
  static func requireOwn(_ path: String) throws(ControlError) {
    var information = stat()
    guard stat(path, &information) == 0, information.st_uid != geteuid() else { return }
    let (owner, user) = (
      UserAccount.name(ofUser: information.st_uid), UserAccount.name(ofUser: geteuid())
    )
    throw .conflict(
      "state directory \(path): it belongs to user '\(owner)', and this runs as '\(user)': files made in it "
        + "would be closed to its owner (the same user expected). Run it as that user, "
        + "'sudo -u \(owner) figmentd run --state \(path) …', or name a folder of your own with --state."
    )
  }

  /// The locked descriptor of a directory's lock file.
  ///
  /// Apart from `init`, which would run `deinit` after a failure and so close a descriptor twice: the
  /// second time it may already be someone else's.
  private static func take(_ directory: String, _ patience: Duration) throws -> Int32 {
    if let lock = try FileLock.take(directory + "/lock", patience: patience) { return lock }
    throw ControlError.conflict(
      "state directory \(directory): another figmentd uses it (one daemon per directory "
        + "expected). Stop it, or give this one another --state.")
  }
}
