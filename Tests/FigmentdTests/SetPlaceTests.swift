import ArgumentParser
import Compute
import Control
import FoundationEssentials
import Glibc
import Models
import Privacy
import Testing

@testable import Runs
@testable import figmentd

/// Where sets appear: complete, at one moment, and never in place of another's files.
@Suite struct SetPlaceTests {
  @Test func whatSomebodyElsePutThereStopsTheRunBeforeAnythingIsSpent() throws {
    let bench = try RunBench()
    try DurableFile.makeFolder(bench.places.release)
    try DurableFile.write(Data("chapter one".utf8), to: bench.places.release + "/thesis.txt")
    let error = #expect(throws: ControlError.self) { try bench.run() }
    #expect(error?.message.contains("something is there that this run did not write") == true)
    #expect(try bench.text(bench.places.release + "/thesis.txt") == "chapter one")
    #expect(try bench.history().lineCount == 0)
  }

  @Test func aReleaseWhoseRunIsForgottenIsNotReplaced() throws {
    let bench = try RunBench()
    #expect(try bench.run().isFinished)
    let manifest = try bench.text(bench.places.release + "/manifest.json")
    // The state is lost: the release is the only witness of the spending.
    for folder in [
      bench.places.internalFiles, bench.places.checkpoints, bench.places.ledgers,
      bench.places.ledgerMarks,
    ] { try FolderTree.remove(folder) }
    #expect(throws: ControlError.self) { try bench.run() }
    #expect(try bench.text(bench.places.release + "/manifest.json") == manifest)
    #expect(try DurableFile.names(in: bench.places.ledgers).isEmpty)
  }

  @Test func aReleaseThatWasChangedByHandIsNotReplaced() throws {
    var bench = try RunBench()
    #expect(try bench.run().isFinished)
    try DurableFile.write(Data("{}".utf8), to: bench.places.release + "/manifest.json")
    bench.order.count = 20
    #expect(throws: ControlError.self) { try bench.run() }
    #expect(try bench.text(bench.places.release + "/manifest.json") == "{}")
  }

  @Test func whatLiesBesideThePlaceUnderACommonTemporaryNameStays() throws {
    let bench = try RunBench()
    let beside = bench.places.release + ".tmp"
    try DurableFile.makeFolder(beside)
    try DurableFile.write(Data("mine".utf8), to: beside + "/image.png")
    #expect(try bench.run().isFinished)
    #expect(try bench.text(beside + "/image.png") == "mine")
    let folder = String(bench.places.release.dropLast("/run".count))
    #expect(try DurableFile.names(in: folder) == ["run", "run.tmp"])
  }

  @Test func anExchangeReplacesAFullFolderAndLeavesTheOldOneAside() throws {
    let scratch = ScratchFolder()
    try scratch.write("new/file", "new")
    try scratch.write("place/file", "old")
    try scratch.write("place/more", "old")
    try FolderTree.exchange(scratch.path + "/new", with: scratch.path + "/place")
    #expect(try scratch.read("place/file") == "new" && scratch.read("new/more") == "old")
    #expect(try scratch.names(in: "place") == ["file"])
  }

  /// A job's number is a name in a ledger and a folder of a release; neither is reused.
  @Test func aLostStateDoesNotGiveNumbersOfReleasesAgain() throws {
    let scratch = ScratchFolder()
    for name in ["jobs", "out/mnist-7", "out/internal/mnist-9", "out/a-99999999999999999999"] {
      try DurableFile.makeFolder("\(scratch.path)/\(name)")
    }
    let store = JobStore(folder: scratch.path + "/jobs", output: scratch.path + "/out")
    let job = try store.makeJob(TestHouse.training, dataset: "mnist", token: nil, at: Date())
    #expect(job.id.name == "mnist-10")
  }

  @Test func aRunWhoseFilesWereDeletedHasAnotherName() throws {
    let scratch = ScratchFolder()
    let folder = scratch.path + "/internal/tiny"
    let first = try RunName.ofRun("tiny", at: scratch.path, in: folder)
    try RunName.keep(first, in: folder)
    #expect(try RunName.ofRun("tiny", at: scratch.path, in: folder) == first)
    #expect(first.hasPrefix("tiny-") && first.count == "tiny-".count + 12)
    try FolderTree.remove(folder)
    #expect(try RunName.ofRun("tiny", at: scratch.path, in: folder) != first)
  }

  /// The next run would learn from the synthetic images as if they were real.
  @Test func anOutputInsideTheImagesAndImagesInsideTheOutputAreRefused() throws {
    let bench = try RunBench()
    let root = bench.order.root
    try makeLink(at: bench.scratch.path + "/link", to: root)
    for output in [root + "/out", root, bench.scratch.path, bench.scratch.path + "/link/a/b"] {
      let command = try RunCommand.parse([
        "--images", root, "--recipe", bench.scratch.path + "/tiny.yaml", "--epsilon", "2",
        "--delta",
        "1e-5", "--output", output, "--state", bench.scratch.path + "/state",
      ])
      let error = #expect(throws: ArgumentParser.ExitCode.self, "\(output)") { try command.run() }
      #expect(error?.rawValue == Control.ExitCode.usage.rawValue, "\(output)")
      #expect(!FileManager.default.fileExists(atPath: bench.scratch.path + "/state"))
    }
    #expect(try !DurableFile.names(in: root).contains("out"))
  }

  @Test func whatWasAddedToAReleaseOrChangedInItStays() throws {
    let changes: [(String, Data)] = [
      ("notes.txt", Data("mine".utf8)), ("data/more/note.txt", Data("mine".utf8)),
      ("samples.png", Data("edited".utf8)),
    ]
    for (name, content) in changes {
      var bench = try RunBench()
      #expect(try bench.run().isFinished)
      let file = "\(bench.places.release)/\(name)"
      try DurableFile.makeFolder(String(file[..<(file.lastIndex(of: "/") ?? file.startIndex)]))
      try DurableFile.write(content, to: file)
      bench.order.count = 20
      #expect(throws: ControlError.self, "\(name)") { try bench.run() }
      #expect(try DurableFile.read(file) == content)
    }
  }

  @Test func aFolderThatLooksTemporaryIsNotRemovedUnlessTheRunMadeIt() throws {
    let bench = try RunBench()
    let folder = String(bench.places.release.dropLast("/run".count))
    for name in [".figment-run.tmp", ".figment-run-0123456789ab.tmp"] {
      try DurableFile.makeFolder("\(folder)/\(name)")
      try DurableFile.write(Data("mine".utf8), to: "\(folder)/\(name)/image.png")
    }
    // The leftover of an interrupted attempt is removed.
    let left = SetPlace(bench.places.release, internalFiles: bench.places.internalFiles)
    try left.begin()
    #expect(try bench.run().isFinished)
    #expect(
      try DurableFile.names(in: folder) == [
        ".figment-run-0123456789ab.tmp", ".figment-run.tmp", "run",
      ])
  }

  @Test(arguments: [
    "../x", "a/b", ".", "..", ".figment-x.tmp", "", " ", "a b", "-x", "a\nb", "/etc",
  ])
  func aNameOfARunIsNoPath(_ name: String) {
    #expect(throws: ControlError.self) { try RunName.check(name) }
  }

  @Test(arguments: ["dp-gan-28", "MySet_2.1", "7"]) func plainNamesOfRunsAreTaken(_ name: String) {
    #expect(throws: Never.self) { try RunName.check(name) }
  }
}
