import Control
import FoundationEssentials
import Testing

@testable import Runs
@testable import figment
@testable import figmentd

/// The contract of every implementation of `ControlAPI`: the daemon itself, and the client over its socket.
@Suite struct ControlContractTests {
  enum Engine: String, CaseIterable, Sendable {
    case inProcess
    case overTheSocket
  }

  func withAPI(
    _ engine: Engine, _ behaviour: FakeEngine.Behaviour = .init(), files: [IndexedFile] = [],
    _ body: (any ControlAPI, TestHouse) async throws -> Void
  ) async throws {
    let house = try await TestHouse(behaviour, files: files)
    switch engine {
    case .inProcess: try await body(house.daemon, house)
    case .overTheSocket:
      let server = try await TestServer(house)
      do { try await body(server.client, house) } catch {
        await server.server.stop()
        throw error
      }
      await server.server.stop()
    }
    await house.daemon.stop()
    await house.daemon.releaseDatasets()
  }

  func expect(
    _ exitCode: Control.ExitCode, _ text: String, _ body: () async throws -> some Any
  ) async {
    do {
      _ = try await body()
      Issue.record("nothing was thrown (\(text) expected)")
    } catch let error as ControlError {
      #expect(error.exitCode == exitCode, "\(error)")
      #expect(error.message.contains(text), "\(error)")
    } catch {
      Issue.record("\(error) was thrown (a ControlError expected)")
    }
  }

  @Test(arguments: Engine.allCases) func aJobRunsToItsEnd(_ engine: Engine) async throws {
    try await withAPI(engine) { api, _ in
      let job = try await api.submit(TestHouse.training, token: nil)
      #expect(job.id.name == "glyphs-1")
      #expect(job.request == TestHouse.training)
      var states: [String] = []
      var notes: [String] = []
      var steps: [Int] = []
      var ids: [Int] = []
      for try await event in try await api.events(of: job.id, after: nil, follow: true) {
        #expect(event.job == job.id)
        switch event.content {
        case .state(let state, let seconds):
          states.append(state.name)
          ids.append(event.id)
          #expect(seconds >= 0)
        case .note(let note):
          notes.append(note)
          ids.append(event.id)
        case .progress(let progress): steps.append(progress.done)
        }
      }
      #expect(states == ["queued", "running", "completed"])
      #expect(notes == ["training glyphs with dp-gan-28"])
      #expect(ids == [1, 2, 3, 4], "kept events are numbered without gaps")
      #expect(steps == steps.sorted())
      let done = try await api.job(job.id)
      let results = JobResults(
        epsilon: 2, delta: 1e-5, steps: 5, images: 10,
        outputs: [JobOutput(kind: "images", path: "/out/glyphs-1/data")])
      #expect(done.state == .finished(.completed(results)))
      #expect(done.launches == 1)
      #expect(try await api.jobs(JobFilter()) == [done])
    }
  }

  /// The budget is checked behind the jobs that run before, and the submitter hears what they leave.
  @Test(arguments: Engine.allCases) func aSubmissionTellsWhatItsSubmitterShouldKnow(
    _ engine: Engine
  ) async throws {
    try await withAPI(engine, .init(isEndless: true)) { api, house in
      let first = try await api.submit(TestHouse.training, token: nil)
      #expect(first.remarks == nil)
      let second = try await api.submit(TestHouse.training, token: nil)
      let third = try await api.submit(TestHouse.training, token: nil)
      #expect(second.remarks == ["behind glyphs-1"])
      #expect(third.remarks == ["behind glyphs-1, glyphs-2"])
      #expect(try await api.job(third.id).remarks == third.remarks)
      for id in [third.id, second.id, first.id] { _ = try await api.stop(id, reason: .cancelled) }
      _ = try await house.wait(for: first.id, "cancelled")
    }
  }

  @Test(arguments: Engine.allCases) func eventsCanBeTakenUpAgain(_ engine: Engine) async throws {
    try await withAPI(engine) { api, house in
      let job = try await api.submit(TestHouse.training, token: nil)
      _ = try await house.wait(for: job.id, "completed")
      var ids: [Int] = []
      for try await event in try await api.events(of: job.id, after: 2, follow: true) {
        ids.append(event.id)
      }
      #expect(ids == [3, 4])
    }
  }

