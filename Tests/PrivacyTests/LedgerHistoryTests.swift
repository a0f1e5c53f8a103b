import FoundationEssentials
import Testing

@testable import Privacy

/// Repeatable randomness for cases of a property.
struct CaseGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(_ seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

  mutating func next() -> UInt64 {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return state &* 0x2545_F491_4F6C_DD1D
  }
}

@Suite struct LedgerHistoryTests {
  private static let root = LedgerEntry.root(
    LedgerRoot(identity: "r", dataset: "d", unit: .file, adjacency: .addOrRemoveOne))

  private static func plan(
    _ run: String, _ attempt: Int, _ event: PrivacyEvent = .composed([])
  ) -> LedgerEntry {
    .plan(
      LedgerPlan(
        run: run, attempt: attempt, snapshot: "s", event: event, mechanism: nil, delta: 1e-5,
        software: "0"))
  }

  private static func reserve(
    _ number: Int, _ times: Int, run: String = "a", attempt: Int = 1,
    event: PrivacyEvent = .gaussian(noiseMultiplier: 3), purpose: String = "p"
  ) -> LedgerEntry {
    .reserve(
      LedgerReserve(
        number: number, run: run, attempt: attempt, event: event, times: times,
        purpose: purpose))
  }

  private static func settle(_ number: Int, _ used: Int) -> LedgerEntry {
    .settle(LedgerSettle(number: number, used: used))
  }

  private static func close(_ run: String, _ attempt: Int) -> LedgerEntry {
    .close(LedgerClose(run: run, attempt: attempt, outcome: "finished"))
  }

  @Test func equalEventsAreToldApartByTheirPurposes() throws {
    let history = try LedgerHistory([
      Self.root, Self.plan("a", 1), Self.reserve(0, 1, purpose: "p"), Self.settle(0, 1),
      Self.plan("a", 2), Self.reserve(1, 5, attempt: 2, purpose: "q"), Self.settle(1, 2),
      Self.plan("b", 1), Self.reserve(2, 1, run: "b", purpose: "r"),
    ])
    #expect(try history.spent(by: "a").total == 3)
    #expect(try history.spent(by: "a", for: "p").total == 1)
    #expect(try history.spent(by: "a", for: "q").total == 2)
    #expect(try history.spent(by: "a", for: "r").isEmpty)
    // What nobody settled is spent.
    #expect(try history.spent(by: "b", for: "r").total == 1)
  }

  @Test(arguments: 1...60)
  func atEveryPrefixTheSpendCoversWhatCanHaveBeenComputed(_ seed: UInt64) throws {
    var generator = CaseGenerator(seed)
    var history = try LedgerHistory([Self.root, Self.plan("a", 1)])
    var computed = 0
    var open: [(number: Int, times: Int, used: Int)] = []
    for _ in 0..<80 {
      if open.isEmpty || Bool.random(using: &generator) {
        let times = Int.random(in: 0...20, using: &generator)
        try history.append(Self.reserve(history.reservationCount, times))
        // Some of the block is computed before anything else is written.
        let used = Int.random(in: 0...times, using: &generator)
        open.append((history.reservationCount - 1, times, used))
        computed += used
      } else {
        let index = Int.random(in: 0..<open.count, using: &generator)
        let reservation = open.remove(at: index)
        try history.append(Self.settle(reservation.number, reservation.used))
      }
      #expect(history.spent.total >= computed)
      let outstanding = open.reduce(0) { $0 + $1.times - $1.used }
      #expect(history.spent.total == computed + outstanding)
    }
    #expect(history.openReservationCount == open.count)
    #expect(try history.spent(by: "a") == history.spent)
  }

  @Test func settlementsCommute() throws {
    let start = [Self.root, Self.plan("a", 1), Self.reserve(0, 10), Self.reserve(1, 20)]
    let first = try LedgerHistory(start + [Self.settle(0, 4), Self.settle(1, 5)])
    let second = try LedgerHistory(start + [Self.settle(1, 5), Self.settle(0, 4)])
    #expect(first == second)
    #expect(first.spent.total == 9)
  }

  @Test func contradictionsAreRefusedAndChangeNothing() throws {
    let start = [
      Self.root, Self.plan("a", 1), Self.reserve(0, 10), Self.settle(0, 4), Self.reserve(1, 10),
      Self.plan("b", 1), Self.close("b", 1),
    ]
    let contradictions = [
      Self.root, Self.plan("a", 1), Self.plan("a", 3), Self.plan("c", 2), Self.reserve(1, 1),
      Self.reserve(3, 1), Self.reserve(2, -1), Self.reserve(2, 1, run: "unknown"),
      Self.reserve(2, 1, attempt: 2), Self.reserve(2, 1, run: "b"), Self.settle(0, 4),
      Self.settle(1, 11), Self.settle(1, -1), Self.settle(7, 0), Self.close("b", 1),
      Self.close("c", 1), Self.reserve(2, 1, event: .gaussian(noiseMultiplier: .nan)),
      .release(LedgerRelease(run: "c", artefact: "x", epsilon: 1, delta: 1e-5)),
    ]
    var history = try LedgerHistory(start)
    let before = history
    for entry in contradictions {
      #expect(throws: LedgerError.self, "\(entry)") { try history.append(entry) }
      #expect(history == before)
    }
    #expect(throws: LedgerError.self) { _ = try LedgerHistory([Self.plan("a", 1)]) }
  }

