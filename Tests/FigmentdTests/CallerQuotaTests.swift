import Control
import FoundationEssentials
import Glibc
import Logging
import Synchronization
import TestSupport
import Testing

@testable import Runs
@testable import figment
@testable import figmentd

/// No caller can exclude others: neither by many connections, nor by long requests, nor by not reading the
/// reply.
@Suite struct CallerQuotaTests {
  private func isBusy(_ body: () throws -> Void) -> Bool {
    do {
      try body()
      return false
    } catch ControlError.busy { return true } catch { return false }
  }

  @Test func strangersTakeNoRoomOfMembersOrRoot() throws {
    let counts = CallerCounts(ControlLimits())
    var strangers = 0
    for user: UInt32 in 1000..<1100 {
      for _ in 0..<100 {
        if !isBusy({ try counts.enter(user, as: .stranger) }) { strangers += 1 }
      }
    }
    #expect(strangers == ControlLimits().strangers)
    #expect(!isBusy { try counts.enter(0, as: .owner) })
    #expect(!isBusy { try counts.enter(2000, as: .reader) })
  }

  @Test func membersTakeNoRoomOfRootAndTheDaemonsOwnUser() throws {
    let limits = ControlLimits()
    let counts = CallerCounts(limits)
    for user: UInt32 in 1000..<1010 {
      for _ in 0..<100 { _ = isBusy { try counts.enter(user, as: .controller) } }
    }
    #expect(isBusy { try counts.enter(3000, as: .controller) })
    for user: UInt32 in [0, 990] {
      for _ in 0..<limits.connectionsPerUser {
        #expect(!isBusy { try counts.enter(user, as: .owner) })
      }
      #expect(isBusy { try counts.enter(user, as: .owner) })
    }
    counts.leave(1000, as: .controller)
    #expect(!isBusy { try counts.enter(3000, as: .controller) })
  }

  @Test func aUserWaitsForAFewPlansAtATime() async throws {
    let counts = CallerCounts(ControlLimits(plans: 3, plansPerUser: 2))
    func isBusy(_ user: UInt32) async -> Bool {
      do {
        try await counts.plan(for: user, as: .controller) {}
        return false
      } catch { return true }
    }
    try await counts.plan(for: 1, as: .controller) {
      #expect(await !isBusy(1))
      try await counts.plan(for: 1, as: .controller) {
        #expect(await isBusy(1), "of this user two are under way")
        try await counts.plan(for: 2, as: .controller) {
          #expect(await isBusy(3), "three are under way")
        }
        #expect(await !isBusy(3))
      }
    }
    #expect(await !isBusy(1), "all are done")
  }

  /// A count of rows may take ten minutes.
  @Test func countsOfRowsTakeNoPlans() async throws {
    let counts = CallerCounts(ControlLimits(plans: 1, plansPerUser: 1, rowCounts: 1))
    func refusal(_ user: UInt32, as standing: Standing = .controller) async -> String? {
      do {
        try await counts.countRows(for: user, as: standing) {}
        return nil
      } catch { return "\(error)" }
    }
    try await counts.countRows(for: 1, as: .controller) {
      #expect(await refusal(2)?.contains("1 counts of rows are pending") == true)
      #expect(await refusal(0, as: .owner) == nil)
      try await counts.plan(for: 1, as: .controller) {}
    }
    #expect(await refusal(2) == nil)
  }

  /// Advice plans several runs and may take minutes.
  @Test func readersTakeNoPlansOfMembersNorMembersOfRoot() async throws {
    let counts = CallerCounts(ControlLimits(plans: 1, readersPlans: 1, plansPerUser: 2))
    func isBusy(_ user: UInt32, as standing: Standing) async -> Bool {
      do {
        try await counts.plan(for: user, as: standing) {}
        return false
      } catch { return true }
    }
    try await counts.plan(for: 1, as: .reader) {
      #expect(await isBusy(2, as: .reader))
      #expect(await !isBusy(3, as: .controller))
      try await counts.plan(for: 3, as: .controller) {
        #expect(await isBusy(4, as: .controller))
        #expect(await !isBusy(0, as: .owner))
      }
    }
    #expect(await !isBusy(2, as: .reader))
  }

