import Control
import FoundationEssentials
import Glibc
import Privacy
import TestSupport
import Testing

@testable import Runs
@testable import figmentd

/// Who may read a release, and where it is written.
@Suite struct ReleaseRightsTests {
  /// Group and permissions of all folders and files below a path, without repetition.
  private func rights(below path: String) throws -> (folders: Set<String>, files: Set<String>) {
    var found: (folders: Set<String>, files: Set<String>) = ([], [])
    func look(_ path: String) throws {
      var information = stat()
      try systemCall("lstat", path) { lstat(path, &information) }
      let words =
        "\(information.st_gid) \(String(information.st_mode & 0o7777, radix: 8))"
      guard information.st_mode & S_IFMT == S_IFDIR else {
        found.files.insert(words)
        return
      }
      found.folders.insert(words)
      for name in try DurableFile.names(in: path) { try look("\(path)/\(name)") }
    }
    try look(path)
    return found
  }

  /// A group that this process may assign to files, and that new files do not have by default.
  private var otherGroup: gid_t { geteuid() == 0 ? 1 : getegid() }

  @Test(arguments: [0o750, 0o755, 0o700, 0o770] as [mode_t])
  func everyFileOfAReleaseHasTheRightsThatAreConfigured(_ mode: mode_t) throws {
    var bench = try RunBench()
    bench.places.rights = ReleaseRights(group: otherGroup, folderMode: mode)
    #expect(try bench.run().isFinished)
    let found = try rights(below: bench.places.release)
    #expect(found.folders == ["\(otherGroup) \(String(mode, radix: 8))"])
    #expect(found.files == ["\(otherGroup) \(String(mode & 0o666, radix: 8))"])
    // Internal files are private in any case.
    let inside = try rights(below: bench.places.internalFiles)
    #expect(inside.folders == ["\(getegid()) 700"] && inside.files == ["\(getegid()) 600"])
  }

  @Test func aSetWithoutPrivacyIsItsOwnersAloneWhateverIsConfigured() throws {
    var bench = try RunBench(epsilon: nil)
    bench.places.rights = ReleaseRights(group: nil, folderMode: 0o755)
    #expect(try bench.run().isFinished)
    let found = try rights(below: bench.places.unprotected)
    #expect(found.folders == ["\(getegid()) 700"] && found.files == ["\(getegid()) 600"])
  }

  @Test func aReleaseThatIsDrawnAnewFollowsTheRightsOfNow() throws {
    var bench = try RunBench()
    #expect(try bench.run().isFinished)
    bench.order.count = 20
    bench.places.rights = ReleaseRights(group: nil, folderMode: 0o755)
    #expect(try bench.run().isFinished)
    let found = try rights(below: bench.places.release)
    #expect(found.folders == ["\(getegid()) 755"] && found.files == ["\(getegid()) 644"])
  }

  @Test func foldersOnTheWayAreMadeReadableAndThoseThatAreThereStay() throws {
    let scratch = ScratchFolder()
    try DurableFile.makeFolder(scratch.path + "/there")
    let rights = ReleaseRights(group: otherGroup, folderMode: 0o750)
    try rights.makeFolder(scratch.path + "/there/a/b")
    try rights.makeFolder(scratch.path + "/there/a/b")
    var information = stat()
    for (name, mode) in [("there", 0o700), ("there/a", 0o750), ("there/a/b", 0o750)] {
      stat(scratch.path + "/" + name, &information)
      #expect(information.st_mode & 0o777 == mode_t(mode), "\(name)")
    }
    try scratch.write("file", "")
    #expect(throws: SystemCallError.self) { try rights.makeFolder(scratch.path + "/file") }
  }

