import Control
import Glibc
import Runs
import Synchronization

/// The room that must stay free on a disk.
enum MinimumFree: Codable, Hashable, Sendable {
  /// So many bytes.
  case bytes(Int)
  /// So many percent of the disk.
  case percent(Double)
  /// 1 GiB, or 5 % of a disk that is smaller than 20 GiB.
  case usual

  /// Bytes on a disk of `capacity` bytes.
  func bytes(of capacity: Int) -> Int {
    switch self {
    case .bytes(let count): count
    case .percent(let share): Int(Double(capacity) * share / 100)
    case .usual: min(1 << 30, capacity / 20)
    }
  }
}

/// Looks after the free space on the disks of the state and of the output.
///
/// Below the minimum no job starts, and one that runs waits wherever it tells how far it has come, so
/// that there is room for its last checkpoint and for what other programs need.
final class FreeSpaceGuard: Sendable {
  private let folders: [(name: String, path: String)]
  private let minimum: Mutex<MinimumFree>
  private let measure: @Sendable (String) -> DiskRoom?
  private let lastLook = Mutex<ContinuousClock.Instant?>(nil)

  /// A running job looks at the disks this often.
  private static let interval = Duration.seconds(1)

  /// Looks after the disks that hold the state directory and the output.
  init(
    state: String, output: String, minimum: MinimumFree,
    measure: @escaping @Sendable (String) -> DiskRoom? = DiskRoom.at
  ) {
    folders = [("state", state), ("output", output)]
    self.minimum = Mutex(minimum)
    self.measure = measure
  }

  /// Follows a changed configuration.
  func adopt(_ minimum: MinimumFree) { self.minimum.withLock { $0 = minimum } }

  /// What is short of room, in words; nil when there is enough.
  func shortage() -> String? {
    let minimum = minimum.withLock { $0 }
    for (name, path) in folders {
      guard let room = measure(path) else { continue }
      let needed = minimum.bytes(of: room.capacity)
      guard room.free < needed else { continue }
      return "disk of the \(name) directory \(path): \(Rounded.bytes(room.free)) free "
        + "(minimum_free \(Rounded.bytes(needed)) expected). Jobs wait until there is room: remove "
        + "files, or finished jobs with 'figment prune' and 'figment remove'."
    }
    return nil
  }

  /// Waits on a running job's thread until there is room, or the job is to stop.
  ///
  /// - Parameter wait: called once a second meanwhile.
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
