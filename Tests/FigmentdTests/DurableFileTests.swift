import ArgumentParser
import Control
import FoundationEssentials
import Glibc
import TestSupport
import Testing

@testable import Runs
@testable import figmentd

@Suite struct DurableFileTests {
  private func permissions(of path: String) -> mode_t {
    var information = stat()
    return stat(path, &information) == 0 ? information.st_mode & 0o777 : 0
  }

  @Test func aFileIsReplacedWhole() throws {
    let scratch = ScratchFolder()
    let path = scratch.path + "/file"
    try DurableFile.write(Data("one".utf8), to: path)
    try DurableFile.write(Data("two and more".utf8), to: path)
    #expect(try DurableFile.read(path) == Data("two and more".utf8))
    #expect(try scratch.names(in: ".") == ["file"])
    #expect(permissions(of: path) == 0o600)
  }

  @Test func largeFilesAreReadWhole() throws {
    let scratch = ScratchFolder()
    let bytes = Data((0..<300_000).map { UInt8(truncatingIfNeeded: $0 * 7) })
    try DurableFile.write(bytes, to: scratch.path + "/large")
    #expect(try DurableFile.read(scratch.path + "/large") == bytes)
  }

  @Test func whatACrashLeftIsNoObstacle() throws {
    let scratch = ScratchFolder()
    try scratch.write("file.tmp", "half")
    try DurableFile.write(Data("whole".utf8), to: scratch.path + "/file")
    #expect(try scratch.names(in: ".") == ["file"])
  }

  @Test func aLinkInPlaceOfTheTemporaryFileIsNotFollowed() throws {
    let scratch = ScratchFolder()
    let victim = try scratch.write("victim", "precious")
    try makeLink(at: scratch.path + "/file.tmp", to: victim)
    try DurableFile.write(Data("new".utf8), to: scratch.path + "/file")
    #expect(try scratch.read("victim") == "precious")
  }

  @Test func aFailedWriteKeepsTheOldFile() throws {
    let scratch = ScratchFolder()
    let path = scratch.path + "/file"
    try DurableFile.write(Data("old".utf8), to: path)
    // A folder in place of the temporary file cannot be replaced.
    try FileManager.default.createDirectory(
      atPath: path + ".tmp/x", withIntermediateDirectories: true)
    #expect(throws: SystemCallError.self) { try DurableFile.write(Data("new".utf8), to: path) }
    #expect(try scratch.read("file") == "old")
  }

  @Test func aFileIsFlushedBeforeItIsNamedAndItsFolderAfterwards() throws {
    let scratch = ScratchFolder()
    let disk = NotedLedgerDisk()
    try disk.replace(scratch.path + "/file", in: scratch.path, with: [1, 2])
    guard disk.calls.count == 4, case .write(let file) = disk.calls[0],
      case .synchronize(let folder) = disk.calls[3]
    else {
      Issue.record("\(disk.calls)")
      return
    }
    #expect(disk.calls == [.write(file), .synchronize(file), .rename, .synchronize(folder)])
  }

  @Test(arguments: [FaultyLedgerDisk.Call.write, .synchronize])
  func aFailedReplacementLeavesTheOldFileAlone(_ call: FaultyLedgerDisk.Call) throws {
    let scratch = ScratchFolder()
    try scratch.write("file", "old")
    let disk = FaultyLedgerDisk(call, number: 1, code: EIO)
    #expect(throws: LedgerFileFault.self) {
      try disk.replace(scratch.path + "/file", in: scratch.path, with: [1, 2])
    }
    #expect(try scratch.names(in: ".") == ["file"])
    #expect(try scratch.read("file") == "old")
  }

  @Test func foldersAreMadePrivate() throws {
    let scratch = ScratchFolder()
    try DurableFile.makeFolder(scratch.path + "/a/b/c")
    #expect(permissions(of: scratch.path + "/a/b/c") == 0o700)
    try DurableFile.makeFolder(scratch.path + "/a/b/c")
    try scratch.write("plain", "")
    #expect(throws: SystemCallError.self) {
      try DurableFile.makeFolder(scratch.path + "/plain")
    }
  }
}