  @Test func aGroupOfWhichTheUserIsNoMemberIsRefusedWithTheCommandThatAddsHim() throws {
    let message = try OrdinaryUser.run {
      let error = #expect(throws: ControlError.self) {
        try ReleaseRights(ReleaseConfiguration(group: "shadow"))
      }
      return error?.message ?? ""
    }
    #expect(message.contains("release.group: user '"))
    #expect(message.contains("is not in group 'shadow'"))
    #expect(message.contains("usermod --append --groups shadow "))
    #expect(throws: ControlError.self) {
      try ReleaseRights(ReleaseConfiguration(group: "no-such-group"))
    }
  }

  @Test func aRunInTheForegroundFollowsTheMaskOfItsCaller() throws {
    let status = String(decoding: try DurableFile.read("/proc/self/status"), as: UTF8.self)
    let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("Umask:") })
    let mask = try #require(line.split(separator: "\t").last.flatMap { mode_t($0, radix: 8) })
    let rights = ReleaseRights.ofCaller()
    #expect(rights.group == nil)
    #expect(rights.folderMode == 0o700 | (0o777 & ~mask))
    #expect(ReleaseRights(group: nil, folderMode: 0o751).fileMode == 0o640)
  }
}

@Suite struct OutputFolderTests {
  @Test func anOutputThatCannotBeWrittenStopsARunBeforeAnythingIsSpent() throws {
    let (message, lines) = try OrdinaryUser.run {
      var bench = try RunBench()
      bench.places = RunPlaces(
        internalFiles: bench.places.internalFiles, checkpoints: bench.places.checkpoints,
        release: "/usr/figment-test/run", unprotected: bench.places.unprotected,
        ledgers: bench.places.ledgers, ledgerMarks: bench.places.ledgerMarks)
      let error = #expect(throws: ControlError.self) { try bench.run() }
      return (error?.message ?? "", try bench.history().lineCount)
    }
    #expect(message.contains("output /usr/figment-test: nothing can be written there"))
    #expect(message.contains("it belongs to user 'root'"))
    #expect(lines == 0)
  }

  @Test func tryingLeavesNothingBehind() throws {
    let scratch = ScratchFolder()
    try WritableFolder.require(scratch.path + "/a/b", as: "output")
    try WritableFolder.require(scratch.path, as: "output")
    #expect(try DurableFile.names(in: scratch.path).isEmpty)
  }

  @Test func aFolderThatKeepsTheReadersOutIsNamed() throws {
    let scratch = ScratchFolder()
    let output = OutputFolder(
      path: scratch.path + "/out", rights: ReleaseRights(group: nil, folderMode: 0o750))
    try output.prepare(inState: "/nowhere")
    let problem = try #require(output.problems.first)
    #expect(problem.contains("cannot reach them: folder \(scratch.path) belongs"))
    chmod(scratch.path, 0o711)
    #expect(output.problems.isEmpty)
    // Its permissions are those of releases.
    var information = stat()
    stat(output.path, &information)
    #expect(information.st_mode & 0o777 == 0o750)
  }

  /// Earlier versions kept it private; a folder elsewhere belongs to the administrator.
  @Test func theOutputInTheStateFollowsTheRightsAndOneElsewhereStays() throws {
    let scratch = ScratchFolder()
    let rights = ReleaseRights(group: nil, folderMode: 0o755)
    for (state, mode) in [(scratch.path, 0o755), ("/nowhere", 0o700)] as [(String, mode_t)] {
      let path = scratch.path + "/out"
      try DurableFile.makeFolder(path)
      chmod(path, 0o700)
      try OutputFolder(path: path, rights: rights).prepare(inState: state)
      var information = stat()
      stat(path, &information)
      #expect(information.st_mode & 0o777 == mode)
    }
  }

  /// Nobody can create a file in the kernel's folder, not even root.
  @Test func aDaemonSaysThatItsOutputCannotBeWrittenAndRefusesWorkAtOnce() async throws {
    var configuration = TestHouse.configuration
    configuration.output = "/proc/figment-test"
    let house = try await TestHouse(configuration: configuration)
    await house.daemon.prepareOutput(inState: house.state.paths.path)
    let remarks = try await house.daemon.status().remarks
    #expect(remarks.contains { $0.contains("output /proc/figment-test: nothing can be written") })
    let error = await #expect(throws: ControlError.self) {
      try await house.daemon.submit(TestHouse.training, token: nil)
    }
    #expect(error?.message.contains("nothing can be written there") == true)
    #expect(try await house.daemon.jobs(JobFilter()).isEmpty)
  }
}
