import Compute
import Glibc
import Runs

/// The limits of this process's control group (cgroups(7)), as set by systemd, container engines and batch
/// schedulers.
///
/// Both versions are supported. The limits of parent groups apply as well, so the smallest one counts.
struct ControlGroup: Hashable, Sendable {
  /// The processor quota, such as 1.5 processors; nil without a quota.
  private(set) var processors: Double?
  /// Bytes of memory; nil without a limit.
  ///
  /// In version 2, `memory.high` counts like `memory.max`: above it the kernel throttles a process almost to
  /// a halt.
  private(set) var memoryBytes: Int?

  /// The group of this process, read once, because it does not change during a service's life.
  static let ofThisProcess = ControlGroup()

  /// Version 1 writes "no limit" as the largest number of whole pages.
  private static let noLimit = 1 << 60

  /// Reads the group of this process; an unreadable limit counts as none.
  ///
  /// - Parameter root: the folder that contains `/proc` and `/sys`; tests use their own.
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

  /// The folders of a group and of its parents.
  ///
  /// In a container the path may be that of the host, and its folders may not exist; then the mount itself
  /// is the container's group. A path that leads out of the mount is ignored.
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
  /// The default number of threads: the processors that the process may run on, limited by its control
  /// group's quota.
  ///
  /// With more threads, the kernel would stop all of them for the rest of each period, in the middle of a
  /// step.
  static var granted: Int { granted(by: .ofThisProcess, of: ThreadPool.availableProcessors) }

  /// The number of threads for a group on a machine with `available` processors.
  static func granted(by group: ControlGroup, of available: Int) -> Int {
    guard let quota = group.processors else { return available }
    return max(1, min(available, Int(quota.rounded(.up))))
  }
}

/// The memory that this process may use.
enum MemoryLimit {
  /// The bytes that this process and its children may use together; nil without a limit.
  static var bytes: Int? { ControlGroup.ofThisProcess.memoryBytes }
}
