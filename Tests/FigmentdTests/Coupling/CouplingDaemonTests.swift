import Compute
import Control
import Datasets
import Foundation
import Logging
import Privacy
import Testing

@testable import Runs
@testable import figmentd

/// What the daemon reveals, in a release and in replies to callers with read access, for two sets that
/// differ in one unit that no step drew.
@Suite struct CouplingDaemonTests {
  @Test(arguments: CouplingCase.throughTheDaemon)
  func neitherTheReleaseNorAnyAnswerToALookerChanges(_ coupling: CouplingCase) async throws {
    let bench = try CouplingBench(coupling)
    let left = try await DaemonSide(bench, root: bench.sets.left)
    let right = try await DaemonSide(bench, root: bench.sets.right)
    let changed = left.release.differences(from: right.release)
    #expect(left.release.order == right.release.order)
    if coupling.asks {
      // The answers read every unit; the coupling test of runs shows how much they differ.
      #expect(!changed.contains { $0.hasPrefix("patients-1/data/") })
      #expect(!changed.contains("patients-1/privacy.json"))
    } else {
      #expect(changed == [])
    }
    #expect(left.answers.keys.sorted() == right.answers.keys.sorted())
    #expect(left.answers.count >= 10)
    for (target, answer) in left.answers {
      // The report and the ledger's newest hash depend on the noisy answers.
      if coupling.asks, target.contains("report") || target.contains("ledger") { continue }
      #expect(answer == right.answers[target], "\(target)")
    }
  }
}

/// A daemon that trained once on one of the sets, and its replies afterwards.
struct DaemonSide {
  let release: ReleaseListing
  /// The replies to a member of the read group, by request.
  let answers: [String: String]

  private static let readGroup: gid_t = 4343

  init(_ bench: CouplingBench, root: String) async throws {
    let folder = String(root.dropLast("/images".count))
    let stage = try bench.raise(root)
    defer { bench.lower(root) }
    let state = try StateDirectory(folder + "/state")
    let recipes = folder + "/recipes"
    try DurableFile.makeFolder(recipes)
    try DurableFile.write(
      Data(bench.coupling.recipe.utf8),
      to: "\(recipes)/\(bench.coupling.recipeName).yaml")
    let configuration = Self.configuration(bench, root: stage, folder: folder, recipes: recipes)
    let index = try ImageIndex(path: state.paths.index)
    let engine = LocalEngine(
      recipes: recipes, threads: 1, state: state.paths, under: bench.conditions.make(),
      makeDecoder: { ImageCodec() }
    ) { try index.use(of: $0, under: $1) }
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let daemon = try Daemon(
      configuration: configuration, state: state, engine: engine,
      reader: WatchedFolders(makeDecoder: { ImageCodec() }), logger: logger)
    try await daemon.start()
    await daemon.keepDatasets()
    let job = try await daemon.submit(
      .train(
        TrainRequest(
          dataset: "patients", recipe: bench.coupling.recipeName,
          epsilon: 8, hardened: bench.coupling.isHardened ? true : nil,
          answers: bench.coupling.asks ? CouplingBench.questions : nil, count: 12,
          seed: 5)), token: nil)
    let done = try await TestHouse.wait(for: job.id, "completed", daemon)
    try await Self.waitUntilRead(daemon)
    let routes = Routes(
      api: daemon, access: AccessPolicy(owner: 4242, controlGroup: nil, readGroup: Self.readGroup),
      logger: logger)
    answers = try await Self.answers(
      routes, done.id, folder, recipe: bench.coupling.recipeName,
      // Advice plans again, which takes seconds; answers and noise change nothing in it.
      takesAdvice: !bench.coupling.asks && !bench.coupling.isHardened)
    release = try ReleaseListing(of: folder + "/out")
    await daemon.releaseDatasets()
    await daemon.stop()
  }

