import Glibc
import Synchronization

/// What a process does when a disk has no room for what it writes.
///
/// A process that works for one job waits, with all that it has computed in memory, and makes the same
/// call again: what was paid for is not lost. The daemon never waits: there a failure stands at once, so
/// that it answers whatever its disks hold.
final class RoomPatience: Sendable {
  /// That of this process; without patience until `wait(by:)` gives it some.
  static let ofThisProcess = RoomPatience()

  private let pause = Mutex<(@Sendable () -> Bool)?>(nil)
  private let isOver = Atomic<Bool>(false)

  /// Starts without patience.
  init() {}

  /// Lets calls that find no room wait from now on.
  ///
  /// - Parameter pause: waits for a moment; false when there is no time to wait any longer.
  func wait(by pause: @escaping @Sendable () -> Bool) { self.pause.withLock { $0 = pause } }

  /// Whether a call that failed with `code` is to be made again; waits before it says so.
  func triesAgain(after code: Int32) -> Bool {
    guard [ENOSPC, EDQUOT].contains(code), let pause = pause.withLock({ $0 }) else { return false }
    if pause() { return true }
    isOver.store(true, ordering: .relaxed)
    return false
  }

  /// Whether a call failed because it could not wait any longer.
  var hasEnded: Bool { isOver.load(ordering: .relaxed) }
}
