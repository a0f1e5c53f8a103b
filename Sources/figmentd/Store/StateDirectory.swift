import Control
import Glibc

/// Where things lie in the state directory.
///
/// ```
/// STATE/                0700
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

  /// Makes the folder if it is missing, and takes it.
  ///
  /// - Throws: `ControlError.conflict` when another daemon has it.
  init(_ path: String) throws {
    paths = StatePaths(path: path)
    try DurableFile.makeFolder(path)
    try systemCall("chmod", path) { chmod(path, 0o700) }
    lock = try Self.take(path)
    for folder in [paths.jobs, paths.ledgers, paths.snapshots] {
      try DurableFile.makeFolder(folder)
    }
  }

  deinit { close(lock) }

  /// The locked descriptor of a directory's lock file.
  ///
  /// Apart from `init`, which would run `deinit` after a failure and so close a descriptor twice: the
  /// second time it may already be someone else's.
  private static func take(_ directory: String) throws -> Int32 {
    let path = directory + "/lock"
    let lock = try systemCall("open", path) {
      open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    }
    guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
      let isTaken = errno == EWOULDBLOCK
      let error = SystemCallError("flock", path)
      close(lock)
      guard isTaken else { throw error }
      throw ControlError.conflict(
        "state directory \(directory): another figmentd uses it (one daemon per directory "
          + "expected). Stop it, or give this one another --state.")
    }
    return lock
  }
}
