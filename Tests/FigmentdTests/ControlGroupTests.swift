import FoundationEssentials
import Testing

@testable import Runs
@testable import figmentd

/// The limits that systemd, containers and schedulers set.
@Suite struct ControlGroupTests {
  /// A machine with these files, by path.
  private func group(_ files: [String: String]) throws -> ControlGroup {
    let scratch = ScratchFolder()
    for (name, text) in files { try scratch.write(name, text + "\n") }
    let group = ControlGroup(root: scratch.path)
    return group
  }

  @Test func theSmallestLimitOnTheWayUpHolds() throws {
    let group = try group([
      "proc/self/cgroup": "0::/system.slice/figmentd.service",
      "sys/fs/cgroup/cgroup.controllers": "cpu memory",
      "sys/fs/cgroup/system.slice/cpu.max": "150000 100000",
      "sys/fs/cgroup/system.slice/memory.max": "2000000000",
      "sys/fs/cgroup/system.slice/figmentd.service/cpu.max": "max 100000",
      "sys/fs/cgroup/system.slice/figmentd.service/memory.max": "max",
      "sys/fs/cgroup/system.slice/figmentd.service/memory.high": "1500000000",
    ])
    #expect(group.processors == 1.5)
    #expect(group.memoryBytes == 1_500_000_000)
  }

  @Test func withoutLimitsThereAreNone() throws {
    let group = try group([
      "proc/self/cgroup": "0::/a",
      "sys/fs/cgroup/cgroup.controllers": "cpu memory",
      "sys/fs/cgroup/a/cpu.max": "max 100000",
      "sys/fs/cgroup/a/memory.max": "max",
      "sys/fs/cgroup/a/memory.high": "max",
    ])
    #expect(group.processors == nil && group.memoryBytes == nil)
    #expect(ControlGroup(root: "/nowhere") == group)
  }

  @Test func theFirstVersionIsReadToo() throws {
    let group = try group([
      "proc/self/cgroup": "4:memory:/docker/ab\n3:cpu,cpuacct:/docker/ab\n1:name=systemd:/x",
      "sys/fs/cgroup/cpu,cpuacct/docker/ab/cpu.cfs_quota_us": "50000",
      "sys/fs/cgroup/cpu,cpuacct/docker/ab/cpu.cfs_period_us": "100000",
      "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1",
      "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000",
      "sys/fs/cgroup/memory/docker/ab/memory.limit_in_bytes": "300000000",
      "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712",
    ])
    #expect(group.processors == 0.5)
    #expect(group.memoryBytes == 300_000_000)
  }

  /// A container sees its own group at the mount, but may be given the host's path.
  @Test(arguments: ["/docker/ab", "/..", "/../other", "/"])
  func inAContainerTheMountIsItsOwnGroup(_ path: String) throws {
    let second = try group([
      "proc/self/cgroup": "0::\(path)",
      "sys/fs/cgroup/cgroup.controllers": "cpu memory",
      "sys/fs/cgroup/cpu.max": "200000 100000",
      "sys/fs/cgroup/memory.max": "1000",
    ])
    #expect(second.processors == 2 && second.memoryBytes == 1000)
    let first = try group([
      "proc/self/cgroup": "1:cpu:\(path)\n2:memory:\(path)\n0::/x",
      "sys/fs/cgroup/unified/x/cgroup.procs": "",
      "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "200000",
      "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
      "sys/fs/cgroup/memory/memory.limit_in_bytes": "1000",
    ])
    #expect(first == second)
  }

  @Test(arguments: ["", "max", "0", "-5", "99999999999999999999", "ten", "\u{0}", "1 x 3"])
  func whatIsNoLimitLimitsNothing(_ text: String) throws {
    let group = try group([
      "proc/self/cgroup": "0::/a\nnonsense\n::\n3:cpu",
      "sys/fs/cgroup/cgroup.controllers": "",
      "sys/fs/cgroup/a/cpu.max": text + " 100000",
      "sys/fs/cgroup/a/memory.max": text,
    ])
    #expect(group.processors == nil && group.memoryBytes == nil)
  }

  @Test(arguments: [(nil, 8, 8), (0.1, 8, 1), (1.5, 8, 2), (2, 8, 2), (16, 8, 8), (1, 1, 1)])
  func aQuotaIsFilledAndNotExceeded(_ quota: Double?, _ available: Int, _ threads: Int) throws {
    var files = ["proc/self/cgroup": "0::/", "sys/fs/cgroup/cgroup.controllers": "cpu"]
    if let quota { files["sys/fs/cgroup/cpu.max"] = "\(Int(quota * 1000)) 1000" }
    #expect(Processors.granted(by: try group(files), of: available) == threads)
  }
}
