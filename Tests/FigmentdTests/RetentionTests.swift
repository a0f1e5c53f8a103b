import Control
import FoundationEssentials
import Glibc
import Synchronization
import Testing

@testable import Runs
@testable import figmentd

@Suite struct RetentionTests {
  private let now = Date(timeIntervalSince1970: 1_700_000_000)

  private func job(
    _ number: Int, days: Double, _ dataset: String = "glyphs",
    _ state: JobState = .finished(.completed(JobResults())), drawsFrom: Int? = nil
  ) -> Job {
    let request: JobRequest =
      if let drawsFrom {
        .generate(GenerateRequest(job: JobID(dataset: dataset, number: drawsFrom), count: 1))
      } else {
        .train(TrainRequest(dataset: dataset, recipe: "r", epsilon: 1))
      }
    var job = Job(
      id: JobID(dataset: dataset, number: number), request: request, dataset: dataset,
      created: now)
    job.state = state
    job.changed = now.addingTimeInterval(-86_400 * days)
    return job
  }

  private func names(_ policy: RetentionPolicy, _ jobs: [Job]) -> [String] {
    policy.expired(jobs, at: now).map(\.job.id.name)
  }

  @Test func theNewestJobsOfEachDatasetAreKept() {
    let jobs = [
      job(1, days: 9), job(2, days: 8), job(3, days: 1), job(4, days: 100, "faces"),
      job(5, days: 50, "glyphs", .paused), job(6, days: 60, "glyphs", .queued),
    ]
    #expect(names(RetentionPolicy(), jobs) == [])
    #expect(names(RetentionPolicy(keepJobs: 1), jobs) == ["glyphs-1", "glyphs-2"])
    #expect(names(RetentionPolicy(keepJobs: 0), jobs).count == 4)
    #expect(
      names(RetentionPolicy(keepFor: .seconds(5 * 86_400)), jobs)
        == ["faces-4", "glyphs-1", "glyphs-2"])
    #expect(
      names(RetentionPolicy(keepJobs: 2, keepFor: .seconds(8.5 * 86_400)), jobs)
        == ["faces-4", "glyphs-1"])
  }

  @Test func aModelThatAWaitingJobNeedsIsKept() {
    let jobs = [job(1, days: 9), job(2, days: 8), job(3, days: 0, "glyphs", .queued, drawsFrom: 1)]
    #expect(names(RetentionPolicy(keepJobs: 0), jobs) == ["glyphs-2"])
  }

  private func read(_ text: String) throws -> Configuration {
    var reader = ConfigurationReader(defaults: Configuration(output: "/out", recipes: "/r"))
    try reader.add(text, from: "config.yaml")
    return try reader.finish()
  }

  @Test func thePolicyIsReadFromTheConfiguration() throws {
    let configuration = try read("retention: {keep_jobs: 5, keep_for: 30d}\nminimum_free: 2GiB\n")
    #expect(
      configuration.retention == RetentionPolicy(keepJobs: 5, keepFor: .seconds(30 * 86_400)))
    #expect(configuration.minimumFree == .bytes(2 << 30))
    #expect(try read("minimum_free: 5%").minimumFree == .percent(5))
    #expect(try read("minimum_free: 0").minimumFree == .bytes(0))
    #expect(try read("").minimumFree == .usual)
    #expect(try read("").retention == RetentionPolicy())
    for (text, finding) in [
      ("retention: {keep_jobs: -1}", "keep_jobs"), ("retention: {keep_for: 30}", "30d or 4w"),
      ("retention: {keep: 3}", "keep_for"), ("minimum_free: 5", "1GiB"),
      ("minimum_free: 99999999999TiB", "1GiB"), ("minimum_free: 200%", "5%"),
      ("retention: {keep_for: 99999999999999d}", "30d"),
    ] {
      let error = #expect(throws: ConfigurationError.self) { try read(text) }
      #expect(
        error.map { "\($0)".contains(finding) } == true, "\(text): \(String(describing: error))")
    }
  }

  @Test func theUsualMinimumSuitsSmallDisks() {
    #expect(MinimumFree.usual.bytes(of: 64 << 20) == (64 << 20) / 20)
    #expect(MinimumFree.usual.bytes(of: 1 << 40) == 1 << 30)
    #expect(MinimumFree.percent(50).bytes(of: 1000) == 500)
    let room = DiskRoom.at("/tmp/not/there/yet")
    // The free space changes while other programs write; the disk is the same.
    #expect(room?.capacity == DiskRoom.at("/tmp")?.capacity)
    #expect((room?.capacity ?? 0) > 0)
  }

  @Test func aRunningJobWaitsForRoom() async throws {
    let free = Atomic<Int>(10)
    let space = FreeSpaceGuard(state: "/state", output: "/out", minimum: .bytes(100)) { path in
      DiskRoom(
        capacity: 1000, free: path == "/out" ? free.load(ordering: .relaxed) : 1000)
    }
    #expect(space.shortage()?.contains("/out: 10 B free") == true)
    let waits = Atomic<Int>(0)
    space.waitForRoom(unless: StopSignal()) {
      // Somebody frees space.
      if waits.add(1, ordering: .relaxed).newValue == 2 { free.store(100, ordering: .relaxed) }
    }
    #expect(waits.load(ordering: .relaxed) == 2)
    #expect(space.shortage() == nil)
  }

  @Test func aReleaseGoesOnlyWhenItIsTheJobsOwn() async throws {
    let bench = try RunBench()
    #expect(try bench.run().isFinished)
    let place = bench.places.set(isProtected: true)
    try DurableFile.write(Data("mine".utf8), to: place.path + "/notes.txt")
    let error = #expect(throws: ControlError.self) { try place.removeSet() }
    #expect(error?.message.contains("Nothing was removed") == true)
    #expect(access(place.path + "/manifest.json", F_OK) == 0)
    unlink(place.path + "/notes.txt")
    try place.removeSet()
    #expect(try DurableFile.names(in: bench.scratch.path + "/release") == [])
    try place.removeSet()
  }
}