  @Test func whatCallersMayDoIsLookedUpOnce() async throws {
    let policy = AccessPolicy(owner: 990, controlGroup: 800, readGroup: 801)
    let lookup = StandingLookup(policy)
    let member = Peer(process: 1, user: 60_001, group: 800)
    #expect(lookup.knownStanding(of: member) == nil)
    #expect(await lookup.standing(of: member) == .controller)
    #expect(lookup.knownStanding(of: member) == .controller)
    #expect(lookup.knownStanding(of: Peer(process: 1, user: 0, group: 5)) == .owner)
    #expect(lookup.knownStanding(of: Peer(process: 1, user: 990, group: 5)) == .owner)
    #expect(await lookup.standing(of: Peer(process: 1, user: 60_002, group: 801)) == .reader)
    #expect(await lookup.standing(of: Peer(process: 1, user: 60_003, group: 802)) == .stranger)
  }
}

@Suite struct UnreadRepliesTests {
  /// A page that fits into no socket buffer.
  private static let files = (0..<1000).map { number in
    FakeFolderReader.file("a/\(number)-" + String(repeating: "x", count: 1500))
  }

  @Test func callersThatNeverReadAreDropped() async throws {
    let house = try await TestHouse(files: Self.files)
    let limits = ControlLimits(connectionsPerUser: 4, requestSeconds: 3600, writeSeconds: 3)
    let server = try await TestServer(house, limits: limits)
    await house.daemon.adopt(TestHouse.configuration)
    _ = try await house.daemon.rescan("glyphs")
    var sockets: [RawSocket] = []
    for _ in 0..<4 {
      let socket = try RawSocket(server.socket)
      socket.send("GET /v1/datasets/glyphs/files HTTP/1.1\r\nHost: x\r\n\r\n")
      sockets.append(socket)
    }
    // Callers that do not read have used up the user's quota.
    var wasBusy = false
    let end = ContinuousClock.now + .seconds(300)
    while !wasBusy, ContinuousClock.now < end {
      do { _ = try await server.client.status() } catch ControlError.busy { wasBusy = true }
    }
    #expect(wasBusy)
    // Soon the quota is free again, although these callers are still connected.
    try await server.answersAgain()
    for socket in sockets { socket.hangUp() }
    await server.server.stop()
    await house.daemon.stop()
    await house.daemon.releaseDatasets()
  }

  @Test func aCallerThatReadsGetsAllOfALongReply() async throws {
    let house = try await TestHouse(files: Self.files)
    let server = try await TestServer(house)
    await house.daemon.adopt(TestHouse.configuration)
    _ = try await house.daemon.rescan("glyphs")
    let page = try await server.client.files(of: "glyphs", FileQuery())
    #expect(page.files.count == 1000)
    await server.server.stop()
    await house.daemon.stop()
    await house.daemon.releaseDatasets()
  }

  @Test func followersThatNeverReadAreDropped() async throws {
    let scratch = ScratchFolder()
    let path = scratch.path + "/control.sock"
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let limits = ControlLimits(
      connectionsPerUser: 2, followersPerUser: 1, requestSeconds: 3600, writeSeconds: 1)
    let access = AccessPolicy(owner: geteuid(), controlGroup: nil, readGroup: nil)
    let server = try await ControlServer.start(
      on: ControlSocket.make(at: path, mode: 0o600, group: nil),
      routes: Routes(api: TalkativeAPI(), access: access, logger: logger), limits: limits,
      logger: logger)
    let deaf = try RawSocket(path)
    deaf.send("GET /v1/jobs/glyphs-1/events HTTP/1.1\r\nHost: x\r\n\r\n")
    // The user's only place for a follower is taken, then free again.
    let end = ContinuousClock.now + .seconds(240)
    var wasLetIn = false
    while !wasLetIn, ContinuousClock.now < end {
      let second = try RawSocket(path)
      second.send("GET /v1/jobs/glyphs-1/events?follow=false HTTP/1.1\r\nHost: x\r\n\r\n")
      wasLetIn = await second.read(atMost: 12) == "HTTP/1.1 200"
      second.hangUp()
      if !wasLetIn { try await Task.sleep(for: .milliseconds(50)) }
    }
    #expect(wasLetIn)
    deaf.hangUp()
    await server.stop()
  }

