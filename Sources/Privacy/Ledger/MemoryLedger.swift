import Synchronization

/// A ledger that lives as long as the process: for tests of training, and for trials on data that
/// is declared public.
///
/// It keeps the same rules as the durable one, without durability.
public final class MemoryLedger: PrivacyLedger {
  private struct State {
    var entries: [LedgerEntry] = []
    var history = LedgerHistory()
    var gate: BudgetGate
  }

  private let run: String
  private let state: Mutex<State>

  /// A ledger for one run with the given budget.
  public init(
    budget: PrivacyBudget, dataset: String = "memory", unit: PrivacyUnit = .file,
    run: String = "run", plan: PrivacyEvent = .composed([])
  ) throws(LedgerError) {
    self.run = run
    let root = LedgerRoot(
      identity: dataset, dataset: dataset, unit: unit, adjacency: .addOrRemoveOne)
    let announced = LedgerPlan(
      run: run, attempt: 1, snapshot: "", event: plan, mechanism: nil, delta: budget.delta,
      software: "")
    var opened = State(gate: BudgetGate(budget: budget, dataset: dataset))
    for entry in [LedgerEntry.root(root), .plan(announced)] {
      try opened.history.append(entry)
      opened.entries.append(entry)
    }
    state = Mutex(opened)
  }

  /// All lines so far, for tests of charges and their order.
  public var entries: [LedgerEntry] { state.withLock { $0.entries } }

  /// The fold of all lines so far.
  public var history: LedgerHistory { state.withLock { $0.history } }

  /// Charges the runs; throws when the budget would be exceeded.
  public func reserve(
    _ event: PrivacyEvent, times: Int, for purpose: String
  ) throws(LedgerError) -> Reservation {
    let number = try state.withLock { state throws(LedgerError) in
      try state.gate.admit(event, times: times, by: run, after: state.history)
      let number = state.history.reservationCount
      let entry = LedgerEntry.reserve(
        LedgerReserve(
          number: number, run: run, attempt: 1, event: event, times: times, purpose: purpose))
      try state.history.append(entry)
      state.entries.append(entry)
      return number
    }
    return Reservation(number: number, event: event, times: times)
  }

  /// Returns runs that never began.
  public func settle(_ reservation: consuming Reservation, used: Int) throws(LedgerError) {
    let entry = LedgerEntry.settle(LedgerSettle(number: reservation.number, used: used))
    try state.withLock { state throws(LedgerError) in
      try state.history.append(entry)
      state.entries.append(entry)
    }
  }

  /// Everything charged so far.
  public func spent() throws(LedgerError) -> EventTally { state.withLock { $0.history.spent } }
}
