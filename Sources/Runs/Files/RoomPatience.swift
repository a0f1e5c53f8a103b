import Glibc
import Synchronization

/// What a process does when a disk has no room for what it writes.
///
/// A process that works for one job waits, with all that it has computed in memory, and makes the same
/// call again: what was paid for is not lost. The daemon never waits: there a failure stands at once, so
/// that it answers whatever its disks hold.
package final class RoomPatience: Sendable {
  /// That of this process; without patience until `wait(by:)` gives it some.
  package static let ofThisProcess = RoomPatience()

  private let pause = Mutex<(@Sendable () -> Bool)?>(nil)
  private let isOver = Atomic<Bool>(false)

  /// Starts without patience.
  package init() {}

  /// Lets calls that find no room wait from now on.
  ///
  /// - Parameter pause: waits for a moment; false when there is no time to wait any longer.
  func wait(by pause: @escaping @Sendable () -> Bool) { self.pause.withLock { $0 = pause } }

  /// Lets calls that find no room fail at once again; one that waits now fails, too.
  package func endWaiting() { pause.withLock { $0 = nil } }

  /// Lets calls wait from now on until there is room, or until a job is to stop.
  ///
  /// - Parameters:
  ///   - tell: called when a wait begins.
  ///   - beat: called about once a second while it lasts.
  package func wait(
    unless stop: StopSignal, tell: @escaping @Sendable () -> Void,
    beat: @escaping @Sendable () -> Void = {}
  ) {
    let last = Mutex<ContinuousClock.Instant?>(nil)
    wait {
      guard !stop.isRaised else { return false }
      let isNew = last.withLock { last in
        defer { last = .now }
        return last.map { ContinuousClock.now - $0 > Self.interval * 3 } ?? true
      }
      if isNew { tell() }
      beat()
      usleep(UInt32(Self.interval / .microseconds(1)))
      return true
    }
  }

  /// The time between two tries.
  private static let interval = Duration.seconds(1)

  /// Whether a call that failed with `code` is to be made again; waits before it says so.
  func triesAgain(after code: Int32) -> Bool {
    guard [ENOSPC, EDQUOT].contains(code), let pause = pause.withLock({ $0 }) else { return false }
    if pause() { return self.pause.withLock { $0 != nil } }
    isOver.store(true, ordering: .relaxed)
    return false
  }

  /// Whether a call failed because it could not wait any longer.
  package var hasEnded: Bool { isOver.load(ordering: .relaxed) }
}
