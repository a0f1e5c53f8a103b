import Control
import FoundationEssentials
import Testing

@testable import Runs
@testable import figmentd

@Suite struct JobStoreTests {
  private let scratch = ScratchFolder()
  private let request = JobRequest.train(TrainRequest(dataset: "glyphs", recipe: "r"))
  private let time = Date(timeIntervalSince1970: 1_700_000_000)

  private func store() -> JobStore {
    JobStore(folder: scratch.path + "/jobs", output: "/out")
  }

  init() throws {
    try DurableFile.makeFolder(scratch.path + "/jobs")
  }

  @Test func jobsSurviveTheStore() throws {
    let store = store()
    let first = try store.makeJob(request, dataset: "glyphs", token: nil, at: time)
    var second = try store.makeJob(request, dataset: "faces", token: "t", at: time)
    second.state = .paused
    try store.save(second)
    #expect(first.id.name == "glyphs-1")
    #expect(second.id.name == "faces-2")
    #expect(try self.store().load() == [first, second])
  }

  @Test func aNumberIsNeverUsedTwice() throws {
    let job = try store().makeJob(request, dataset: "glyphs", token: nil, at: time)
    try FileManager.default.removeItem(atPath: store().directory(of: job.id).path)
    #expect(try store().makeJob(request, dataset: "glyphs", token: nil, at: time).id.number == 2)
    // The number is not reused even if the counter is lost.
    try FileManager.default.removeItem(atPath: scratch.path + "/jobs/last-number")
    #expect(try store().makeJob(request, dataset: "glyphs", token: nil, at: time).id.number == 3)
  }

  @Test func jobsAreOrderedByNumberNotByName() throws {
    let store = store()
    for _ in 1...11 { _ = try store.makeJob(request, dataset: "g", token: nil, at: time) }
    #expect(try store.load().compactMap(\.id.number) == Array(1...11))
  }

  @Test func whatACrashLeftIsClearedAway() throws {
    let job = try store().makeJob(request, dataset: "glyphs", token: nil, at: time)
    try scratch.write("jobs/glyphs-1/job.json.tmp", "{")
    try DurableFile.makeFolder(scratch.path + "/jobs/glyphs-2")
    let store = store()
    #expect(try store.load() == [job])
    store.sweep([job.id])
    #expect(store.remarks.isEmpty)
    #expect(try scratch.names(in: "jobs/glyphs-1") == ["job.json"])
    #expect(try scratch.names(in: "jobs") == ["glyphs-1", "last-number"])
  }

  @Test func aBrokenJobIsRemarkedUponAndKept() throws {
    let job = try store().makeJob(request, dataset: "glyphs", token: nil, at: time)
    try scratch.write("jobs/glyphs-2/job.json", "{ broken")
    try scratch.write("jobs/glyphs-3/job.json", try scratch.read("jobs/glyphs-1/job.json"))
    let store = store()
    #expect(try store.load() == [job])
    #expect(store.remarks.count == 2)
    #expect(try scratch.read("jobs/glyphs-2/job.json") == "{ broken")
  }

  @Test func eventsAreNumberedWithoutGapsOverRestarts() throws {
    let job = try store().makeJob(request, dataset: "glyphs", token: nil, at: time)
    for text in ["a", "b"] {
      _ = try store().append(.note(text), of: job.id, at: time)
    }
    let store = store()
    let third = try store.append(.note("c"), of: job.id, at: time)
    #expect(third.id == 3)
    #expect(try store.events(of: job.id, after: 0).map(\.id) == [1, 2, 3])
    #expect(try store.events(of: job.id, after: 2) == [third])
  }

  @Test func aDamagedEventCostsOnlyItself() throws {
    let job = try store().makeJob(request, dataset: "glyphs", token: nil, at: time)
    for text in ["a", "b", "c"] { _ = try store().append(.note(text), of: job.id, at: time) }
    let file = "jobs/glyphs-1/events.ndjson"
    var lines = try scratch.read(file).split(separator: "\n").map { String($0) }
    lines[1] = String(lines[1].reversed())
    lines[2] = lines[2].replacing("\"format\":\(StateFormat.current)", with: "\"format\":9")
    try scratch.write(file, lines.joined(separator: "\n") + "\n")
    let store = store()
    let events = try store.events(of: job.id, after: 0)
    #expect(events.map(\.id) == [1, 2, 3])
    #expect(events[0].content == .note("a"))
    guard case .note(let damaged) = events[1].content, case .note(let later) = events[2].content
    else {
      Issue.record("\(events)")
      return
    }
    #expect(damaged.contains("cannot read a line"))
    #expect(later.contains("written by a later version, in format 9"))
    #expect(try store.append(.note("d"), of: job.id, at: time).id == 4)
  }

