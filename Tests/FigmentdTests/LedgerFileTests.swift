import FoundationEssentials
import Glibc
import Privacy
import Testing

@testable import Runs
@testable import figmentd

/// A scratch directory with a ledger, removed at the end.
final class LedgerScratch {
  let path: String

  init() throws {
    var template = Array("/tmp/figment-ledger-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
      throw LedgerFileFault(operation: "mkdtemp", code: errno)
    }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit {
    for name in (try? FileManager.default.subpathsOfDirectory(atPath: path)) ?? [] {
      _ = unlink("\(path)/\(name)")
    }
    for directory in ["ledger", "marks", ""] { _ = rmdir("\(path)/\(directory)") }
  }

  var location: LedgerFile.Location {
    LedgerFile.Location(directory: "\(path)/ledger", markDirectory: "\(path)/marks")
  }

  static let root = LedgerRoot(
    identity: "root-1", dataset: "faces", unit: .file, adjacency: .addOrRemoveOne)

  func open(
    epsilon: Double = 8, root: LedgerRoot = LedgerScratch.root,
    witnesses: [PrivacyStatement.LedgerWitness] = [],
    disk: any LedgerFileDisk = SystemLedgerFileDisk()
  ) throws -> LedgerFile {
    try LedgerFile(
      of: root, budget: PrivacyBudget(epsilon: epsilon, delta: 1e-5), at: location,
      witnesses: witnesses, disk: disk)
  }

  func read(_ path: String) throws -> [UInt8] {
    try #require(try SystemLedgerFileDisk().content(of: path))
  }

  func write(_ bytes: [UInt8], to path: String) throws {
    let disk = SystemLedgerFileDisk()
    let descriptor = try disk.open(path, O_WRONLY | O_CREAT | O_TRUNC)
    defer { disk.close(descriptor) }
    try disk.write(bytes, to: descriptor)
  }

  static func plan(_ run: String, times: Int = 2000, noise: Double = 1.1) throws -> LedgerPlan {
    LedgerPlan(
      run: run, attempt: 0, snapshot: "snapshot",
      event: .repeated(event: try step(noise: noise), times: times), mechanism: nil, delta: 1e-5,
      software: "0")
  }

  static func step(noise: Double = 1.1) throws -> PrivacyEvent {
    try ElementaryEvent(samplingProbability: 0.01, noiseMultiplier: noise).event
  }

  /// A ledger of 50 lines: root, plan, 24 reservations with their settlements.
  func fill() throws -> EventTally {
    let ledger = try open()
    let run = try ledger.begin(Self.plan("run-1"))
    for block in 0..<24 {
      let reservation = try run.reserve(Self.step(), times: 16, for: "block \(block)")
      try run.settle(reservation, used: 16)
    }
    #expect(ledger.history.lineCount == 50)
    return ledger.history.spent
  }
}

@Suite struct LedgerFileTests {
  /// A plan of several kinds of noise has no epsilon of its own that could be offered.
  @Test func aBudgetThatIsNotExhaustedIsNotCalledSo() throws {
    let refusal = { (spent: Double) throws in
      BudgetRefusal(
        dataset: "scans", budget: try PrivacyBudget(epsilon: 10, delta: 1e-5), spentEpsilon: spent,
        askedEpsilon: 12, askedTimes: 1, affordableTimes: 0, affordableNoiseMultiplier: nil
      ).description
    }
    #expect(
      try refusal(3).contains("What is left does not suffice for it. Ask for a smaller epsilon"))
    #expect(try !refusal(3).contains("exhausted"))
    #expect(try refusal(10).contains("Nothing is left: the budget is exhausted."))
  }

  @Test func whatWasChargedIsThereAfterReopening() throws {
    let scratch = try LedgerScratch()
    let spent = try scratch.fill()
    #expect(spent.total == 24 * 16)
    #expect(try scratch.open().history.spent == spent)
  }

  @Test func aReservationThatIsNeverSettledStaysSpent() throws {
    let scratch = try LedgerScratch()
    do {
      let run = try scratch.open().begin(LedgerScratch.plan("run-1"))
      _ = try run.reserve(LedgerScratch.step(), times: 64, for: "block 0")
    }
    let ledger = try scratch.open()
    #expect(ledger.history.spent.total == 64)
    #expect(ledger.history.openReservationCount == 1)
  }

  @Test func allRunsOnARootCompose() throws {
    let scratch = try LedgerScratch()
    let ledger = try scratch.open()
    for name in ["failed", "cancelled", "finished"] {
      let run = try ledger.begin(LedgerScratch.plan(name, times: 100))
      let reservation = try run.reserve(LedgerScratch.step(), times: 100, for: "all")
      try run.settle(reservation, used: 40)
      try run.close(outcome: name)
    }
    #expect(ledger.history.spent.total == 120)
    #expect(try ledger.history.spent(by: "failed").total == 40)
  }