  @Test func followersLeaveRoomToCancel() async throws {
    let house = try await TestHouse(.init(isEndless: true))
    let limits = ControlLimits(connectionsPerUser: 6, followersPerUser: 2, requestSeconds: 3600)
    let server = try await TestServer(house, limits: limits)
    let job = try await server.client.submit(TestHouse.training, token: nil)
    var followers: [AsyncThrowingStream<JobEvent, any Error>] = []
    for _ in 0..<2 {
      followers.append(try await server.client.events(of: job.id, after: nil, follow: true))
    }
    let error = await #expect(throws: ControlError.self) {
      _ = try await server.client.events(of: job.id, after: nil, follow: true)
    }
    #expect(
      error?.message.contains("jobs already (fewer expected). End one") ?? false,
      "\(String(describing: error))")
    _ = try await server.client.stop(job.id, reason: .cancelled)
    for follower in followers { for try await _ in follower {} }
    await server.server.stop()
    await house.daemon.stop()
  }
}

@Suite struct LongPlansTests {
  private final class Refusals: Sendable {
    private let texts = Mutex<[String]>([])
    var all: [String] { texts.withLock { $0 } }
    func add(_ text: String) { texts.withLock { $0.append(text) } }
  }

  /// Three calls of one user, of which two are computed or wait, and the third has been refused.
  private static func threeCalls(
    _ call: @escaping @Sendable () async throws -> Void
  ) async throws -> (calls: [Task<Void, Never>], refusals: Refusals) {
    let refusals = Refusals()
    let calls = (0..<3).map { _ in
      Task { do { try await call() } catch { refusals.add("\(error)") } }
    }
    try await wait { !refusals.all.isEmpty }
    return (calls, refusals)
  }

  /// Waits for something that the test then expects; it gives up after minutes, because other tests keep the
  /// processors busy.
  private static func wait(until isReached: () -> Bool) async throws {
    let end = ContinuousClock.now + .seconds(300)
    while !isReached(), ContinuousClock.now < end {
      try await Task.sleep(for: .milliseconds(5))
    }
  }

  @Test func nothingElseWaitsBehindAPlan() async throws {
    let house = try await TestHouse(.init(isPlanning: true))
    let server = try await TestServer(house)
    let client = server.client
    let request = PlanRequest(dataset: "glyphs", recipe: "dp-gan-28", steps: 100_000_000)
    let (plans, refusals) = try await Self.threeCalls { _ = try await client.plan(request) }
    #expect(try await client.datasets().count == 2)
    #expect(try await client.ledger(of: "glyphs").verified)
    #expect(try await client.recipes().count == 1)
    #expect(try await client.status().running == nil)
    #expect(try await client.jobs(JobFilter()).isEmpty)
    house.engine.change { $0.isPlanning = false }
    for plan in plans { await plan.value }
    #expect(
      refusals.all.count == 1 && refusals.all[0].contains("pending plans already"),
      "\(refusals.all)")
    await server.server.stop()
    await house.daemon.stop()
  }

  /// Over the socket, too, counts take places of their own.
  @Test func plansAreMadeBesideAsManyCountsAsAUserMayHave() async throws {
    let house = try await TestHouse(.init(isCounting: true))
    let server = try await TestServer(house)
    let client = server.client
    let (counts, refusals) = try await Self.threeCalls { _ = try await client.rows(of: "glyphs") }
    let request = PlanRequest(dataset: "glyphs", recipe: "dp-gan-28")
    #expect(try await client.plan(request).usableImages == 77)
    house.engine.change { $0.isCounting = false }
    for count in counts { await count.value }
    #expect(
      refusals.all.count == 1 && refusals.all[0].contains("2 pending counts of rows already"),
      "\(refusals.all)")
    await server.server.stop()
    await house.daemon.stop()
  }

  /// Whoever interrupts 'figment rows' only closes the connection.
  @Test func whoHangsUpStopsTheCount() async throws {
    let house = try await TestHouse(.init(isCounting: true))
    let server = try await TestServer(house)
    let socket = try RawSocket(server.socket)
    socket.send("GET /v1/datasets/glyphs/rows HTTP/1.1\r\nHost: figment\r\n\r\n")
    let engine = house.engine
    try await Self.wait { engine.begunCounts.withLock { $0 } == 1 }
    #expect(engine.begunCounts.withLock { $0 } == 1)
    #expect(engine.abandonedCounts.withLock { $0 } == 0)
    socket.hangUp()
    try await Self.wait { engine.abandonedCounts.withLock { $0 } == 1 }
    #expect(engine.abandonedCounts.withLock { $0 } == 1)
    house.engine.change { $0.isCounting = false }
    // Its place is free again.
    #expect(try await server.client.rows(of: "glyphs").used == 7)
    await server.server.stop()
    await house.daemon.stop()
  }

  /// A count of rows reads every table whole and may take ten minutes.
  @Test func noPlanWaitsBehindCountsOfRows() async throws {
    let house = try await TestHouse(.init(isCounting: true))
    let counts = (0..<3).map { _ in Task { try await house.daemon.rows(of: "glyphs").used } }
    let isPlanned = Mutex(false)
    try await Self.wait { house.engine.begunCounts.withLock { $0 } > 0 }
    // Let the other counts ask for their places first. Asking the desk would cost a turn of the pool each time, and
    // tests that compute keep its threads busy for minutes.
    try await Task.sleep(for: .milliseconds(50))
    let plan = Task {
      let report = try await house.daemon.plan(PlanRequest(dataset: "glyphs", recipe: "dp-gan-28"))
      isPlanned.withLock { $0 = true }
      return report.usableImages
    }
    try await Self.wait { isPlanned.withLock { $0 } }
    #expect(isPlanned.withLock { $0 } && house.engine.begunCounts.withLock { $0 } == 1)
    house.engine.change { $0.isCounting = false }
    for count in counts { #expect(try await count.value == 7) }
    #expect(try await plan.value == 77)
    await house.daemon.stop()
  }
}

