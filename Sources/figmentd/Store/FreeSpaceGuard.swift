import Control
import Glibc
import Runs
import Synchronization

/// The space to keep free on a disk.
enum MinimumFree: Codable, Hashable, Sendable {
  /// A number of bytes.
  case bytes(Int)
  /// A percentage of the disk.
  case percent(Double)
  /// 1 GiB, or 5 % of a disk smaller than 20 GiB.
  case usual

  /// The number of bytes on a disk of `capacity` bytes.
  func bytes(of capacity: Int) -> Int {
    switch self {
    case .bytes(let count): count
    case .percent(let share): Int(Double(capacity) * share / 100)
    case .usual: min(1 << 30, capacity / 20)
    }
  }
}

/// Monitors the free space on the disks of the state and of the output.
///
/// Below the minimum no job starts, and a running job waits at its next progress report, so that space
/// remains for its last checkpoint and for other programs.
final class FreeSpaceGuard: Sendable {
  private let folders: [(name: String, path: String)]
  private let minimum: Mutex<MinimumFree>
  private let measure: @Sendable (String) -> DiskRoom?
  private let lastLook = Mutex<ContinuousClock.Instant?>(nil)

  /// The interval at which a running job checks the disks.
  private static let interval = Duration.seconds(1)

  /// Monitors the disks of the state directory and the output.
  init(
    state: String, output: String, minimum: MinimumFree,
    measure: @escaping @Sendable (String) -> DiskRoom? = DiskRoom.at
  ) {
    folders = [("state", state), ("output", output)]
    self.minimum = Mutex(minimum)
    self.measure = measure
  }

  /// Applies a changed configuration.
  func adopt(_ minimum: MinimumFree) { self.minimum.withLock { $0 = minimum } }

  /// Describes which disk lacks space; nil if there is enough.
  func shortage() -> String? {
    let minimum = minimum.withLock { $0 }
    for (name, path) in folders {
      guard let room = measure(path) else { continue }
      let needed = minimum.bytes(of: room.capacity)
      guard room.free < needed else { continue }
      return "disk of the \(name) directory \(path): \(Rounded.bytes(room.free)) free "
        + "(minimum_free \(Rounded.bytes(needed)) expected). Jobs wait for free space: remove "
        + "files, or finished jobs with 'figment prune' and 'figment remove'."
    }
    return nil
  }

  /// Waits on a running job's thread until there is enough space, or the job must stop.
  ///
  /// - Parameter wait: called once a second while it waits.
  func waitForRoom(unless stop: StopSignal, wait: () -> Void) {
    let isDue = lastLook.withLock { last in
      let now = ContinuousClock.now
      if let last, now - last < Self.interval { return false }
      last = now
      return true
    }
    guard isDue else { return }
    while !stop.isRaised, shortage() != nil {
      wait()
      usleep(1_000_000)
    }
  }
}