  @Test(arguments: Engine.allCases) func eventsWithoutFollowingEndByThemselves(
    _ engine: Engine
  ) async throws {
    try await withAPI(engine, .init(isEndless: true)) { api, house in
      let job = try await api.submit(TestHouse.training, token: nil)
      _ = try await house.wait(for: job.id, "running")
      var names: [String] = []
      for try await event in try await api.events(of: job.id, after: nil, follow: false) {
        if case .state(let state, _) = event.content { names.append(state.name) }
      }
      #expect(names == ["queued", "running"])
    }
  }

  @Test(arguments: Engine.allCases) func pauseResumeAndCancel(_ engine: Engine) async throws {
    try await withAPI(engine, .init(isEndless: true)) { api, house in
      let first = try await api.submit(TestHouse.training, token: nil)
      let second = try await api.submit(TestHouse.training, token: nil)
      _ = try await house.wait(for: first.id, "running")
      #expect(try await api.job(second.id).state == .queued)
      let stopping = try await api.stop(first.id, reason: .paused)
      #expect(stopping.state == .stopping(.paused))
      _ = try await house.wait(for: first.id, "paused")
      _ = try await house.wait(for: second.id, "running")
      #expect(try await api.stop(first.id, reason: .paused).state == .paused, "may be repeated")
      #expect(try await api.resume(first.id).state == .queued)
      #expect(try await api.resume(first.id).state == .queued, "may be repeated")
      _ = try await api.stop(second.id, reason: .cancelled)
      _ = try await house.wait(for: second.id, "cancelled")
      let again = try await house.wait(for: first.id, "running")
      #expect(again.launches == 2)
      await expect(.failed, "it is cancelled") { try await api.resume(second.id) }
      await expect(.failed, "it is cancelled") {
        try await api.stop(second.id, reason: .paused)
      }
      await expect(.usage, "no request may use it") {
        try await api.stop(first.id, reason: .shutdown)
      }
      #expect(try await api.jobs(JobFilter(state: "cancelled")).map(\.id) == [second.id])
    }
  }

  @Test(arguments: Engine.allCases) func aRepeatedSubmissionIsOneJob(_ engine: Engine) async throws
  {
    try await withAPI(engine) { api, _ in
      let first = try await api.submit(TestHouse.training, token: "t-1")
      let again = try await api.submit(TestHouse.training, token: "t-1")
      #expect(again.id == first.id)
      #expect(try await api.jobs(JobFilter()).count == 1)
      let other = JobRequest.train(TrainRequest(dataset: "glyphs", recipe: "dp-gan-28", epsilon: 3))
      await expect(.failed, "with this token and another request") {
        try await api.submit(other, token: "t-1")
      }
    }
  }

  @Test(arguments: Engine.allCases) func thePolicyRefuses(_ engine: Engine) async throws {
    try await withAPI(engine) { api, house in
      func train(_ dataset: String, _ epsilon: Double?, nonPrivate: Bool? = nil) async throws -> Job
      {
        try await api.submit(
          .train(
            TrainRequest(
              dataset: dataset, recipe: "dp-gan-28", epsilon: epsilon, nonPrivate: nonPrivate)),
          token: nil)
      }
      await expect(.refused, "asks for epsilon 1.5 (at most 1 for all jobs together") {
        try await train("strict", 1.5)
      }
      await expect(.refused, "its policy forbids jobs without privacy") {
        try await train("strict", nil, nonPrivate: true)
      }
      house.engine.change { $0.spent = 1.0 }
      await expect(.refused, "is spent") { try await train("strict", 0.5) }
      house.engine.change { $0.ledgerProblem = "ledger: record 3 was changed" }
      await expect(.refused, "record 3 was changed") { try await train("glyphs", 1) }
      let free = try await train("glyphs", nil, nonPrivate: true)
      _ = try await house.wait(for: free.id, "completed")
      #expect(try await api.jobs(JobFilter()).count == 1, "what was refused left nothing behind")
    }
  }