/// Sends so many events of a job that no buffer holds them.
private struct TalkativeAPI: ControlAPI {
  func events(
    of job: JobID, after: JobEvent.ID?, follow: Bool
  ) async throws -> AsyncThrowingStream<JobEvent, any Error> {
    let note = String(repeating: "x", count: 100_000)
    let next = Counter()
    return AsyncThrowingStream {
      let number = next.next()
      guard follow || number < 3 else { return nil }
      return JobEvent(id: number, job: job, time: Date(), content: .note(note))
    }
  }

  private final class Counter: Sendable {
    private let value = Mutex(0)
    func next() -> Int {
      value.withLock {
        $0 += 1
        return $0
      }
    }
  }

  private func no<Value>() throws -> Value { throw ControlError.failed("not here") }

  func status() async throws -> DaemonStatus { try no() }
  func datasets() async throws -> [DatasetStatus] { try no() }
  func rescan(_ dataset: String, forgetsMissing: Bool) async throws -> DatasetStatus { try no() }
  func remove(_ job: JobID, withRelease: Bool) async throws -> JobRemoval { try no() }
  func prune(dryRun: Bool) async throws -> [JobRemoval] { try no() }
  func files(of dataset: String, _ query: FileQuery) async throws -> FilePage { try no() }
  func preview(of dataset: String, recipe: String?) async throws -> PreviewSheet { try no() }
  func rows(of dataset: String) async throws -> RowsReport { try no() }
  func recipes() async throws -> [RecipeSummary] { try no() }
  func plan(_ request: PlanRequest) async throws -> PlanReport { try no() }
  func recommend(_ request: RecommendRequest) async throws -> Recommendation { try no() }
  func submit(_ request: JobRequest, token: String?) async throws -> Job { try no() }
  func jobs(_ filter: JobFilter) async throws -> [Job] { try no() }
  func job(_ id: JobID) async throws -> Job { try no() }
  func stop(_ job: JobID, reason: StopReason) async throws -> Job { try no() }
  func resume(_ job: JobID, allowFewerSteps: Bool) async throws -> Job { try no() }
  func report(of job: JobID, isInternal: Bool) async throws -> EvaluationReport { try no() }
  func ledger(of dataset: String, witness: LedgerWitness?) async throws -> LedgerReport { try no() }
}