  @Test func aNewAttemptEndsTheOneBefore() throws {
    var history = try LedgerHistory([
      Self.root, Self.plan("a", 1), Self.reserve(0, 10), Self.plan("a", 2),
    ])
    #expect(history.spent.total == 10)
    #expect(throws: LedgerError.self) { try history.append(Self.reserve(1, 1)) }
    try history.append(Self.reserve(1, 5, attempt: 2))
    #expect(history.spent.total == 15)
    // The dead attempt's open block may still be settled by whoever knows that it never began.
    try history.append(Self.settle(0, 0))
    #expect(history.spent.total == 5)
  }

  @Test func whatIsAnnouncedAndNotYetChargedIsCommitted() throws {
    let event = PrivacyEvent.gaussian(noiseMultiplier: 3)
    var history = try LedgerHistory([
      Self.root, Self.plan("a", 1, .repeated(event: event, times: 100)), Self.reserve(0, 30),
      Self.plan("b", 1, .repeated(event: event, times: 50)),
    ])
    #expect(try history.committed().total == 150)
    #expect(try history.committed(exceptRun: "b").total == 100)
    try history.append(Self.close("a", 1))
    #expect(try history.committed().total == 80)
    // More than announced is charged: nothing is outstanding, all is spent.
    try history.append(Self.reserve(1, 70, run: "b"))
    #expect(try history.committed().total == 100)
  }

  @Test func onlyAMechanismChosenAfterResultsIsAdaptive() throws {
    let (first, second) = (
      PrivacyEvent.gaussian(noiseMultiplier: 3), PrivacyEvent.gaussian(noiseMultiplier: 4)
    )
    var history = try LedgerHistory([
      Self.root, Self.plan("a", 1, .composed([first, second])), Self.plan("b", 1, first),
      Self.reserve(0, 5, event: first), Self.reserve(1, 5, event: second),
      Self.plan("c", 1, .repeated(event: second, times: 9)),
    ])
    #expect(history.basis == .planned)
    try history.append(Self.plan("d", 1, .gaussian(noiseMultiplier: 5)))
    #expect(history.basis == .adaptive)
  }

  @Test func linesAreReadBack() throws {
    let entries = [
      Self.root, Self.plan("a", 1), Self.reserve(0, 10), Self.settle(0, 4), Self.close("a", 1),
      .release(LedgerRelease(run: "a", artefact: "x", epsilon: 1, delta: 1e-5)),
    ]
    for entry in entries {
      let json = try JSONEncoder().encode(entry)
      #expect(try JSONDecoder().decode(LedgerEntry.self, from: json) == entry)
    }
  }
}

@Suite struct MemoryLedgerTests {
  private func ledger(_ epsilon: Double) throws -> MemoryLedger {
    try MemoryLedger(budget: PrivacyBudget(epsilon: epsilon, delta: 1e-5))
  }

  @Test func runToExhaustionTheSpendNeverExceedsTheBudget() throws {
    let event = try ElementaryEvent(samplingProbability: 0.05, noiseMultiplier: 1).event
    let ledger = try ledger(6)
    var granted = 0
    while true {
      do {
        let reservation = try ledger.reserve(event, times: 25, for: "block")
        try ledger.settle(reservation, used: 25)
        granted += 25
      } catch {
        guard case .overBudget(let refusal) = error else { throw error }
        #expect(refusal.affordableTimes < 25)
        #expect(try #require(refusal.askedEpsilon) > 6)
        #expect(refusal.spentEpsilon <= 6)
        break
      }
    }
    #expect(granted > 0)
    #expect(try ledger.spent().total == granted)
    #expect(try PrivacyCost(of: ledger.spent(), delta: 1e-5).epsilon <= 6)
    var next = try ledger.spent()
    try next.add(event, times: 25)
    #expect(try PrivacyCost(of: next, delta: 1e-5).epsilon > 6)
  }

  @Test func onlyASettlementGivesBack() throws {
    let event = PrivacyEvent.gaussian(noiseMultiplier: 30)
    let ledger = try ledger(8)
    _ = try ledger.reserve(event, times: 3, for: "dropped")
    let reservation = try ledger.reserve(event, times: 5, for: "settled")
    #expect(try ledger.spent().total == 8)
    try ledger.settle(reservation, used: 1)
    #expect(try ledger.spent().total == 4)
  }

  @Test func requestsWithoutMeaningAreRefusedAndNotWritten() throws {
    let ledger = try ledger(8)
    let lines = ledger.entries.count
    for noise in [0, -1, Double.nan, .infinity] {
      #expect(throws: LedgerError.self) {
        _ = try ledger.reserve(.gaussian(noiseMultiplier: noise), times: 1, for: "x")
      }
    }
    #expect(throws: LedgerError.self) {
      _ = try ledger.reserve(.gaussian(noiseMultiplier: 1), times: -1, for: "x")
    }
    // No privacy at all is over any budget, not an error of arithmetic.
    let error = #expect(throws: LedgerError.self) {
      _ = try ledger.reserve(.gaussian(noiseMultiplier: 1e-170), times: 1, for: "x")
    }
    guard case .overBudget(let refusal) = try #require(error) else {
      Issue.record("refused for another reason")
      return
    }
    #expect(refusal.askedEpsilon == nil && refusal.affordableTimes == 0)
    #expect(ledger.entries.count == lines)
  }
}
