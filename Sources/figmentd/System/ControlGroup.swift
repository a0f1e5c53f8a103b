import Compute
import Glibc
import Runs

/// What control groups (cgroups(7)) leave to this process: systemd, container engines and batch
/// schedulers set them.
///
/// Both versions are read. A limit of any group above holds as well, so the smallest one counts.
struct ControlGroup: Hashable, Sendable {
  /// Processors whose whole time may be used, such as 1.5; nil without a quota.
  private(set) var processors: Double?
  /// Bytes of memory; nil without a limit.
  ///
  /// Of version 2 `memory.high` counts like `memory.max`: above it the kernel slows a process down until
  /// it hardly moves.
  private(set) var memoryBytes: Int?

  /// The group of this process, read once: it does not change where a service runs.
  static let ofThisProcess = ControlGroup()

  /// Version 1 writes "no limit" as the largest number of whole pages.
  private static let noLimit = 1 << 60

  /// Reads the group of this process.
  ///
  /// What cannot be read limits nothing.
  ///
  /// - Parameter root: where `/proc` and `/sys` are; tests have folders of their own.
  init(root: String = "") {
    let lines = Self.text(root + "/proc/self/cgroup").split(separator: "\n")
    for line in lines {
      // hierarchy:controllers:path; version 2 names no controllers (cgroups(7)).
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3 else { continue }
      let controllers = parts[1].split(separator: ",")
      if parts[1].isEmpty {
        let isMixed = access(root + "/sys/fs/cgroup/cgroup.controllers", F_OK) != 0
        let mount = root + "/sys/fs/cgroup" + (isMixed ? "/unified" : "")
        for folder in Self.folders(parts[2], below: mount) { readSecondVersion(folder) }
      } else if controllers.contains("cpu") || controllers.contains("memory") {
        let mount = "\(root)/sys/fs/cgroup/\(parts[1])"
        for folder in Self.folders(parts[2], below: mount) { readFirstVersion(folder) }
      }
    }
  }

  private mutating func readSecondVersion(_ folder: String) {
    let quota = Self.text(folder + "/cpu.max").split(separator: " ")
    if quota.count == 2 { lower(quota: Self.number(quota[0]), period: Self.number(quota[1])) }
    for name in ["memory.max", "memory.high"] { lower(memory: Self.number(of: folder, name)) }
  }

  private mutating func readFirstVersion(_ folder: String) {
    lower(
      quota: Self.number(of: folder, "cpu.cfs_quota_us"),
      period: Self.number(of: folder, "cpu.cfs_period_us"))
    lower(memory: Self.number(of: folder, "memory.limit_in_bytes"))
  }

  /// Version 1 writes a quota of -1 for none, version 2 the word `max`.
  private mutating func lower(quota: Int?, period: Int?) {
    guard let quota, let period, quota > 0, period > 0 else { return }
    let granted = Double(quota) / Double(period)
    processors = min(processors ?? granted, granted)
  }

  private mutating func lower(memory bytes: Int?) {
    guard let bytes, (1..<Self.noLimit).contains(bytes) else { return }
    memoryBytes = min(memoryBytes ?? bytes, bytes)
  }

  /// The folders of a group and of those above it.
  ///
  /// In a container the path may be the host's, whose folders are not there: then the mount itself is
  /// the container's own group. A path that climbs out of it says nothing.
  private static func folders(_ path: Substring, below mount: String) -> [String] {
    var folders = [mount]
    for name in path.split(separator: "/") {
      if name == ".." { return [mount] }
      folders.append("\(folders[folders.count - 1])/\(name)")
    }
    return folders
  }

  private static func number(of folder: String, _ name: String) -> Int? {
    text("\(folder)/\(name)").split(separator: "\n").first.flatMap(number)
  }

  private static func number(_ text: Substring) -> Int? {
    Int(text.filter { !$0.isWhitespace })
  }

  private static func text(_ path: String) -> String {
    guard let data = try? DurableFile.read(path) else { return "" }
    return String(decoding: data, as: UTF8.self)
  }
}

/// The processors that this process may use.
enum Processors {
  /// Threads to compute with when nobody says how many: the processors that the process may run on, or as
  /// many as its control group's quota fills.
  ///
  /// More threads than that would stand still for the rest of each period, in the middle of a step.
  static var granted: Int { granted(by: .ofThisProcess, of: ThreadPool.availableProcessors) }

  /// Threads for a group on a machine that offers `available` processors.
  static func granted(by group: ControlGroup, of available: Int) -> Int {
    guard let quota = group.processors else { return available }
    return max(1, min(available, Int(quota.rounded(.up))))
  }
}

/// The memory that this process may use.
enum MemoryLimit {
  /// Bytes that this process and its children may use together; nil where only the machine sets an end.
  static var bytes: Int? { ControlGroup.ofThisProcess.memoryBytes }
}
