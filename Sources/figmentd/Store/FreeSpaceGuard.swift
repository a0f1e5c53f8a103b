import Control
import Glibc
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
  /// The size of a disk and what of it is free, in bytes.
  struct Room: Hashable, Sendable {
    var capacity: Int
    var free: Int
    /// Which file system it is (statvfs(3), `f_fsid`): folders of one share its room.
    var fileSystem: UInt = 0
  }

  private let folders: [(name: String, path: String)]
  private let minimum: Mutex<MinimumFree>
  private let measure: @Sendable (String) -> Room?
  private let lastLook = Mutex<ContinuousClock.Instant?>(nil)

  /// A running job looks at the disks this often.
  private static let interval = Duration.seconds(1)

  /// Looks after the disks that hold the state directory and the output.
  init(
    state: String, output: String, minimum: MinimumFree,
    measure: @escaping @Sendable (String) -> Room? = FreeSpaceGuard.room
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
      return "disk of the \(name) directory \(path): \(ByteCount.text(room.free)) free "
        + "(minimum_free \(ByteCount.text(needed)) expected). Jobs wait until there is room: remove "
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

  /// The room on the disk of a path, which need not be there yet.
  static func room(at path: String) -> Room? {
    var status = statvfs()
    var path = path
    while statvfs(path, &status) != 0 {
      guard errno == ENOENT, let slash = path.lastIndex(of: "/") else { return nil }
      path = slash == path.startIndex ? "/" : String(path[..<slash])
    }
    let block = Int(status.f_frsize)
    return Room(
      capacity: Int(clamping: status.f_blocks).multipliedReportingOverflow(by: block).partialValue,
      free: Int(clamping: status.f_bavail).multipliedReportingOverflow(by: block).partialValue,
      fileSystem: UInt(status.f_fsid))
  }
}

/// Numbers of bytes for people.
enum ByteCount {
  /// `3.1 GiB`, `512 bytes`.
  static func text(_ bytes: Int) -> String {
    let units = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")]
    guard let (size, name) = units.first(where: { bytes >= $0.0 }) else { return "\(bytes) bytes" }
    let tenths = (Double(bytes) / Double(size) * 10).rounded() / 10
    return "\(tenths) \(name)"
  }
}
