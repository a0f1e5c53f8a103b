import Control
import Testing

@Suite struct ControlRouteTests {
  static let routes: [ControlRoute] = {
    let job = JobID(dataset: "glyphs", number: 7)
    return [
      .status, .datasets, .recipes, .plan, .recommend, .submit,
      .rescan(dataset: "glyphs", forgetsMissing: false),
      .rescan(dataset: "glyphs", forgetsMissing: true), .prune(dryRun: false), .prune(dryRun: true),
      .ledger(dataset: "my.faces-2_x", witness: nil),
      .ledger(dataset: "glyphs", witness: LedgerWitness(line: 41, hash: "0af3")),
      .files(dataset: "glyphs", FileQuery()),
      .files(dataset: "glyphs", FileQuery(verdict: "rejected", after: "a b/ü&=?%.png", limit: 7)),
      .files(dataset: "glyphs", FileQuery(recipe: "pixel-28")),
      .preview(dataset: "glyphs", recipe: nil), .preview(dataset: "glyphs", recipe: "pixel-28"),
      .rows(dataset: "glyphs"),
      .jobs(JobFilter()), .jobs(JobFilter(dataset: "glyphs", state: "failed")), .job(job),
      .report(job, isInternal: false), .report(job, isInternal: true),
      .events(job, after: nil, follow: true), .events(job, after: 12, follow: false),
      .pause(job), .cancel(job), .resume(job, allowFewerSteps: false),
      .resume(job, allowFewerSteps: true),
      .remove(job, withRelease: false), .remove(job, withRelease: true),
    ]
  }()

  @Test(arguments: routes) func readsWhatItWrites(_ route: ControlRoute) throws {
    #expect(try ControlRoute(method: route.method, target: route.target) == route)
  }

  @Test(arguments: [
    ("/", 5), ("/v1", 5), ("/v2/status", 5), ("/v1/nothing", 5), ("/v1/jobs/glyphs-7/nothing", 5),
    ("/v1/datasets/glyphs", 5), ("/v1/jobs/..", 64), ("/v1/jobs/%2e%2e", 64),
    ("/v1/datasets/../files", 64), ("/v1/status?deep=true", 64), ("/v1/jobs?state=runing", 64),
    ("/v1/datasets/glyphs/files?limit=0", 64), ("/v1/datasets/glyphs/files?limit=1001", 64),
    ("/v1/datasets/glyphs/files?limit=x", 64), ("/v1/datasets/glyphs/files?after=%zz", 64),
    ("/v1/datasets/glyphs/files?after=a&after=b", 64), ("/v1/jobs/glyphs-7/events?after=-1", 64),
    ("/v1/jobs/glyphs-7/events?follow=no", 64), ("", 5),
    ("/v1/datasets/glyphs/ledger?line=3", 64), ("/v1/datasets/glyphs/ledger?line=-1&hash=a", 64),
  ]) func refusesWhatIsNoRoute(_ target: String, _ exitCode: Int32) throws {
    let error = #expect(throws: ControlError.self) {
      try ControlRoute(method: "GET", target: target)
    }
    #expect(error?.exitCode.rawValue == exitCode, "\(target)")
  }

  // GET on the path of a submission lists jobs.
  @Test(arguments: routes.filter { $0 != .submit })
  func refusesTheWrongMethod(_ route: ControlRoute) {
    let method = route.method == "GET" ? "DELETE" : "GET"
    #expect(throws: ControlError.self) {
      try ControlRoute(method: method, target: route.target)
    }
  }

  @Test func whatHoldsRealImagesOrTheirNamesNeedsMoreThanTheRightToLook() {
    let needing = Self.routes.filter { $0.needsControl && !$0.changesSomething }
    #expect(
      needing.map { $0.target.prefix { $0 != "?" } } == [
        "/v1/datasets/glyphs/files", "/v1/datasets/glyphs/files", "/v1/datasets/glyphs/files",
        "/v1/datasets/glyphs/preview", "/v1/datasets/glyphs/preview", "/v1/datasets/glyphs/rows",
        "/v1/jobs/glyphs-7/report",
      ])
    #expect(needing.last?.target == "/v1/jobs/glyphs-7/report?internal=true")
  }

  @Test func onlyVerbsThatChangeSomethingNeedMoreThanTheRightToLook() {
    let changing = Self.routes.filter(\.changesSomething).map(\.target)
    #expect(
      changing == [
        "/v1/jobs", "/v1/datasets/glyphs/rescan", "/v1/datasets/glyphs/rescan?forget_missing=true",
        "/v1/prune", "/v1/prune?dry_run=true", "/v1/jobs/glyphs-7/pause",
        "/v1/jobs/glyphs-7/cancel", "/v1/jobs/glyphs-7/resume",
        "/v1/jobs/glyphs-7/resume?allow_fewer_steps=true", "/v1/jobs/glyphs-7/remove",
        "/v1/jobs/glyphs-7/remove?release=true",
      ])
  }
}
