import Control
import FoundationEssentials
import Testing

@Suite struct ControlCodingTests {
  static func job(_ state: JobState) throws -> Job {
    var job = Job(
      id: JobID(dataset: "glyphs", number: 7),
      request: .train(TrainRequest(dataset: "glyphs", recipe: "dp-gan-28", epsilon: 10)),
      dataset: "glyphs", token: "abc", created: Date(timeIntervalSince1970: 1_700_000_000.25))
    job.state = state
    job.progress = JobProgress(
      phase: .train, done: 3, total: 9, plannedEpsilon: 0.5, checkpoint: 2)
    job.crashes = CrashRecord(checkpoint: 2, count: 1)
    return job
  }

  static let states: [JobState] = [
    .queued, .running, .stopping(.paused), .stopping(.shutdown), .paused,
    .finished(.cancelled),
    .finished(
      .completed(
        JobResults(
          epsilon: 1, delta: 1e-5, steps: 3, images: 4,
          outputs: [JobOutput(kind: "sheet", path: "/o/sheet.png")]))),
    .finished(.failed(JobFailure(message: "why", exitCode: .refused))),
  ]

  @Test(arguments: states) func aJobSurvivesItsFile(_ state: JobState) throws {
    let job = try Self.job(state)
    let data = try ControlCoding.encodeForPeople(job)
    #expect(try ControlCoding.decode(Job.self, from: data) == job)
  }

  @Test(arguments: [
    JobEvent.Content.state(.paused, secondsBefore: 2.5),
    .progress(JobProgress(phase: .generate, done: 1, total: 2)), .note("hello"),
  ]) func anEventIsOneLine(_ content: JobEvent.Content) throws {
    let event = JobEvent(
      id: 3, job: JobID(dataset: "glyphs", number: 7), time: Date(timeIntervalSince1970: 5),
      content: content)
    let data = try ControlCoding.encode(event)
    #expect(!data.contains(UInt8(ascii: "\n")))
    #expect(try ControlCoding.decode(JobEvent.self, from: data) == event)
  }

  @Test func namesAreSnakeCaseAndTimesAreUTC() throws {
    let text = String(decoding: try ControlCoding.encode(Self.job(.queued)), as: UTF8.self)
    #expect(text.contains("\"planned_epsilon\":0.5"))
    #expect(text.contains("\"created\":\"2023-11-14T22:13:20.250Z\""))
    #expect(text.contains("\"kind\":\"train\""))
  }

  @Test func aMisspeltFieldIsAnErrorWithAHint() throws {
    let body = Data(#"{"kind":"train","dataset":"a","recipe":"b","epsilom":1}"#.utf8)
    let error = #expect(throws: ControlError.self) {
      try ControlCoding.decodeStrictly(JobRequest.self, from: body)
    }
    #expect(error?.message == "field 'epsilom': unknown. Did you mean 'epsilon'?")
    #expect(error?.exitCode == .usage)
  }

  @Test(arguments: [
    "", "[]", "1", "{", "{}", "null", #"{"dataset":1,"recipe":"b"}"#, #"{"dataset":"a"}"#,
    #"{"dataset":"../a","recipe":"b"}"#, #"{"dataset":"a","recipe":"/etc/passwd"}"#,
    #"{"dataset":"a","recipe":"b","epsilon":0}"#, #"{"dataset":"a","recipe":"b","epsilon":-1}"#,
    #"{"dataset":"a","recipe":"b","delta":1}"#, #"{"dataset":"a","recipe":"b","steps":0}"#,
    #"{"dataset":"a","recipe":"b","count":-1}"#, #"{"dataset":"a","recipe":"b","seed":-1}"#,
    #"{"dataset":"a","recipe":"b","epsilon":1,"non_private":true}"#,
    #"{"dataset":"a","recipe":"b","hardened":true,"non_private":true}"#,
    #"{"dataset":"a","recipe":"b","count_epsilon":1,"non_private":true}"#,
    #"{"dataset":"a","recipe":"b","count_epsilon":0}"#,
    #"{"dataset":"a","recipe":"b","score_epsilon":1,"non_private":true}"#,
    #"{"dataset":"a","recipe":"b","score_epsilon":-1}"#,
    #"{"dataset":"a","recipe":"b","steps":1e30}"#, #"{"dataset":"a","recipe":"b","steps":1.5}"#,
  ]) func impossibleRequestsAreRefused(_ body: String) {
    let error = #expect(throws: ControlError.self) {
      try ControlCoding.decodeStrictly(TrainRequest.self, from: Data(body.utf8))
    }
    #expect(error?.exitCode == .usage)
  }

  @Test(arguments: [
    (#"{"kind":"train","dataset":"a","recipe":"r","temperature":0.5}"#, "temperature"),
    (#"{"kind":"generate","job":"a-1","count":3,"epsilon":2}"#, "epsilon"),
    (#"{"kind":"evaluate","job":"a-1","count":3}"#, "count"),
  ]) func aFieldOfAnotherKindOfRequestIsRefusedNotIgnored(_ text: String, _ field: String) {
    let error = #expect(throws: ControlError.self) {
      try ControlCoding.decodeStrictly(JobRequest.self, from: Data(text.utf8))
    }
    #expect(error?.message.hasPrefix("field '\(field)': of another kind of request") ?? false)
  }

  @Test func deepJSONIsRefusedBeforeItIsParsed() throws {
    let deep = String(repeating: "[", count: 100_000)
    let error = #expect(throws: ControlError.self) {
      try ControlCoding.decode([Int].self, from: Data(deep.utf8))
    }
    #expect(error?.message == "JSON: nested deeper than 32 levels.")
    // Brackets within text do not count as depth.
    let text = "\"" + String(repeating: "[\\\"", count: 100) + "\""
    #expect(try ControlCoding.decode(String.self, from: Data(text.utf8)).count == 200)
  }

  @Test func unknownFieldsOfAReplyAreFromANewerDaemon() throws {
    let text = #"{"path":"a","bytes":1,"verdict":"ok","colour":"red"}"#
    #expect(
      try ControlCoding.decode(FileRow.self, from: Data(text.utf8))
        == FileRow(path: "a", bytes: 1, verdict: "ok"))
  }
}
