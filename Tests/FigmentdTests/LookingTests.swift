import Control
import FoundationEssentials
import Logging
import Testing

@testable import Runs
@testable import figmentd

/// Replies to callers with read access contain no counts of real files.
@Suite struct LookingTests {
  private static let access = AccessPolicy(owner: 990, controlGroup: 800, readGroup: 801)
  /// This user does not exist: only the group that the kernel reports counts.
  private static let looker = Peer(process: 1, user: 60_001, group: 801)
  private static let operatorPeer = Peer(process: 1, user: 60_002, group: 800)

  private func ask(
    _ api: any ControlAPI, _ route: ControlRoute, _ peer: Peer, _ body: Data = Data()
  ) async throws -> Data {
    let routes = Routes(
      api: api, access: Self.access, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    )
    let caller = try Caller(
      peer, as: Self.access.standing(of: peer), in: CallerCounts(ControlLimits()))
    let reply = await routes.answer(
      ControlRequest(method: route.method, target: route.target, body: body), from: caller)
    switch reply {
    case .value(_, let data): return data
    case .problem(let problem): throw problem.error
    case .events: throw ControlError.failed("a stream was answered (one value expected)")
    }
  }

  @Test func namesOfFilesNeedTheRightToChange() async throws {
    let house = try await TestHouse(files: [FakeFolderReader.file("a/jane-doe.png")])
    await house.daemon.adopt(TestHouse.configuration)
    _ = try await house.daemon.rescan("glyphs")
    let route = ControlRoute.files(dataset: "glyphs", FileQuery())
    let seen = try await ask(house.daemon, route, Self.operatorPeer)
    #expect(String(decoding: seen, as: UTF8.self).contains("jane-doe"))
    await #expect(throws: ControlError.self) { try await ask(house.daemon, route, Self.looker) }
    let picture = ControlRoute.preview(dataset: "glyphs", recipe: nil)
    _ = try await ask(house.daemon, picture, Self.operatorPeer)
    await #expect(throws: ControlError.self) { try await ask(house.daemon, picture, Self.looker) }
    let rows = ControlRoute.rows(dataset: "glyphs")
    _ = try await ask(house.daemon, rows, Self.operatorPeer)
    await #expect(throws: ControlError.self) { try await ask(house.daemon, rows, Self.looker) }
    await house.daemon.releaseDatasets()
  }

  @Test func plansHideWhatIsInTheFolder() async throws {
    let house = try await TestHouse()
    let body = try ControlCoding.encode(
      PlanRequest(dataset: "glyphs", recipe: "dp-gan-28", epsilon: 2))
    let seen = try ControlCoding.decode(
      PlanReport.self, from: await ask(house.daemon, .plan, Self.operatorPeer, body))
    #expect(seen.usableImages == 77 && seen.tooSmallImages == 7)
    let hidden = try ControlCoding.decode(
      PlanReport.self, from: await ask(house.daemon, .plan, Self.looker, body))
    var bare = seen
    bare.usableImages = nil
    bare.tooSmallImages = nil
    bare.folderRemarks = nil
    #expect(hidden == bare)
  }

