import Compute
import Control
import Datasets
import FoundationEssentials
import Glibc
import Models
import Testing

@testable import Runs
@testable import figmentd

/// A state of the version before format numbers is read; a later one is refused in words.
@Suite struct StateFormatTests {
  private let scratch = ScratchFolder()
  private var state: String { scratch.path + "/state" }
  private var job: String { state + "/jobs/glyphs-1" }
  private var internalFiles: String { job + "/internal" }

  /// The state of an earlier version, in a separate folder.
  init() throws {
    let golden = #filePath.split(separator: "/").dropLast(2).joined(separator: "/")
    try FileManager.default.copyItem(atPath: "/\(golden)/Golden/state", toPath: state)
  }

  @Test func jobsOfTheVersionBeforeAreLoaded() throws {
    let store = JobStore(folder: state + "/jobs", output: "/srv/figment/out")
    let jobs = try store.load()
    #expect(jobs.map(\.id.name) == ["glyphs-1", "glyphs-4"])
    #expect(jobs.map(\.state.name) == ["completed", "paused"])
    #expect(store.remarks.isEmpty)
    #expect(try store.events(of: jobs[0].id, after: 0).map(\.id) == [1, 2, 3])
    #expect(try store.lastEvent(of: jobs[1].id) > 0)
    let next = try store.makeJob(jobs[0].request, dataset: "glyphs", token: nil, at: Date())
    #expect(next.id.name == "glyphs-5")
  }

  @Test func internalFilesOfTheVersionBeforeAreRead() throws {
    let design = try #require(try ResolvedPlan.saved(in: internalFiles))
    #expect(design.classes.count == 8 && design.stepCount == 40)
    let images = try FrozenImages.open(
      named: design.snapshot, in: internalFiles, run: "glyphs-1")
    #expect(images.snapshot.count == 64)
    #expect(try MetricsFile.lines(in: internalFiles).last?.step == 40)
    #expect(try CheckpointFolder(path: job + "/checkpoints").newest()?.step == 40)
    // Its outputs do not exist, so it does not count as finished; a copy shows that it can be read.
    #expect(try ResultsFile.read(in: internalFiles, count: 12) == nil)
    #expect(
      try StateFormat.read(JobResults.self, at: internalFiles + "/results.json").images == 12)
    #expect(throws: ControlError.self) {
      // Only a run's own set may be replaced: this reads the record of its publications.
      try DurableFile.makeFolder(scratch.path + "/set/data")
      try SetPlace(scratch.path + "/set", internalFiles: internalFiles).requireFree()
    }
    let index = try ImageIndex(path: state + "/index.sqlite")
    #expect(try index.counts(of: "glyphs").usable == 64)
    #expect(index.remark == nil)
    // The index knows less about them than a reading reports, so they are read again.
    #expect(try index.files(of: "glyphs").values.allSatisfy { $0.contentHash == nil })
  }

  @Test func aModelOfTheVersionBeforeDraws() throws {
    let home = try StateDirectory(scratch.path + "/home")
    let engine = LocalEngine(
      recipes: scratch.path, threads: 1, state: home.paths, makeDecoder: { ImageCodec() }
    ) { _, _ in FileUse(units: 64) }
    let trained = JobDirectory(
      job: JobID(dataset: "glyphs", number: 1), path: job, release: scratch.path + "/out/glyphs-1")
    let request = GenerateRequest(job: trained.job, count: 16)
    let drawing = Job(
      id: JobID(dataset: "glyphs", number: 5), request: .generate(request), dataset: "glyphs",
      created: Date())
    let outcome = try engine.generate(
      drawing, request, from: trained,
      into: JobDirectory(
        job: drawing.id, path: scratch.path + "/new", release: scratch.path + "/out/glyphs-5"),
      dataset: DatasetConfiguration(
        name: "glyphs", root: "/srv", policy: PrivacyPolicy(epsilonMaximum: 8, delta: 1e-5)),
      stop: StopSignal(), report: { _ in })
    guard case .completed(let results) = outcome else {
      Issue.record("\(outcome)")
      return
    }
    #expect(results.images == 16)
  }

  /// Sets the number of a JSON file to a later format.
  private func raise(_ path: String) throws {
    let text = String(decoding: try DurableFile.read(path), as: UTF8.self)
    guard let brace = text.firstIndex(of: "{") else { return }
    let later = text[...brace] + "\"format\": 9, " + text[text.index(after: brace)...]
    try DurableFile.write(Data(later.utf8), to: path)
  }

  private func expectRefusal(_ body: () throws -> some Any) {
    let error = #expect(throws: ControlError.self) { _ = try body() }
    #expect(
      error?.message.contains("written by a later version, in format 9 (up to 2 expected)") == true,
      "\(String(describing: error))")
  }

  @Test func aLaterFormatIsRefusedWithWords() throws {
    let names = ["design", "images", "published", "results"]
    let snapshot = try #require(try ResolvedPlan.saved(in: internalFiles)).snapshot
    for name in names { try raise("\(internalFiles)/\(name).json") }
    try raise(internalFiles + "/metrics.jsonl")
    expectRefusal { try ResolvedPlan.saved(in: internalFiles) }
    expectRefusal { try FrozenImages.open(named: snapshot, in: internalFiles, run: "glyphs-1") }
    expectRefusal { try ResultsFile.read(in: internalFiles, count: 12) }
    expectRefusal { try MetricsFile.lines(in: internalFiles) }
    try raise(job + "/job.json")
    let store = JobStore(folder: state + "/jobs", output: "/out")
    #expect(try store.load().map(\.id.name) == ["glyphs-4"])
    #expect(store.remarks.first?.contains("in format 9") == true)
    try DurableFile.write(Data("9\n".utf8), to: state + "/format")
    expectRefusal { try StateDirectory(state) }
  }

  @Test func whatIsWrittenCarriesItsFormat() throws {
    let bench = try RunBench()
    #expect(try bench.run().isFinished)
    let folder = bench.places.internalFiles
    for name in [
      "design.json", "images.json", "published.json", "results.json", "run.json", "metrics.jsonl",
      "files.jsonl",
    ] {
      let line = try DurableFile.read("\(folder)/\(name)")
      let first = name.hasSuffix("l") ? line.prefix { $0 != UInt8(ascii: "\n") } : line
      let number = try JSONDecoder().decode(StateFormat.Number.self, from: Data(first))
      #expect(number.format == StateFormat.current, "\(name)")
    }
    let saved = try #require(try CheckpointFolder(path: bench.places.checkpoints).newest())
    #expect(saved.checkpoint.metadata["figment_format"] == "2")
    let home = try StateDirectory(scratch.path + "/home")
    #expect(try scratch.read("home/format") == "2\n")
    withExtendedLifetime(home) {}
  }
}