  @Test(arguments: Engine.allCases) func unknownNamesAreNotFound(_ engine: Engine) async throws {
    try await withAPI(engine) { api, _ in
      let id = try #require(JobID("glyphs-9"))
      await expect(.notFound, "Did you mean 'glyphs'?") { try await api.rescan("glyhps") }
      await expect(.notFound, "dataset 'faces': unknown") { try await api.ledger(of: "faces") }
      await expect(.notFound, "unknown") { try await api.files(of: "faces", FileQuery()) }
      await expect(.notFound, "job 'glyphs-9': unknown") { try await api.job(id) }
      await expect(.notFound, "unknown") {
        try await api.events(of: id, after: nil, follow: true)
      }
      await expect(.notFound, "unknown") { try await api.stop(id, reason: .cancelled) }
      await expect(.notFound, "unknown") { try await api.resume(id) }
      await expect(.notFound, "Did you mean 'dp-gan-28'?") {
        try await api.plan(TrainRequest(dataset: "glyphs", recipe: "dp-gan-82"))
      }
      await expect(.notFound, "unknown") {
        try await api.submit(.generate(GenerateRequest(job: id, count: 5)), token: nil)
      }
      await expect(.notFound, "unknown") { try await api.jobs(JobFilter(dataset: "faces")) }
    }
  }

  @Test(arguments: Engine.allCases) func impossibleRequestsAreRefused(_ engine: Engine) async throws
  {
    try await withAPI(engine) { api, _ in
      await expect(.usage, "epsilon") {
        try await api.plan(TrainRequest(dataset: "glyphs", recipe: "dp-gan-28", epsilon: -1))
      }
      await expect(.usage, "recipe '/etc/passwd': not a name") {
        try await api.plan(TrainRequest(dataset: "glyphs", recipe: "/etc/passwd"))
      }
      await expect(.usage, "token") {
        try await api.submit(TestHouse.training, token: String(repeating: "x", count: 201))
      }
    }
  }

  @Test(arguments: Engine.allCases) func anImpossibleJobIsNotQueued(
    _ engine: Engine
  ) async throws {
    try await withAPI(engine, .init(refusal: .invalid("count_epsilon: too much"))) { api, house in
      await expect(.usage, "too much") { try await api.submit(TestHouse.training, token: nil) }
      let jobs = try await api.jobs(JobFilter())
      #expect(jobs.isEmpty)
      #expect(house.engine.calls.isEmpty)
    }
  }

  @Test(arguments: Engine.allCases) func aPlanSpendsNothing(_ engine: Engine) async throws {
    try await withAPI(engine) { api, house in
      let request = TrainRequest(dataset: "glyphs", recipe: "dp-gan-28", epsilon: 7, steps: 9)
      let plan = try await api.plan(request)
      #expect(plan.steps == 9)
      #expect(plan.refusal == "dataset: too much")
      #expect(house.engine.calls.isEmpty)
      #expect(try await api.jobs(JobFilter()).isEmpty)
    }
  }

  @Test(arguments: Engine.allCases) func aModelDrawsMoreImages(_ engine: Engine) async throws {
    try await withAPI(engine) { api, house in
      let trained = try await api.submit(TestHouse.training, token: nil)
      _ = try await house.wait(for: trained.id, "completed")
      let request = JobRequest.generate(GenerateRequest(job: trained.id, count: 12))
      let job = try await api.submit(request, token: nil)
      #expect(job.dataset == "glyphs")
      let done = try await house.wait(for: job.id, "completed")
      #expect(done.state == .finished(.completed(JobResults(images: 12))))
      #expect(house.engine.calls == ["train glyphs-1", "generate glyphs-2 from glyphs-1"])
      await expect(.usage, "not a training job") {
        try await api.submit(.generate(GenerateRequest(job: job.id, count: 1)), token: nil)
      }
      // A request that its model cannot draw is refused before there is a job.
      await expect(.usage, "job glyphs-1: no guidance") {
        try await api.submit(
          .generate(GenerateRequest(job: trained.id, count: 1, guidance: 2)), token: nil)
      }
      #expect(try await api.jobs(JobFilter()).count == 2)
    }
  }

