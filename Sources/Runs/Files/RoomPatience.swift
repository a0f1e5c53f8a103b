import Glibc
import Synchronization

/// What a process does when a disk has no free space for its writes.
///
/// A process that works for one job waits, keeping all results in memory, and repeats the call: what was paid
/// for is not lost. The daemon never waits: there such a call fails at once, so that it can still answer
/// requests.
package final class RoomPatience: Sendable {
  /// The patience of this process; it has none until `wait(by:)`.
  package static let ofThisProcess = RoomPatience()

  private let pause = Mutex<(@Sendable () -> Bool)?>(nil)
  private let isOver = Atomic<Bool>(false)

  /// Starts without patience.
  package init() {}

  /// From now on, calls that find no free space wait.
  ///
  /// - Parameter pause: waits for a moment; false when there is no time for further waiting.
  func wait(by pause: @escaping @Sendable () -> Bool) { self.pause.withLock { $0 = pause } }

  /// From now on, calls that find no free space fail at once; a waiting call fails, too.
  package func endWaiting() { pause.withLock { $0 = nil } }

  /// From now on, calls wait until there is free space, or until the job should stop.
  ///
  /// - Parameters:
  ///   - tell: called when a wait begins.
  ///   - beat: called about once a second during a wait.
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

  /// The time between two attempts.
  private static let interval = Duration.seconds(1)

  /// Waits after a call that failed with `code`, and returns whether to repeat the call.
  func triesAgain(after code: Int32) -> Bool {
    guard [ENOSPC, EDQUOT].contains(code), let pause = pause.withLock({ $0 }) else { return false }
    if pause() { return self.pause.withLock { $0 != nil } }
    isOver.store(true, ordering: .relaxed)
    return false
  }

  /// Whether a call failed because it could not wait any longer.
  package var hasEnded: Bool { isOver.load(ordering: .relaxed) }
}
