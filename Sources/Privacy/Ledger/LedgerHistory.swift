/// The result of a ledger's lines: a pure fold, without files and clocks.
///
/// A reservation counts as spent from its line on. Only a settlement returns runs, once, and never
/// more than the reservation; so at every prefix of the lines the spend is at least what can have
/// been computed.
///
/// The claim follows the announcements. A run's own plan is fixed before its first step, so the run costs at
/// most as much as its plan, wherever it is stopped and by anyone. The same holds for the root as a whole
/// while every charge was announced before the first charge; from then on the history is adaptive. See
/// `announced(by:)` and `claimed`.
public struct LedgerHistory: Hashable, Sendable {
  /// One attempt at a run.
  public struct Attempt: Hashable, Sendable {
    /// The announcement.
    public let plan: LedgerPlan
    /// The charges, less what was returned.
    public fileprivate(set) var spent = EventTally()
    /// How it ended; nil while it may still charge.
    public fileprivate(set) var outcome: String?

    /// What it may still charge within its plan.
    fileprivate func outstanding() throws(PrivacyError) -> EventTally {
      try EventTally(plan.event).subtracting(spent, clamped: true)
    }
  }

  /// One reservation and its settlement.
  public struct Charge: Hashable, Sendable {
    /// The charge.
    public let entry: LedgerReserve
    /// How many of its runs were begun; nil while unsettled, when all of them count.
    public fileprivate(set) var used: Int?
    /// The attempt's place in `attempts`.
    fileprivate let attemptIndex: Int
  }

  /// How many lines have been read.
  public private(set) var lineCount = 0
  /// The root of the ledger; nil before the first line.
  public private(set) var root: LedgerRoot?
  /// Everything charged and not returned.
  public private(set) var spent = EventTally()
  /// All attempts, in the order of their announcements.
  public private(set) var attempts: [Attempt] = []
  /// All releases, in order.
  public private(set) var releases: [LedgerRelease] = []
  /// All reservations, by their numbers.
  public private(set) var charges: [Charge] = []
  /// How many reservations are not settled.
  ///
  /// They count as spent.
  public private(set) var openReservationCount = 0
  /// Whether anything was announced or charged after the first charge that had not been announced
  /// before it: it may have been chosen after looking at results.
  public private(set) var isAdaptive = false

  /// The plans of all runs that were running when the first charge was made, by the runs' names; nil
  /// before it.
  private var firstPlans: [String: EventTally]?
  private var announcements: [String: Announcement] = [:]

  /// The sum of a run's plans.
  private struct Announcement: Hashable {
    /// The announcement, as an upper bound: the plan of the first attempt that charged, and
    /// everything that later attempts announced beyond it.
    var tally: EventTally
    /// Whether something was announced or charged beyond that plan.
    var isAdaptive = false
  }

  /// No lines.
  public init() {}

  /// The fold over `entries`.
  public init(_ entries: some Sequence<LedgerEntry>) throws(LedgerError) {
    for entry in entries { try append(entry) }
  }

  /// How many reservations were made.
  public var reservationCount: Int { charges.count }

  /// How the accountants may be combined for this history.
  public var basis: PrivacyCost.Basis { isAdaptive ? .adaptive : .planned }

  /// The events from which the claim for everything computed so far is computed.
  ///
  /// For a planned history: everything announced before the first charge, because the decision to
  /// stop before its end may depend on results. For an adaptive one: what was charged.
  public var claimed: EventTally {
    get throws(LedgerError) {
      guard !isAdaptive else { return spent }
      do {
        var sum = EventTally()
        for (_, plan) in firstPlans ?? [:] { try sum.add(plan) }
        return sum
      } catch {
        throw .invalid(error)
      }
    }
  }

  /// The cost of everything computed from the root so far.
  public func cost(atDelta delta: Double) throws(LedgerError) -> PrivacyCost {
    try Self.cost(of: claimed, delta, basis)
  }

  /// Everything that all attempts at a run may do and have done: the basis of the run's own cost,
  /// wherever it is stopped.
  ///
  /// This was priced when the run began. An attempt that continues a run announces at most the rest of it.
  public func announced(by run: String) -> EventTally {
    announcements[run]?.tally ?? EventTally()
  }

  /// The cost of one run alone, given everything that was released before it.
  public func cost(of run: String, atDelta delta: Double) throws(LedgerError) -> PrivacyCost {
    guard announcements[run]?.isAdaptive == true else {
      return try Self.cost(of: announced(by: run), delta, .planned)
    }
    return try Self.cost(of: spent(by: run), delta, .adaptive)
  }