  @Test func adviceForWhoMayOnlyLookDependsOnNoImage() async throws {
    let house = try await TestHouse(
      .init(library: try ShippedModels.library(), use: FileUse(units: 60_000, tooSmall: 999_999)),
      files: [FakeFolderReader.file("a/1.png", side: 28)])
    await house.daemon.adopt(TestHouse.configuration)
    _ = try await house.daemon.rescan("glyphs")
    let body = try ControlCoding.encode(RecommendRequest(dataset: "glyphs", epsilon: 10))
    let hidden = try ControlCoding.decode(
      Recommendation.self, from: await ask(house.daemon, .recommend, Self.looker, body))
    #expect(house.engine.calls.isEmpty, "nobody looked for colours")
    #expect(hidden.images == nil && hidden.isColoured == nil)
    #expect(hidden.choice?.recipe == "pixel-28-private", "sizes of images rule nothing out")
    let seen = try ControlCoding.decode(
      Recommendation.self, from: await ask(house.daemon, .recommend, Self.operatorPeer, body))
    #expect(house.engine.calls == ["look for colours"])
    #expect(seen.images == 1_059_999 && seen.isColoured == false)
    #expect(seen.choice == nil, "nearly all images are too small")
    #expect(seen.withoutCounts.images == nil && seen.withoutCounts.isColoured == nil)
    // A caller cannot ask to be treated as somebody who may see the images.
    let asking = Data(#"{"dataset":"glyphs","epsilon":10,"without_looking":false}"#.utf8)
    _ = try await ask(house.daemon, .recommend, Self.looker, asking)
    #expect(house.engine.calls == ["look for colours"])
    await house.daemon.releaseDatasets()
  }

  @Test func onlyWhoMayChangeSomethingHearsWhatIsOddAboutAFolder() {
    let budget = BudgetStatus(epsilonMaximum: 1, delta: 1e-5, epsilonSpent: 0, unit: .file)
    let status = DatasetStatus(
      name: "a", state: .ready, watch: "poll", folderRemarks: ["class jane has no image"],
      budget: budget)
    #expect(status.withoutCounts.folderRemarks == nil)
    var plan = PlanReport(dataset: "a", recipe: "b", steps: 1, expectedBatch: 1, images: 1)
    plan.folderRemarks = ["class jane has no image"]
    #expect(plan.withoutCounts.folderRemarks == nil)
  }

  @Test func datasetsHideTheNumbersOfTheirFiles() async throws {
    let house = try await TestHouse(files: [
      FakeFolderReader.file("a/1.png"), FakeFolderReader.file("a/2.png", "truncated"),
    ])
    await house.daemon.adopt(TestHouse.configuration)
    _ = try await house.daemon.rescan("glyphs")
    let seen = try ControlCoding.decode(
      [DatasetStatus].self, from: await ask(house.daemon, .datasets, Self.operatorPeer))
    let glyphs = try #require(seen.first)
    #expect(glyphs.usable == 1 && glyphs.rejected == 1 && glyphs.scanned != nil)
    let hidden = try ControlCoding.decode(
      [DatasetStatus].self, from: await ask(house.daemon, .datasets, Self.looker))
    let bare = try #require(hidden.first)
    #expect(bare == DatasetStatus.bare(glyphs))
    await house.daemon.releaseDatasets()
  }

  @Test(arguments: JobPhase.allCases)
  func jobsHideHowFarTheyHaveComeThroughRealFiles(_ phase: JobPhase) async throws {
    let house = try await TestHouse(.init(isEndless: true, phase: phase))
    let job = try await house.daemon.submit(TestHouse.training, token: nil).id
    _ = try await house.wait(for: job, "running")
    while try await house.daemon.job(job).progress?.phase != phase {
      try await Task.sleep(for: .milliseconds(2))
    }
    for route in [ControlRoute.status, .job(job), .jobs(JobFilter())] {
      let text = String(
        decoding: try await ask(house.daemon, route, Self.looker), as: UTF8.self)
      let expected = phase.countsRealImages ? #""total":0"# : #""total":7"#
      #expect(text.contains(expected), "\(route.target): \(text)")
    }
    let seen = String(
      decoding: try await ask(house.daemon, .job(job), Self.operatorPeer), as: UTF8.self)
    #expect(seen.contains(phase.countsRealImages ? #""total":100"# : #""total":7"#))
    await house.daemon.stop()
  }

  @Test func eventsHideHowFarAJobHasComeThroughRealFiles() {
    for phase in JobPhase.allCases {
      let progress = JobProgress(phase: phase, done: 1, total: 3, checkpoint: 4)
      let event = JobEvent(
        id: 1, job: JobID(dataset: "a", number: 1), time: Date(timeIntervalSince1970: 0),
        content: .progress(progress))
      let hidden = JobProgress(phase: phase, done: 0, total: 0, checkpoint: 4)
      #expect(
        event.withoutCounts.content == .progress(phase.countsRealImages ? hidden : progress))
    }
  }
}

extension DatasetStatus {
  /// A status without its counts.
  fileprivate static func bare(_ status: DatasetStatus) -> DatasetStatus {
    var bare = DatasetStatus(
      name: status.name, state: status.state, watch: status.watch, budget: status.budget)
    bare.usable = nil
    bare.rejected = nil
    bare.duplicates = nil
    bare.pending = nil
    bare.classes = nil
    bare.bytes = nil
    return bare
  }
}