  @Test func aPlanBeyondTheBudgetIsRefusedWithWhatWouldFit() throws {
    let scratch = try LedgerScratch()
    let ledger = try scratch.open(epsilon: 1)
    let error = #expect(throws: LedgerError.self) {
      _ = try ledger.begin(LedgerScratch.plan("greedy", times: 5000, noise: 0.8))
    }
    guard case .overBudget(let refusal) = try #require(error) else {
      Issue.record("refused for another reason: \(String(describing: error))")
      return
    }
    #expect(refusal.spentEpsilon == 0)
    #expect(try #require(refusal.askedEpsilon) > 1)
    #expect(refusal.affordableTimes > 0 && refusal.affordableTimes < 5000)
    let noise = try #require(refusal.affordableNoiseMultiplier)
    #expect(refusal.description.contains("dataset faces"))
    let epsilon = try #require(refusal.affordableEpsilon)
    #expect(refusal.description.contains("from 0 to "))
    #expect(refusal.description.contains("(at most 1 expected)"))
    #expect(refusal.description.contains("What is left: epsilon \(epsilon) for this run"))
    #expect(refusal.description.contains("--epsilon-maximum of figmentd run"))
    // A plan that the refusal offers is accepted.
    _ = try ledger.begin(LedgerScratch.plan("greedy", times: 5000, noise: noise))
    #expect(ledger.history.attempts.count == 1)
  }

  @Test func aRefusalOnAUsedRootNamesAnEpsilonThatFits() throws {
    let scratch = try LedgerScratch()
    let ledger = try scratch.open(epsilon: 2)
    let first = try ledger.begin(LedgerScratch.plan("first", times: 300))
    try first.settle(first.reserve(LedgerScratch.step(), times: 300, for: "all"), used: 300)
    try first.close(outcome: "finished")
    let calibrated = { (epsilon: Double) in
      try Calibration(budget: PrivacyBudget(epsilon: epsilon, delta: 1e-5))
        .noiseMultiplier(samplingProbability: 0.01, times: 3000).noiseMultiplier
    }
    let whole = try calibrated(2)
    let error = #expect(throws: LedgerError.self) {
      _ = try ledger.begin(LedgerScratch.plan("second", times: 3000, noise: whole))
    }
    guard case .overBudget(let refusal) = try #require(error) else {
      Issue.record("refused for another reason: \(String(describing: error))")
      return
    }
    let epsilon = try #require(refusal.affordableEpsilon)
    #expect(epsilon > 0.5 && epsilon < 2)
    #expect(refusal.description.contains("What is left: epsilon \(epsilon) for this run"))
    // An order for that epsilon is accepted.
    _ = try ledger.begin(
      LedgerScratch.plan("second", times: 3000, noise: calibrated(epsilon)))
    #expect(ledger.history.attempts.count == 2)
  }

  @Test func reservationsBeyondTheBudgetAreRefusedAndNotWritten() throws {
    let scratch = try LedgerScratch()
    let ledger = try scratch.open(epsilon: 1)
    let run = try ledger.begin(LedgerScratch.plan("run-1", times: 100))
    let before = ledger.history.lineCount
    #expect(throws: LedgerError.self) {
      _ = try run.reserve(LedgerScratch.step(noise: 0.5), times: 5000, for: "too much")
    }
    #expect(ledger.history.lineCount == before)
  }

  @Test func budgetsAnnouncedByRunningAttemptsAreNotGivenAway() throws {
    let scratch = try LedgerScratch()
    let ledger = try scratch.open(epsilon: 2)
    let first = try ledger.begin(LedgerScratch.plan("first", times: 1500))
    #expect(throws: LedgerError.self) {
      _ = try ledger.begin(LedgerScratch.plan("second", times: 1500))
    }
    // After it ends without a charge, its share is free again.
    try first.close(outcome: "cancelled")
    _ = try ledger.begin(LedgerScratch.plan("second", times: 1500))
  }

  @Test func aResumedRunIsANewAttempt() throws {
    let scratch = try LedgerScratch()
    do {
      let run = try scratch.open().begin(LedgerScratch.plan("run-1"))
      #expect(run.plan.attempt == 1)
      _ = try run.reserve(LedgerScratch.step(), times: 64, for: "block 0")
    }
    let ledger = try scratch.open()
    let resumed = try ledger.begin(LedgerScratch.plan("run-1"))
    #expect(resumed.plan.attempt == 2)
    #expect(ledger.history.attempts[0].outcome == "superseded")
    _ = try resumed.reserve(LedgerScratch.step(), times: 64, for: "block 0 again")
    #expect(ledger.history.spent.total == 128)
  }

  @Test func aSecondDaemonIsRefused() throws {
    let scratch = try LedgerScratch()
    let ledger = try scratch.open()
    #expect(throws: LedgerError.locked(ledger: scratch.location.path)) { _ = try scratch.open() }
    withExtendedLifetime(ledger) {}
  }

  @Test func theUnitOfPrivacyCannotChange() throws {
    let scratch = try LedgerScratch()
    _ = try scratch.fill()
    var root = LedgerScratch.root
    root.unit = .subfolder(maximumImages: 4)
    #expect(throws: LedgerError.self) { _ = try scratch.open(root: root) }
    root = LedgerScratch.root
    root.identity = "root-2"
    #expect(throws: LedgerError.self) { _ = try scratch.open(root: root) }
  }

  @Test func verificationOfAnIntactLedgerStatesItsCost() throws {
    let scratch = try LedgerScratch()
    let spent = try scratch.fill()
    let result = LedgerFileVerification(of: scratch.location, delta: 1e-5)
    #expect(result.isIntact)
    #expect(result.lineCount == 50)
    // The run announced 2000 steps and is still running.
    #expect(spent.total == 384)
    #expect(
      try result.cost == PrivacyCost(of: LedgerScratch.step(), times: 2000, delta: 1e-5))
    #expect(result.text.contains("for everything announced before the first reservation"))
    #expect(result.charges.count == 24 && result.charges[7].used == 16)
    #expect(result.charges[7].purpose == "block 7" && result.charges[7].time.hasSuffix("Z"))
    #expect(
      result.text.contains(
        "run run-1, attempt 1 (not ended): 384 releases, each with Gaussian noise"))
    let decoded = try JSONDecoder().decode(
      LedgerFileVerification.self, from: JSONEncoder().encode(result))
    #expect(decoded == result)
  }

  @Test func aRootThatWasNeverTouchedHasAnIntactEmptyLedger() throws {
    let scratch = try LedgerScratch()
    let result = LedgerFileVerification(of: scratch.location, delta: 1e-5)
    #expect(result.isIntact && result.lineCount == 0 && result.cost?.epsilon == 0)
    _ = try scratch.fill()
    _ = unlink(scratch.location.path)
    #expect(!LedgerFileVerification(of: scratch.location, delta: 1e-5).isIntact)
  }

  @Test func theStatementOfAReleaseCoversTheRootAndWitnessesTheLedger() throws {
    let scratch = try LedgerScratch()
    _ = try scratch.fill()
    let ledger = try scratch.open()
    let run = try ledger.begin(LedgerScratch.plan("run-2", times: 100))
    let reservation = try run.reserve(LedgerScratch.step(), times: 100, for: "all")
    try run.settle(reservation, used: 100)
    let statement = try run.statement(software: "1.0", declared: [])
    // The second run was begun after the first had been charged.
    #expect(
      try statement.total
        == PrivacyCost(of: ledger.history.spent, delta: 1e-5, basis: .adaptive))
    #expect(try statement.runCost == PrivacyCost(of: LedgerScratch.step(), times: 100, delta: 1e-5))
    #expect(statement.runs == ["run-1", "run-2"])
    // The hash alone: the number of lines depends on the number of interruptions.
    #expect(statement.ledger?.hash == ledger.position?.hash && statement.ledger?.line == nil)
    try run.release("manifest", claim: statement.total)
    try run.close(outcome: "finished")
    let result = LedgerFileVerification(
      of: scratch.location, delta: 1e-5, witnesses: [try #require(statement.ledger)])
    #expect(result.isIntact && result.releases.map(\.artefact) == ["manifest"])
    #expect(result.attempts.map(\.outcome) == [nil, "finished"])
  }

  @Test func planningReadsTheLedgerBesideItsHolder() throws {
    let scratch = try LedgerScratch()
    #expect(try LedgerFile.history(at: scratch.location).lineCount == 0)
    let ledger = try scratch.open()
    let run = try ledger.begin(LedgerScratch.plan("run-1", times: 500))
    _ = try run.reserve(LedgerScratch.step(), times: 100, for: "block 0")
    let history = try LedgerFile.history(at: scratch.location)
    #expect(history == ledger.history)
    // Another run must leave room for all that run-1 announced, and is an adaptive choice.
    let calibration = try history.calibration(within: ledger.budget)
    #expect(calibration.spent.total == 500 && calibration.basis == .adaptive)
    let noise = try calibration.noiseMultiplier(samplingProbability: 0.02, times: 2000)
    let step = try ElementaryEvent(
      samplingProbability: 0.02, noiseMultiplier: noise.noiseMultiplier
    ).event
    var plan = try LedgerScratch.plan("run-2")
    plan.event = .repeated(event: step, times: 2000)
    _ = try ledger.begin(plan)
    _ = unlink("\(scratch.location.markDirectory)/ledger.mark")
    #expect(throws: LedgerError.self) { _ = try LedgerFile.history(at: scratch.location) }
  }
}
