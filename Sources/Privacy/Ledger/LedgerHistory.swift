/// What a ledger's lines amount to: a pure fold, without files and clocks.
///
/// A reservation counts as spent from its line on. Only a settlement gives back, once, and never
/// more than the reservation; so at every prefix of the lines the spend is at least what can have
/// been computed.
public struct LedgerHistory: Hashable, Sendable {
  /// One attempt at a run.
  public struct Attempt: Hashable, Sendable {
    /// What was announced.
    public let plan: LedgerPlan
    /// What was charged, less what was given back.
    public fileprivate(set) var spent = EventTally()
    /// How it ended; nil while it may still charge.
    public fileprivate(set) var outcome: String?

    /// What it may still charge within its plan.
    fileprivate func outstanding() throws(PrivacyError) -> EventTally {
      try EventTally(plan.event).subtracting(spent, clamped: true)
    }
  }

  /// One reservation and what became of it.
  public struct Charge: Hashable, Sendable {
    /// What was charged.
    public let entry: LedgerReserve
    /// How many of its runs were begun; nil while unsettled, when all of them count.
    public fileprivate(set) var used: Int?
    /// The attempt's place in `attempts`.
    fileprivate let attemptIndex: Int
  }

  /// How many lines have been read.
  public private(set) var lineCount = 0
  /// Whose data this is; nil before the first line.
  public private(set) var root: LedgerRoot?
  /// Everything charged and not given back.
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
  /// Whether a mechanism was chosen after results of another one existed.
  public private(set) var isAdaptive = false

  private var announcedKinds: Set<ElementaryEvent> = []

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

  /// Spent, plus what running attempts have announced and not yet charged.
  ///
  /// Attempts at `run` are
  /// left out: a new attempt takes their place.
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

  /// The question which noise a *new* mechanism needs, so that everything spent or announced by
  /// others stays within `budget` together with it.
  ///
  /// Once something has been charged, a newly chosen noise multiplier is an adaptive choice.
  public func calibration(
    within budget: PrivacyBudget, exceptRun run: String? = nil
  ) throws(LedgerError) -> Calibration {
    Calibration(
      budget: budget, spent: try committed(exceptRun: run),
      basis: isAdaptive || reservationCount > 0 ? .adaptive : .planned)
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

  /// What all attempts at a run have charged for one purpose, less what was given back.
  ///
  /// Two purposes may be served by equal events, which the tally of a run cannot tell apart.
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

  /// Whether a plan made now for `event` would be an adaptive choice: some mechanism has already
  /// touched the data, and `event` holds another one.
  public func wouldBeAdaptive(_ event: EventTally) -> Bool {
    isAdaptive || (reservationCount > 0 && !event.counts.keys.allSatisfy(announcedKinds.contains))
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
    isAdaptive = wouldBeAdaptive(tally)
    announcedKinds.formUnion(tally.counts.keys)
    // A new attempt means that the earlier ones are dead, whether or not they could say so.
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
    isAdaptive = wouldBeAdaptive(tally)
    announcedKinds.formUnion(tally.counts.keys)
    spent = sum
    attempts[index].spent = sumOfAttempt
    charges.append(Charge(entry: reserve, used: nil, attemptIndex: index))
    openReservationCount += 1
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