  private static func cost(
    of tally: EventTally, _ delta: Double, _ basis: PrivacyCost.Basis
  ) throws(LedgerError) -> PrivacyCost {
    do {
      return try PrivacyCost(of: tally, delta: delta, basis: basis)
    } catch {
      throw .invalid(error)
    }
  }

  /// Spent, plus what running attempts have announced and not yet charged.
  ///
  /// Attempts at `run` are omitted: a new attempt replaces them.
  public func committed(exceptRun run: String? = nil) throws(LedgerError) -> EventTally {
    do {
      var sum = spent
      for attempt in attempts where attempt.outcome == nil && attempt.plan.run != run {
        try sum.add(attempt.outstanding())
      }
      return sum
    } catch {
      throw .invalid(error)
    }
  }

  /// The calibration of a *new* mechanism, with which it stays within `budget` together with everything spent
  /// or announced by others.
  ///
  /// Once something has been charged, a new run is an adaptive choice.
  public func calibration(
    within budget: PrivacyBudget, exceptRun run: String? = nil
  ) throws(LedgerError) -> Calibration {
    Calibration(
      budget: budget, spent: try committed(exceptRun: run),
      basis: firstPlans == nil ? .planned : .adaptive)
  }

  /// What all attempts at a run have charged.
  public func spent(by run: String) throws(LedgerError) -> EventTally {
    do {
      var sum = EventTally()
      for attempt in attempts where attempt.plan.run == run { try sum.add(attempt.spent) }
      return sum
    } catch {
      throw .invalid(error)
    }
  }

  /// What all attempts at a run have charged for one purpose, less what was returned.
  ///
  /// Two purposes may have equal events, which the tally of a run cannot distinguish.
  public func spent(
    by run: String, for purpose: String
  ) throws(LedgerError) -> EventTally {
    do {
      var sum = EventTally()
      for charge in charges where charge.entry.run == run && charge.entry.purpose == purpose {
        try sum.add(charge.entry.event, times: charge.used ?? charge.entry.times)
      }
      return sum
    } catch {
      throw .invalid(error)
    }
  }

  /// The number that the next attempt at `run` must carry.
  public func nextAttempt(of run: String) -> Int {
    attempts.count { $0.plan.run == run } + 1
  }

  /// Whether an attempt at `run` that announced `event` now, or a charge of `event` to it, would be an
  /// adaptive choice: the data has been touched, and together with what the run has spent it is more
  /// than the run had announced before that.
  public func wouldBeAdaptive(
    _ event: EventTally, of run: String
  ) throws(LedgerError) -> Bool {
    guard !isAdaptive, let firstPlans else { return isAdaptive }
    return try !(firstPlans[run] ?? EventTally()).covers(whole(event, of: run))
  }

  /// Whether a charge of `event` to `run` would be an adaptive choice.
  ///
  /// Before the first charge, only the announcements of running attempts may be charged.
  func wouldBeAdaptive(
    charging event: EventTally, to run: String
  ) throws(LedgerError) -> Bool {
    if firstPlans != nil || isAdaptive { return try wouldBeAdaptive(event, of: run) }
    return !announced(by: run).covers(event)
  }

  private func whole(_ event: EventTally, of run: String) throws(LedgerError) -> EventTally {
    var whole = try spent(by: run)
    do {
      try whole.add(event)
    } catch {
      throw .invalid(error)
    }
    return whole
  }

  /// Adds one line; on an error the history is unchanged.
  public mutating func append(_ entry: LedgerEntry) throws(LedgerError) {
    do {
      try fold(entry)
    } catch let error as PrivacyError {
      throw .invalid(error)
    } catch let error as Inconsistency {
      throw .inconsistent(line: lineCount, reason: error.reason)
    } catch {
      throw .inconsistent(line: lineCount, reason: "\(error)")
    }
    lineCount += 1
  }

  private struct Inconsistency: Error { let reason: String }

