import Control
import Datasets
import FoundationEssentials
import Glibc
import Testing

@testable import Runs
@testable import figmentd

/// Leftovers of interrupted work are removed, and nothing else is.
@Suite struct LeftoversTests {
  private let scratch = ScratchFolder()
  private let job = JobID(dataset: "glyphs", number: 7)

  private func sweep() {
    Leftovers.sweep(state: scratch.path + "/state", output: scratch.path + "/out", jobs: [job])
  }

  private func files() throws -> [String] { try FolderTree.files(in: scratch.path).sorted() }

  @Test func whatFigmentMadeGoes() throws {
    let internalFiles = "state/jobs/glyphs-7/internal"
    for name in [
      "\(internalFiles)/images.pack.4711.tmp", "\(internalFiles)/holdout.pack.1.tmp",
      "\(internalFiles)/holdout.pack", "\(internalFiles)/public-unchecked.pack",
      "\(internalFiles)/public-unchecked.pack.1.tmp",
      "\(internalFiles)/private-all.pack", "\(internalFiles)/design.json.tmp",
      "\(internalFiles)/run.json.tmp", "\(internalFiles)/previews/step-8.png.tmp",
      "state/jobs/glyphs-7/checkpoints/step-400.safetensors.tmp",
      "state/jobs/glyphs-7/job.json.tmp", "state/jobs/last-number.tmp",
      "state/jobs/.removed-glyphs-3/internal/images.pack",
      "out/.figment-glyphs-7-0123456789ab.tmp/data/a/000000.png",
      "out/internal/.figment-glyphs-8-ba9876543210.tmp/README.md",
    ] { try scratch.write(name, "x") }
    // The unfinished set of an earlier version, with images that figment drew.
    let mark = SyntheticMark(version: "1").texts
    let image = PNGEncoder(texts: mark).encode(
      Image(shape: ImageShape(height: 1, width: 1, channels: 1), bytes: [7]))
    try scratch.write("out/glyphs-7.tmp/metadata.jsonl", "{}")
    try DurableFile.makeFolder(scratch.path + "/out/glyphs-7.tmp/data/a")
    try DurableFile.write(Data(image), to: scratch.path + "/out/glyphs-7.tmp/data/a/000000.png")
    sweep()
    #expect(try files() == [])
  }

  @Test func whatOthersMadeStays() throws {
    let names = [
      "out/.figment-thesis.tmp/chapter.txt", "out/.figment-glyphs-7-0123456789ab/chapter.txt",
      "out/.figment-glyphs-7-0123456789zz.tmp/chapter.txt", "out/glyphs-7/data/a/000000.png",
      "out/glyphs-7.tmp/thesis.txt", "out/glyphs-9.tmp/data/a/000000.png", "out/notes.tmp",
      "state/jobs/.removed-/x", "state/jobs/glyphs-7/internal/design.json",
      "state/jobs/glyphs-7/internal/images.pack", "state/jobs/glyphs-7/internal/images.pack.tmp",
      "state/jobs/glyphs-7/internal/images.pack.x1.tmp",
      "state/jobs/glyphs-7/internal/notes.tmp",
      "state/jobs/glyphs-7/internal/run.json.tmp/in-the-way",
      "state/jobs/glyphs-7/checkpoints/step-400.safetensors",
      "state/jobs/notes/internal/design.json.tmp", "state/ledgers/x/ledger.jsonl.tmp",
    ].sorted()
    for name in names { try scratch.write(name, "x") }
    // Photographs in a folder with the name of an earlier version's set.
    try scratch.write("out/internal/glyphs-7.tmp/data/a/holiday.png", "a photograph")
    try makeLink(
      at: scratch.path + "/state/jobs/glyphs-7/internal/results.json.tmp", to: "/etc/hostname")
    sweep()
    let left = try files()
    #expect(
      left
        == (names + [
          "out/internal/glyphs-7.tmp/data/a/holiday.png",
          "state/jobs/glyphs-7/internal/results.json.tmp",
        ]).sorted())
  }

  @Test func pixelsThatAnotherProcessStillPacksStay() throws {
    let name = "run/images.pack.1.tmp"
    try scratch.write(name, "x")
    let file = open(scratch.path + "/" + name, O_RDWR)
    #expect(flock(file, LOCK_EX) == 0)
    Leftovers.sweep(internalFiles: scratch.path + "/run", checkpoints: scratch.path + "/none")
    #expect(try scratch.names(in: "run") == ["images.pack.1.tmp"])
    close(file)
    Leftovers.sweep(internalFiles: scratch.path + "/run", checkpoints: scratch.path + "/none")
    #expect(try scratch.names(in: "run") == [])
  }

  @Test func aMarkThatAKillLeftHalfWrittenGoesUnlessARunHoldsTheLedger() throws {
    let marks = "state/ledger-marks/x"
    let names = ["ledger.mark", "ledger.mark.tmp", "ledger.poisoned.tmp", "notes.tmp"]
    try scratch.write("state/ledgers/x/ledger.jsonl", "{}")
    for name in names { try scratch.write("\(marks)/\(name)", "x") }
    let ledger = open(scratch.path + "/state/ledgers/x/ledger.jsonl", O_RDWR)
    #expect(flock(ledger, LOCK_EX) == 0)
    sweep()
    #expect(try scratch.names(in: marks) == names)
    close(ledger)
    sweep()
    #expect(try scratch.names(in: marks) == ["ledger.mark", "notes.tmp"])
    #expect(try scratch.names(in: "state/ledgers/x") == ["ledger.jsonl"])
  }

  @Test func aRunSweepsWhatItsKilledAttemptsLeft() throws {
    let bench = try RunBench()
    let folder = bench.places.internalFiles
    try DurableFile.makeFolder(folder)
    try DurableFile.makeFolder(bench.places.checkpoints)
    for path in [
      folder + "/images.pack.99999999.tmp", folder + "/design.json.tmp",
      bench.places.checkpoints + "/step-3.safetensors.tmp",
    ] { try DurableFile.write(Data("x".utf8), to: path) }
    #expect(try bench.run().isFinished)
    let left =
      try DurableFile.names(in: folder) + DurableFile.names(in: bench.places.checkpoints)
    #expect(left.allSatisfy { !$0.hasSuffix(".tmp") }, "\(left)")
  }

  @Test func aDaemonSweepsWhenItStarts() async throws {
    try scratch.write("state/jobs/glyphs-7/internal/images.pack.12.tmp", "x")
    let house = try await TestHouse(from: scratch)
    #expect(try scratch.names(in: "state/jobs/glyphs-7/internal") == [])
    #expect(try await house.daemon.jobs(JobFilter()).isEmpty)
  }
}
