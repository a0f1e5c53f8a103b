import Glibc

/// Locks that keep two processes from using the same files at once (flock(2)).
package enum FileLock {
  /// The time between two attempts, in microseconds.
  private static let interval: UInt32 = 20_000

  /// Makes a lock file if it is missing, and takes it.
  ///
  /// - Parameter patience: how long to wait for a lock that another process holds.
  /// - Returns: the locked descriptor, which holds the lock until it is closed; nil if another process still
  ///   holds it.
  /// - Throws: `SystemCallError`.
  package static func take(_ path: String, patience: Duration) throws -> Int32? {
    let lock = try systemCall("open", path) {
      open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    }
    let end = ContinuousClock.now + patience
    while flock(lock, LOCK_EX | LOCK_NB) != 0 {
      let error = SystemCallError("flock", path)
      if error.code == EWOULDBLOCK, ContinuousClock.now < end {
        usleep(interval)
        continue
      }
      close(lock)
      guard error.code == EWOULDBLOCK else { throw error }
      return nil
    }
    return lock
  }
}