  /// Every case checks everything before it changes anything.
  private mutating func fold(_ entry: LedgerEntry) throws {
    guard root != nil else {
      guard case .root(let first) = entry else {
        throw Inconsistency(reason: "the ledger does not begin with its root")
      }
      root = first
      return
    }
    switch entry {
    case .root: throw Inconsistency(reason: "a second root")
    case .plan(let plan): try begin(plan)
    case .reserve(let reserve): try charge(reserve)
    case .settle(let settle): try end(settle)
    case .release(let release):
      guard attempts.contains(where: { $0.plan.run == release.run }) else {
        throw Inconsistency(reason: "a release of the unknown run '\(release.run)'")
      }
      try Valid.delta(release.delta)
      releases.append(release)
    case .close(let close):
      let index = try openAttempt(close.run, close.attempt)
      attempts[index].outcome = close.outcome
    }
  }

  private mutating func begin(_ plan: LedgerPlan) throws {
    guard plan.attempt == nextAttempt(of: plan.run) else {
      throw Inconsistency(
        reason: "attempt \(plan.attempt) of run '\(plan.run)' "
          + "(\(nextAttempt(of: plan.run)) expected)")
    }
    try Valid.delta(plan.delta)
    let tally = try EventTally(plan.event)
    let whole = try whole(tally, of: plan.run)
    isAdaptive = try wouldBeAdaptive(tally, of: plan.run)
    // A run that has spent nothing starts again. One that has spent continues with its plan, or
    // exceeds it.
    if whole == tally {
      announcements[plan.run] = Announcement(tally: tally)
    } else {
      announce(whole, of: plan.run)
    }
    // A new attempt means that the earlier ones are dead, whether or not they could report it.
    for index in attempts.indices
    where attempts[index].plan.run == plan.run && attempts[index].outcome == nil {
      attempts[index].outcome = "superseded"
    }
    attempts.append(Attempt(plan: plan))
  }

  private mutating func charge(_ reserve: LedgerReserve) throws {
    guard reserve.number == reservationCount else {
      throw Inconsistency(
        reason: "reservation \(reserve.number) (\(reservationCount) expected)")
    }
    let index = try openAttempt(reserve.run, reserve.attempt)
    let tally = try EventTally(reserve.event, times: reserve.times)
    var (sum, sumOfAttempt) = (spent, attempts[index].spent)
    try sum.add(tally)
    try sumOfAttempt.add(tally)
    let whole = try whole(tally, of: reserve.run)
    let plans = try firstPlans ?? plansOfRunningAttempts()
    isAdaptive = try wouldBeAdaptive(charging: tally, to: reserve.run)
    firstPlans = plans
    announce(whole, of: reserve.run)
    spent = sum
    attempts[index].spent = sumOfAttempt
    charges.append(Charge(entry: reserve, used: nil, attemptIndex: index))
    openReservationCount += 1
  }

  /// Records the total that a run announces or charges, and marks it as adaptive when it exceeds
  /// the earlier announcement.
  private mutating func announce(_ whole: EventTally, of run: String) {
    guard let known = announcements[run], !known.tally.covers(whole) else { return }
    announcements[run] = Announcement(tally: known.tally.union(whole), isAdaptive: true)
  }

  private func plansOfRunningAttempts() throws(PrivacyError) -> [String: EventTally] {
    var plans: [String: EventTally] = [:]
    for attempt in attempts where attempt.outcome == nil {
      plans[attempt.plan.run] = try EventTally(attempt.plan.event)
    }
    return plans
  }

  private mutating func end(_ settle: LedgerSettle) throws {
    guard charges.indices.contains(settle.number), charges[settle.number].used == nil else {
      throw Inconsistency(reason: "reservation \(settle.number) is not open")
    }
    let charge = charges[settle.number]
    guard settle.used >= 0, settle.used <= charge.entry.times else {
      throw Inconsistency(
        reason: "\(settle.used) used of \(charge.entry.times) in reservation \(settle.number)")
    }
    let unused = try EventTally(charge.entry.event, times: charge.entry.times - settle.used)
    let rest = try spent.subtracting(unused)
    let restOfAttempt = try attempts[charge.attemptIndex].spent.subtracting(unused)
    spent = rest
    attempts[charge.attemptIndex].spent = restOfAttempt
    charges[settle.number].used = settle.used
    openReservationCount -= 1
  }

  private func openAttempt(_ run: String, _ attempt: Int) throws -> Int {
    guard
      let index = attempts.firstIndex(where: {
        $0.plan.run == run && $0.plan.attempt == attempt
      })
    else { throw Inconsistency(reason: "run '\(run)' has announced no attempt \(attempt)") }
    if let outcome = attempts[index].outcome {
      throw Inconsistency(reason: "attempt \(attempt) of run '\(run)' has ended (\(outcome))")
    }
    return index
  }
}