  @Test func whatCannotBeStoredIsStoredLater() throws {
    let store = store()
    var job = try store.makeJob(request, dataset: "glyphs", token: nil, at: time)
    let obstacle = scratch.path + "/jobs/glyphs-1/job.json.tmp/x"
    try FileManager.default.createDirectory(
      atPath: obstacle, withIntermediateDirectories: true)
    job.state = .finished(.cancelled)
    #expect(store.saveOrKeep(job) != nil)
    #expect(store.hasUnsaved && store.saveRest() != nil)
    try FileManager.default.removeItem(atPath: scratch.path + "/jobs/glyphs-1/job.json.tmp")
    #expect(store.saveRest() == nil && !store.hasUnsaved)
    #expect(try self.store().load() == [job])
  }

  /// The job's files are found where they were written, even if the configuration has changed.
  @Test func aReleaseIsFoundAfterTheOutputChanged() throws {
    let first = store()
    var done = try first.makeJob(request, dataset: "glyphs", token: nil, at: time)
    done.state = .finished(.completed(JobResults()))
    try first.save(done)
    let waiting = try first.makeJob(request, dataset: "glyphs", token: nil, at: time)
    let later = JobStore(folder: scratch.path + "/jobs", output: "/elsewhere")
    #expect(try later.load() == [done, waiting])
    #expect(later.directory(of: done.id).release == "/out/glyphs-1")
    // The release does not exist yet.
    #expect(later.directory(of: waiting.id).release == "/elsewhere/glyphs-2")
    // Later changes of the job do not move it.
    try later.save(done)
    let again = JobStore(folder: scratch.path + "/jobs", output: "/third")
    _ = try again.load()
    #expect(again.directory(of: done.id).release == "/out/glyphs-1")
  }

  @Test func aReleaseThatABrokenOffJobMadeStaysItsPlace() throws {
    let first = JobStore(folder: scratch.path + "/jobs", output: scratch.path + "/out")
    let job = try first.makeJob(request, dataset: "glyphs", token: nil, at: time)
    try DurableFile.makeFolder(scratch.path + "/out/glyphs-1")
    let later = JobStore(folder: scratch.path + "/jobs", output: "/elsewhere")
    _ = try later.load()
    #expect(later.directory(of: job.id).release == scratch.path + "/out/glyphs-1")
  }

  /// `job.json` of earlier versions contains no path; its results do.
  @Test(arguments: ["/old/glyphs-1", "/old/internal/glyphs-1"])
  func placesOfJobsFromEarlierVersionsFollowFromTheirResults(_ place: String) throws {
    var job = try store().makeJob(request, dataset: "glyphs", token: nil, at: time)
    job.state = .finished(
      .completed(JobResults(outputs: [JobOutput(kind: "images", path: place + "/data")])))
    try DurableFile.write(
      ControlCoding.encodeForPeople(job), to: store().directory(of: job.id).jobFile)
    let later = JobStore(folder: scratch.path + "/jobs", output: "/elsewhere")
    #expect(try later.load() == [job])
    #expect(later.directory(of: job.id).release == "/old/glyphs-1")
  }

  @Test func aTornEventIsCutAndItsNumberUsedAgain() throws {
    let job = try store().makeJob(request, dataset: "glyphs", token: nil, at: time)
    _ = try store().append(.note("a"), of: job.id, at: time)
    let file = "jobs/glyphs-1/events.ndjson"
    try scratch.write(file, try scratch.read(file) + #"{"id":2,"jo"#)
    let event = try store().append(.note("b"), of: job.id, at: time)
    #expect(event.id == 2)
    #expect(try store().events(of: job.id, after: 0).count == 2)
  }
}