  @Test(arguments: Engine.allCases) func aJobIsEvaluatedAndItsReportRead(
    _ engine: Engine
  ) async throws {
    try await withAPI(engine) { api, house in
      let trained = try await api.submit(TestHouse.training, token: nil)
      _ = try await house.wait(for: trained.id, "completed")
      await expect(.failed, "no internal report exists yet") {
        try await api.report(of: trained.id, isInternal: true)
      }
      await expect(.failed, "no released report") {
        try await api.report(of: trained.id, isInternal: false)
      }
      let request = EvaluateRequest(job: trained.id, effort: .quick, seed: 3)
      let job = try await api.submit(.evaluate(request), token: nil)
      #expect(job.request == .evaluate(request) && job.dataset == "glyphs")
      _ = try await house.wait(for: job.id, "completed")
      #expect(house.engine.calls.last == "evaluate glyphs-1")
      // The report of an evaluation is the report of the measured job.
      for id in [trained.id, job.id] {
        let report = try await api.report(of: id, isInternal: true)
        #expect(report.job == trained.id && report.isInternal)
        #expect(report.page == "page" && report.json == "{}")
        #expect(report.path.hasSuffix("/jobs/glyphs-1/internal/report.html"))
      }
      await expect(.usage, "not a training job") {
        try await api.submit(.evaluate(EvaluateRequest(job: job.id)), token: nil)
      }
    }
  }

