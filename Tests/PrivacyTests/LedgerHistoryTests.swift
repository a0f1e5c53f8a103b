import FoundationEssentials
import Testing

@testable import Privacy

/// Reproducible randomness for the cases of a property.
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
    // Unsettled reservations are spent.
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
        // A part of the block is computed before anything else is written.
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

  /// A negative number of runs would refund what other reservations spent.
  @Test func aSettlementGivesBackNoMoreThanItsReservation() throws {
    for used in [-5, -1, 6, Int.max] {
      var history = try LedgerHistory([
        Self.root, Self.plan("a", 1), Self.reserve(0, 10), Self.settle(0, 10), Self.reserve(1, 5),
      ])
      #expect(throws: LedgerError.self, "\(used) of 5") { try history.append(Self.settle(1, used)) }
      #expect(history.spent.total == 15 && history.openReservationCount == 1)
    }
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
    // The open block of the ended attempt may still be settled by a caller who knows that it never began.
    try history.append(Self.settle(0, 0))
    #expect(history.spent.total == 5)
  }

  @Test func announcedButUnchargedStepsAreCommitted() throws {
    let event = PrivacyEvent.gaussian(noiseMultiplier: 3)
    var history = try LedgerHistory([
      Self.root, Self.plan("a", 1, .repeated(event: event, times: 100)), Self.reserve(0, 30),
      Self.plan("b", 1, .repeated(event: event, times: 50)),
    ])
    #expect(try history.committed().total == 150)
    #expect(try history.committed(exceptRun: "b").total == 100)
    try history.append(Self.close("a", 1))
    #expect(try history.committed().total == 80)
    // More than announced is charged: nothing is outstanding, and everything is spent.
    try history.append(Self.reserve(1, 70, run: "b"))
    #expect(try history.committed().total == 100)
  }

  private static let event = PrivacyEvent.gaussian(noiseMultiplier: 3)

  private static func steps(_ times: Int) -> PrivacyEvent { .repeated(event: event, times: times) }

  private static func basis(after more: LedgerEntry...) throws -> PrivacyCost.Basis {
    try LedgerHistory(
      [
        root, plan("dropped", 1, steps(50)), close("dropped", 1),
        plan("a", 1, steps(3)), plan("a", 2, steps(10)), plan("b", 1, steps(5)),
        reserve(0, 4, attempt: 2), settle(0, 3),
      ] + more
    ).basis
  }

  @Test func whatWasAnnouncedBeforeTheFirstChargeIsPlanned() throws {
    #expect(try Self.basis() == .planned)
    #expect(
      try Self.basis(after: Self.reserve(1, 7, attempt: 2), Self.reserve(2, 5, run: "b"))
        == .planned)
    // Another attempt at the rest of the plan, or at less.
    #expect(try Self.basis(after: Self.plan("a", 3, Self.steps(7))) == .planned)
    #expect(
      try Self.basis(
        after: Self.close("b", 1), Self.plan("a", 3, Self.steps(2)),
        Self.reserve(1, 2, attempt: 3), Self.plan("a", 4, Self.steps(5)),
        Self.plan("b", 2, Self.steps(5))) == .planned)
  }

  @Test func whatIsChosenAfterTheFirstChargeIsAdaptive() throws {
    // Another run, even of the same kind, or with the name of a run that had ended.
    #expect(try Self.basis(after: Self.plan("c", 1, Self.steps(1))) == .adaptive)
    #expect(try Self.basis(after: Self.plan("dropped", 2, Self.steps(1))) == .adaptive)
    // More than the rest of a run's plan.
    #expect(try Self.basis(after: Self.plan("a", 3, Self.steps(8))) == .adaptive)
    #expect(try Self.basis(after: Self.plan("b", 2, .gaussian(noiseMultiplier: 4))) == .adaptive)
    // More than was announced.
    #expect(try Self.basis(after: Self.reserve(1, 8, attempt: 2)) == .adaptive)
    let unannounced = try LedgerHistory([Self.root, Self.plan("a", 1), Self.reserve(0, 1)])
    #expect(unannounced.basis == .adaptive)
  }

  @Test func aRunCostsWhatItAnnouncedWhereverItIsStopped() throws {
    var history = try LedgerHistory([
      Self.root, Self.plan("a", 1, Self.steps(100)), Self.reserve(0, 60), Self.settle(0, 20),
    ])
    let plan = try PrivacyCost(of: Self.event, times: 100, delta: 1e-5)
    #expect(try history.cost(of: "a", atDelta: 1e-5) == plan)
    #expect(try history.cost(atDelta: 1e-5) == plan)
    // The next attempt announces the rest; the run's announced plan stays the same.
    try history.append(Self.plan("a", 2, Self.steps(80)))
    #expect(history.announced(by: "a").total == 100)
    try history.append(Self.reserve(1, 10, attempt: 2))
    try history.append(Self.plan("a", 3, Self.steps(5)))
    try history.append(Self.close("a", 3))
    #expect(try history.cost(of: "a", atDelta: 1e-5) == plan)
    #expect(try history.cost(atDelta: 1e-5) == plan)
    // A later run has its own plan; together they are adaptive, and the charges count.
    try history.append(Self.plan("b", 1, Self.steps(40)))
    try history.append(Self.reserve(2, 1, run: "b"))
    #expect(
      try history.cost(of: "b", atDelta: 1e-5)
        == PrivacyCost(of: Self.event, times: 40, delta: 1e-5))
    #expect(try history.cost(of: "a", atDelta: 1e-5) == plan)
    #expect(
      try history.cost(atDelta: 1e-5)
        == PrivacyCost(of: Self.event, times: 31, delta: 1e-5, basis: .adaptive))
    // A run that exceeds its plan has no plan.
    try history.append(Self.plan("b", 2, Self.steps(50)))
    #expect(try history.cost(of: "b", atDelta: 1e-5).basis == .adaptive)
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
    #expect(try ledger.history.cost(atDelta: 1e-5).epsilon <= 6)
    var next = try ledger.spent()
    try next.add(event, times: 25)
    #expect(try PrivacyCost(of: next, delta: 1e-5, basis: .adaptive).epsilon > 6)
  }

  @Test func onlyASettlementRefunds() throws {
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
    // No privacy at all exceeds any budget; it is not an arithmetic error.
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