  private static func configuration(
    _ bench: CouplingBench, root: String, folder: String, recipes: String
  ) -> Configuration {
    let isFolder = bench.coupling.unit == .folder
    return Configuration(
      datasets: [
        DatasetConfiguration(
          name: "patients", root: root, settle: .milliseconds(1), classes: ["a", "b"],
          population: CouplingCase.unitCount,
          policy: PrivacyPolicy(
            epsilonMaximum: 100, delta: 1e-5, unit: isFolder ? .folder : .file,
            maximumPerUnit: isFolder ? 3 : nil))
      ], output: folder + "/out", recipes: recipes)
  }

  /// Waits until the folder is scanned, so that both daemons know the same.
  private static func waitUntilRead(_ daemon: Daemon) async throws {
    let end = ContinuousClock.now + .seconds(60)
    while ContinuousClock.now < end {
      let status = try await daemon.rescan("patients")
      if status.state != .unknown, status.state != .scanning { return }
      try await Task.sleep(for: .milliseconds(20))
    }
    throw CouplingFailure("the dataset was never read")
  }

  /// Sends every request that changes nothing.
  private static func answers(
    _ routes: Routes, _ job: JobID, _ folder: String, recipe: String, takesAdvice: Bool
  ) async throws -> [String: String] {
    let looker = Peer(process: 1, user: 65_533, group: readGroup)
    let plan = try ControlCoding.encode(
      PlanRequest(dataset: "patients", recipe: recipe, epsilon: 2, seed: 1))
    var asked: [(ControlRoute, Data)] = [
      (.status, Data()), (.datasets, Data()), (.recipes, Data()), (.plan, plan),
      (.jobs(JobFilter()), Data()), (.job(job), Data()),
      (.ledger(dataset: "patients", witness: nil), Data()),
      (.files(dataset: "patients", FileQuery()), Data()),
      (.preview(dataset: "patients", recipe: recipe), Data()),
      (.rows(dataset: "patients"), Data()),
      (.report(job, isInternal: false), Data()), (.report(job, isInternal: true), Data()),
      (.events(job, after: nil, follow: false), Data()),
    ]
    if takesAdvice {
      let request = RecommendRequest(dataset: "patients", epsilon: 2)
      asked.append((.recommend, try ControlCoding.encode(request)))
    }
    let caller = try Caller(
      looker, as: routes.access.standing(of: looker), in: CallerCounts(ControlLimits()))
    var answers: [String: String] = [:]
    for (route, body) in asked {
      let reply = await routes.answer(
        ControlRequest(method: route.method, target: route.target, token: nil, body: body),
        from: caller)
      let text =
        switch reply {
        case .value(let status, let data): "\(status) \(String(decoding: data, as: UTF8.self))"
        case .problem(let problem): "problem \(problem.status) \(problem.detail)"
        case .events(let events, let withCounts):
          "\(withCounts) " + (try await lines(of: events))
        }
      answers["\(route.method) \(route.target)"] = withoutClock(text, folder)
    }
    return answers
  }

  private static func lines(
    of events: AsyncThrowingStream<JobEvent, any Error>
  ) async throws -> String {
    var lines: [String] = []
    for try await event in events {
      lines.append(String(decoding: try ControlCoding.encode(event), as: UTF8.self))
    }
    return lines.joined(separator: "\n")
  }

  /// Removes what the clock, the administrator's places and the machine's speed determine: callers with
  /// read access may see it, and it is in the list of open points.
  private static func withoutClock(_ text: String, _ folder: String) -> String {
    var text = text.replacingOccurrences(of: folder, with: "FOLDER")
    text = text.replacingOccurrences(
      of: folder.replacingOccurrences(of: "/", with: "\\/"), with: "FOLDER")
    let patterns = [
      #""[0-9]{4}-[0-9]{2}-[0-9]{2}T[^"]*""#, #""process" ?: ?[0-9]+"#,
      #""(seconds|secondsBefore|seconds_before|speed|remainingSeconds|remaining_seconds)" ?: ?[-+0-9.eE]+"#,
    ]
    for pattern in patterns {
      text = text.replacingOccurrences(of: pattern, with: "CLOCK", options: .regularExpression)
    }
    return text
  }
}