  @Test(arguments: Engine.allCases) func aFailedJobSaysWhyAndCanGoOn(_ engine: Engine) async throws
  {
    let failure = ControlError.refusedByPolicy("dataset glyphs: 0.1 of 10 is left.")
    try await withAPI(engine, .init(failure: failure)) { api, house in
      let job = try await api.submit(TestHouse.training, token: nil)
      let failed = try await house.wait(for: job.id, "failed")
      #expect(
        failed.state
          == .finished(.failed(JobFailure(message: failure.message, exitCode: .refused))))
      await expect(.failed, "it is failed (a completed job expected)") {
        try await api.submit(.generate(GenerateRequest(job: job.id, count: 1)), token: nil)
      }
      house.engine.change { $0.failure = nil }
      _ = try await api.resume(job.id)
      _ = try await house.wait(for: job.id, "completed")
      var states: [String] = []
      for try await event in try await api.events(of: job.id, after: nil, follow: true) {
        if case .state(let state, _) = event.content { states.append(state.name) }
      }
      #expect(states == ["queued", "running", "failed", "queued", "running", "completed"])
    }
  }

  @Test(arguments: Engine.allCases) func datasetsAndTheirFiles(_ engine: Engine) async throws {
    let files = [
      FakeFolderReader.file("a/1.png"), FakeFolderReader.file("a/2 ü?&.png", "unreadable"),
    ]
    try await withAPI(engine, .init(spent: 0.25), files: files) { api, house in
      #expect(try await api.datasets().map(\.state) == [.unknown, .unknown])
      await house.daemon.keepDatasets()
      var status = try await api.rescan("glyphs")
      // The keeper's own first scan may be running at the same time.
      for _ in 0..<1000 where status.state != .ready {
        try await Task.sleep(for: .milliseconds(5))
        status = try await api.rescan("glyphs")
      }
      #expect(status.state == .ready)
      #expect(status.usable == 1)
      #expect(status.rejected == 1)
      #expect(status.watch == "inotify")
      #expect(status.classes == [ClassCount(name: "a", usable: 1)])
      #expect(status.budget.epsilonSpent == 0.25)
      #expect(status.budget.epsilonMaximum == 10)
      let page = try await api.files(of: "glyphs", FileQuery(limit: 1))
      #expect(page.files.map(\.path) == ["a/1.png"])
      let next = try await api.files(of: "glyphs", FileQuery(after: page.next, limit: 1))
      #expect(next.files.map(\.path) == ["a/2 ü?&.png"])
      #expect(next.next == nil)
      await expect(.usage, "Known: ok, rejected, ") {
        try await api.files(of: "glyphs", FileQuery(verdict: "foo"))
      }
      let bad = try await api.files(of: "glyphs", FileQuery(verdict: "rejected"))
      #expect(bad.files.map(\.verdict) == ["unreadable"])
      #expect(try await api.ledger(of: "glyphs").entries.count == 1)
      let held = LedgerWitness(line: 7, hash: "ab12")
      #expect(try await api.ledger(of: "glyphs", witness: held).verified)
      let lost = LedgerWitness(line: 7, hash: "cd34")
      #expect(try await !api.ledger(of: "glyphs", witness: lost).verified)
      #expect(try await api.recipes().map(\.name) == ["dp-gan-28"])
    }
  }

  /// Scans the fake folder, and waits until its files are known.
  private func readFolders(_ api: any ControlAPI, _ house: TestHouse) async throws {
    await house.daemon.keepDatasets()
    for _ in 0..<1000 {
      if try await api.rescan("glyphs").state == .ready { return }
      try await Task.sleep(for: .milliseconds(5))
    }
  }

  @Test(arguments: Engine.allCases) func filesAreJudgedAsARecipeDoes(
    _ engine: Engine
  ) async throws {
    // The recipe's 28 pixels are four times 7.
    let files = (0..<1200).map { number in
      FakeFolderReader.file("a/\(1000 + number).png", side: number % 2 == 0 ? 6 : 7)
    }
    try await withAPI(engine, files: files) { api, house in
      try await readFolders(api, house)
      #expect(try await api.datasets().first?.usable == 1200, "no recipe: any size")
      var found: [FileRow] = []
      var query = FileQuery(recipe: "dp-gan-28")
      repeat {
        let page = try await api.files(of: "glyphs", query)
        found += page.files
        query.after = page.next
      } while query.after != nil
      #expect(found.map(\.path) == files.map(\.row.path))
      #expect(found.filter { $0.verdict == "ok" }.allSatisfy { $0.width == 7 })
      #expect(found.filter { $0.verdict == "tooSmall" }.count == 600)
      let small = try await api.files(
        of: "glyphs", FileQuery(verdict: "tooSmall", recipe: "dp-gan-28"))
      #expect(small.files.count == 600 && small.next == nil)
      await expect(.notFound, "recipe 'foo'") {
        try await api.files(of: "glyphs", FileQuery(recipe: "foo"))
      }
    }
  }

  @Test(arguments: Engine.allCases) func aPreviewShowsSomeFilesOfEachClass(
    _ engine: Engine
  ) async throws {
    let files = (0..<200).map { FakeFolderReader.file("a/\(1000 + $0).png", side: 9) }
    try await withAPI(engine, files: files) { api, house in
      await expect(.failed, "no usable image is known yet") {
        try await api.preview(of: "glyphs", recipe: nil)
      }
      try await readFolders(api, house)
      let sheet = try await api.preview(of: "glyphs", recipe: "dp-gan-28")
      #expect(sheet.classes == ["a"])
      #expect(sheet.rowsPerClass == 6 && sheet.images == 72)
      #expect(sheet.png == Data("picture".utf8))
      await expect(.notFound, "recipe 'foo'") {
        try await api.preview(of: "glyphs", recipe: "foo")
      }
    }
  }

  @Test(arguments: Engine.allCases) func theStatusNamesTheRunningJob(_ engine: Engine) async throws
  {
    try await withAPI(engine, .init(isEndless: true)) { api, house in
      let idle = try await api.status()
      #expect(idle.running == nil)
      #expect(idle.threads == 3)
      #expect(idle.instructionSet == "fake")
      #expect(idle.datasets == 2)
      let job = try await api.submit(TestHouse.training, token: nil)
      _ = try await api.submit(TestHouse.training, token: nil)
      _ = try await house.wait(for: job.id, "running")
      let busy = try await api.status()
      #expect(busy.running?.id == job.id)
      #expect(busy.queued == 1)
    }
  }

  @Test(arguments: Engine.allCases) func aStoppingDaemonTellsThoseWhoFollow(
    _ engine: Engine
  ) async throws {
    try await withAPI(engine, .init(isEndless: true)) { api, house in
      let job = try await api.submit(TestHouse.training, token: nil)
      let events = try await api.events(of: job.id, after: nil, follow: true)
      let reading = Task {
        var last: JobState?
        do {
          for try await event in events {
            if case .state(let state, _) = event.content { last = state }
          }
        } catch ControlError.shuttingDown { return (last, true) }
        return (last, false)
      }
      _ = try await house.wait(for: job.id, "running")
      await house.daemon.stop()
      let (last, wasTold) = try await reading.value
      #expect(last == .queued)
      #expect(wasTold)
      await expect(.unreachable, "stopping") {
        try await api.submit(TestHouse.training, token: nil)
      }
    }
  }
}
