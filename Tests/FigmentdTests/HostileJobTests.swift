import Control
import FoundationEssentials
import Glibc
import Testing

@testable import Runs
@testable import figment
@testable import figmentd

/// Changed files of jobs: the daemon starts, reports which ones it cannot read, and its client shows the
/// others.
@Suite struct HostileJobTests {
  private let scratch = ScratchFolder()
  private let time = Date(timeIntervalSince1970: 1_700_000_000)
  private static let rounds =
    (getenv("FIGMENT_FUZZ_ROUNDS").flatMap { Int(String(cString: $0)) } ?? 2_000) / 2

  private func store() -> JobStore { JobStore(folder: scratch.path + "/jobs", output: "/out") }

  /// A completed job with a history.
  private func job() throws -> Job {
    try DurableFile.makeFolder(scratch.path + "/jobs")
    let store = store()
    var job = try store.makeJob(
      .train(TrainRequest(dataset: "glyphs", recipe: "tiny", epsilon: 8, count: 12)),
      dataset: "glyphs",
      token: "t", at: time)
    job.progress = JobProgress(
      phase: .train, done: 30, total: 40, plannedEpsilon: 4, targetEpsilon: 8, delta: 1e-5,
      speed: 3,
      remainingSeconds: 4, curve: CurveValue(name: "fake_accuracy", value: 0.5), checkpoint: 30)
    job.crashes = CrashRecord(checkpoint: 3, count: 1)
    job.state = .finished(
      .completed(
        JobResults(
          epsilon: 7.5, totalEpsilon: 8, meaning: "good", delta: 1e-5, steps: 40, images: 12,
          outputs: [JobOutput(kind: "images", path: "/out/glyphs-1/data")])))
    try store.save(job)
    _ = try store.append(.state(.queued, secondsBefore: 0), of: job.id, at: time)
    if let progress = job.progress {
      _ = try store.append(.progress(progress), of: job.id, at: time)
    }
    _ = try store.append(.state(job.state, secondsBefore: 2), of: job.id, at: time)
    return job
  }

  /// Uses jobs and their history in every way, here and in the client.
  private func use(_ store: JobStore) throws {
    for job in try store.load() {
      #expect(store.directory(of: job.id).release.hasSuffix("/\(job.id)"))
      if let progress = job.progress { show(progress) }
      if case .finished(.completed(let results)) = job.state { _ = results.privacyText }
      for event in try store.events(of: job.id, after: 0) {
        if case .progress(let progress) = event.content { show(progress) }
      }
      _ = try store.append(.note("goes on"), of: job.id, at: time)
      _ = try ControlCoding.encode(job)
    }
    _ = try store.makeJob(
      .train(TrainRequest(dataset: "glyphs", recipe: "tiny")), dataset: "glyphs", token: nil,
      at: time)
  }

  private func show(_ progress: JobProgress) {
    _ = (ProgressLine.bar(progress), ProgressLine.plain(progress))
    var plain = PlainProgress()
    _ = plain.deservesLine(progress)
  }

  @Test(arguments: ["glyphs-1/job.json", "glyphs-1/events.ndjson", "last-number"])
  func aChangedFileEndsNothing(_ name: String) throws {
    _ = try job()
    let (folder, path) = (scratch.path + "/jobs", "\(scratch.path)/jobs/\(name)")
    let names = ["glyphs-1/job.json", "glyphs-1/events.ndjson", "last-number"]
    let originals = try names.map { try DurableFile.read("\(folder)/\($0)") }
    let whole = try DurableFile.read(path)
    var damage = FileDamage(seed: UInt64(name.utf8.count))
    var (told, problems) = (0, Set<String>())
    for round in 0..<Self.rounds {
      try FolderTree.remove(folder)
      for (name, data) in zip(names, originals) {
        try scratch.write("jobs/\(name)", String(decoding: data, as: UTF8.self))
      }
      let start = round.isMultiple(of: 2) ? whole : HostileStateTests.unsealed(whole)
      try Data(damage.changed(start, others: originals)).write(to: URL(filePath: path))
      let store = store()
      do { try use(store) } catch {
        let message = ControlError(error).message
        if !message.contains("last-number") { problems.insert(message) }
      }
      told += store.remarks.isEmpty ? 0 : 1
      for remark in store.remarks where remark.count > 1_000 || remark.contains("unexpected error")
      {
        problems.insert(remark)
      }
    }
    #expect(problems.isEmpty, "\(problems.prefix(5).joined(separator: "\n"))")
    #expect(told > 0 || name != names[0])
  }

  /// A cost with a wrong digit is still valid JSON.
  @Test func noChangedDigitOfAJobIsBelieved() throws {
    let known = try job()
    let path = scratch.path + "/jobs/glyphs-1/job.json"
    let whole = try DurableFile.read(path)
    let digits = whole.indices.filter {
      (UInt8(ascii: "0")...UInt8(ascii: "8")).contains(whole[$0])
    }
    for place in digits {
      var changed = whole
      changed[place] += 1
      try changed.write(to: URL(filePath: path))
      let store = store()
      #expect(try store.load().isEmpty && store.remarks.count == 1, "digit at \(place)")
    }
    try whole.write(to: URL(filePath: path))
    #expect(try store().load() == [known])
  }

  @Test(arguments: [
    "/etc", "glyphs-1", "/out/../glyphs-1", "/out/glyphs-2", "/out/a\u{0}/glyphs-1",
  ])
  func aPlaceThatIsNotTheJobsOwnIsRefused(_ place: String) throws {
    let job = try job()
    let record = try ControlCoding.encodeForPeople(Sealable(StoredJob(job, release: place)))
    try DurableFile.write(StateSeal.seal(record), to: store().directory(of: job.id).jobFile)
    let store = store()
    #expect(try store.load().isEmpty && store.remarks.count == 1)
  }

  @Test func numbersAtTheEndOfTheirRangeEndNothing() throws {
    let job = try job()
    let file = "jobs/glyphs-1/events.ndjson"
    let line = try #require(try scratch.read(file).split(separator: "\n").first)
    let last = line.replacing("\"id\":1,", with: "\"id\":\(Int.max),")
      .replacing("\"checksum\"", with: "\"former\"")
    try scratch.write(file, "\(last)\nno event\n")
    #expect(try store().append(.note("a"), of: job.id, at: time).id == 3)
    for number in ["\(Int.max)", "999999999", "-3", ""] {
      try scratch.write("jobs/last-number", number)
      do {
        let next = try store().makeJob(job.request, dataset: "glyphs", token: nil, at: time)
        #expect(next.id.number ?? 0 > 1)
      } catch {
        #expect(number == "999999999" && ControlError(error).message.contains("no number is left"))
      }
    }
  }

  @Test func aRecordMayHoldAKeyThatIsCalledAsTheChecksumIs() throws {
    try DurableFile.makeFolder(scratch.path + "/jobs")
    let store = store()
    let request = JobRequest.generate(
      GenerateRequest(
        job: try #require(JobID("glyphs-1")), classCounts: ["checksum": 3, "cat": 4]))
    let job = try store.makeJob(request, dataset: "glyphs", token: "checksum", at: time)
    #expect(try store.load() == [job])
    _ = try store.append(.note("checksum"), of: job.id, at: time)
    #expect(try store.events(of: job.id, after: 0).map(\.content) == [.note("checksum")])
  }
}