@Suite struct StateDirectoryTests {
  @Test func onlyOneDaemonHasIt() throws {
    let scratch = ScratchFolder()
    let path = scratch.path + "/state"
    do {
      let first = try StateDirectory(path)
      let error = #expect(throws: (any Error).self) { try StateDirectory(path) }
      #expect("\(error.map { "\($0)" } ?? "")".contains("another figmentd is using it"))
      withExtendedLifetime(first) {}
    }
    // The lock is free again after the first is released.
    _ = try StateDirectory(path)
  }

  /// If a daemon is killed while it starts a child, the child holds the lock for a moment.
  @Test func aLockThatIsLetGoSoonIsWaitedFor() async throws {
    let scratch = ScratchFolder()
    let path = scratch.path + "/state"
    try DurableFile.makeFolder(path)
    let held = open(path + "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    #expect(flock(held, LOCK_EX | LOCK_NB) == 0)
    #expect(throws: ControlError.self) {
      try StateDirectory(path, patience: .milliseconds(50))
    }
    let release = Task.detached {
      try await Task.sleep(for: .milliseconds(200))
      close(held)
    }
    _ = try await SerialThread(named: "test").run {
      try StateDirectory(path, patience: .seconds(60)).paths
    }
    try await release.value
  }

  /// After a second close, a descriptor may belong to another file.
  @Test func aRefusalClosesNothingOfOthers() async throws {
    let scratch = ScratchFolder()
    let path = scratch.path + "/state"
    let first = try StateDirectory(path)
    let others = Task.detached {
      var lost = 0
      for _ in 0..<20_000 {
        let other = open("/dev/null", O_RDONLY | O_CLOEXEC)
        if close(other) != 0 { lost += 1 }
      }
      return lost
    }
    for _ in 0..<2_000 { #expect(throws: ControlError.self) { try StateDirectory(path) } }
    #expect(await others.value == 0)
    withExtendedLifetime(first) {}
  }

  @Test func nobodyElseMayLookIntoIt() throws {
    let scratch = ScratchFolder()
    try FileManager.default.createDirectory(
      atPath: scratch.path + "/state", withIntermediateDirectories: true,
      attributes: [.posixPermissions: 0o755])
    let state = try StateDirectory(scratch.path + "/state")
    var information = stat()
    stat(state.paths.path, &information)
    #expect(information.st_mode & 0o777 == 0o700)
  }

  @Test func itsGroupPassesThroughToReleasesAndListsNothing() throws {
    let scratch = ScratchFolder()
    let state = try StateDirectory(scratch.path + "/state", holdsReleases: true)
    var information = stat()
    stat(state.paths.path, &information)
    #expect(information.st_mode & 0o777 == 0o710)
    for folder in [state.paths.jobs, state.paths.ledgers, state.paths.snapshots] {
      stat(folder, &information)
      #expect(information.st_mode & 0o777 == 0o700)
    }
  }

  /// Root could create files in it that its owner could not open later.
  @Test func aStateOfAnotherUserIsRefusedWithTheCommandThatDoesIt() throws {
    let message = try OrdinaryUser.run {
      let error = #expect(throws: ControlError.self) { try StateDirectory("/usr") }
      return error?.message ?? ""
    }
    #expect(message.contains("it belongs to user 'root'"))
    #expect(message.contains("sudo -u root figmentd run --state /usr"))
  }

  @Test func aRunBesideTheServiceIsRefusedBeforeItReadsAnImage() throws {
    let code = try OrdinaryUser.run {
      let bench = try RunBench()
      let command = try RunCommand.parse([
        "--images", bench.order.root, "--recipe", bench.scratch.path + "/tiny.yaml", "--epsilon",
        "2", "--delta", "1e-5", "--output", bench.scratch.path + "/out", "--state", "/usr",
      ])
      let error = #expect(throws: ArgumentParser.ExitCode.self) { try command.run() }
      #expect(!FileManager.default.fileExists(atPath: bench.scratch.path + "/out"))
      return error?.rawValue
    }
    #expect(code == Control.ExitCode.failed.rawValue)
  }
}
