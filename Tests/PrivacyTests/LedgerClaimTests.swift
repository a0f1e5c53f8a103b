import Testing

@testable import Privacy

/// Admission and claims agree, whatever is announced, charged, stopped and resumed.
@Suite struct LedgerClaimTests {
  private static let budget = try? PrivacyBudget(epsilon: 3, delta: 1e-5)

  /// A ledger to which runs write arbitrarily, through the gate.
  private struct Root {
    let budget: PrivacyBudget
    let noise: NoiseDistribution
    var history: LedgerHistory
    var gate: BudgetGate
    var generator: CaseGenerator
    var unsettled: [(number: Int, times: Int)] = []
    /// The price of a run's plan, as long as the run follows it.
    var prices: [String: Double] = [:]
    var (admitted, refused, adaptive) = (0, 0, 0)

    init(seed: UInt64, _ noise: NoiseDistribution, _ budget: PrivacyBudget) throws {
      self.budget = budget
      self.noise = noise
      generator = CaseGenerator(seed)
      gate = BudgetGate(budget: budget, dataset: "d")
      history = try LedgerHistory([
        .root(LedgerRoot(identity: "r", dataset: "d", unit: .file, adjacency: .addOrRemoveOne))
      ])
    }

    mutating func event() throws -> PrivacyEvent {
      let multiplier = [5.0, 8, 13][Int.random(in: 0..<3, using: &generator)]
      return try ElementaryEvent(samplingProbability: 1, noiseMultiplier: multiplier, noise: noise)
        .event
    }

    /// Writes an entry if the gate admits it.
    mutating func write(
      _ entry: LedgerEntry, _ admit: (inout Root) throws(LedgerError) -> Void
    ) throws -> Bool {
      do {
        try admit(&self)
      } catch {
        guard case .overBudget = error else { throw error }
        refused += 1
        return false
      }
      admitted += 1
      try history.append(entry)
      return true
    }

    mutating func plan() throws {
      let run = "run-\(Int.random(in: 0..<4, using: &generator))"
      let spent = try history.spent(by: run)
      var event = PrivacyEvent.repeated(
        event: try event(), times: Int.random(in: 1...12, using: &generator))
      // Attempts continue with the rest of the plan, with less, or with something else.
      let left = try history.announced(by: run).subtracting(spent, clamped: true)
      if !spent.isEmpty, !left.isEmpty, Int.random(in: 0..<4, using: &generator) > 0 {
        event = Bool.random(using: &generator) ? left.event : left.sorted[0].event.event
      }
      let plan = LedgerPlan(
        run: run, attempt: history.nextAttempt(of: run), snapshot: "s", event: event,
        mechanism: nil, delta: budget.delta, software: "0")
      let isWritten = try write(.plan(plan)) { root throws(LedgerError) in
        try root.gate.admitPlan(event, of: run, after: root.history)
      }
      guard isWritten, spent.isEmpty else { return }
      // A run is priced only by its plan, by the better of both accountants.
      prices[run] = try PrivacyCost(of: EventTally(event), delta: budget.delta).epsilon
    }

    mutating func charge() throws {
      let open = history.attempts.filter { $0.outcome == nil }
      guard let attempt = open.randomElement(using: &generator) else { return }
      let kinds = try EventTally(attempt.plan.event).sorted
      // Sometimes an event that the attempt has not announced, or more of it.
      let announced = kinds[Int.random(in: 0..<kinds.count, using: &generator)].event.event
      let event = Int.random(in: 0..<12, using: &generator) == 0 ? try event() : announced
      let times = Int.random(in: 1...4, using: &generator)
      let number = history.reservationCount
      let reserve = LedgerReserve(
        number: number, run: attempt.plan.run, attempt: attempt.plan.attempt, event: event,
        times: times, purpose: "p")
      let isWritten = try write(.reserve(reserve)) { root throws(LedgerError) in
        try root.gate.admit(event, times: times, by: attempt.plan.run, after: root.history)
      }
      if isWritten { unsettled.append((number, times)) }
    }

    mutating func settle() throws {
      guard !unsettled.isEmpty else { return }
      let index = Int.random(in: 0..<unsettled.count, using: &generator)
      let (number, times) = unsettled.remove(at: index)
      let used = Int.random(in: 0...times, using: &generator)
      try history.append(.settle(LedgerSettle(number: number, used: used)))
    }

    mutating func close() throws {
      let open = history.attempts.filter { $0.outcome == nil }
      guard let attempt = open.randomElement(using: &generator) else { return }
      try history.append(
        .close(
          LedgerClose(
            run: attempt.plan.run, attempt: attempt.plan.attempt, outcome: "stopped")))
    }

    mutating func step() throws {
      switch Int.random(in: 0..<10, using: &generator) {
      case 0..<2: try plan()
      case 2..<7: try charge()
      case 7..<9: try settle()
      default: try close()
      }
    }

    mutating func check() throws {
      let total = try history.cost(atDelta: budget.delta)
      #expect(total.epsilon <= budget.epsilon)
      if history.isAdaptive { adaptive += 1 }
      for (run, price) in prices {
        let cost = try history.cost(of: run, atDelta: budget.delta)
        // A run that charged more than announced has left its priced plan.
        if cost.basis == .adaptive {
          prices[run] = nil
        } else {
          #expect(cost.epsilon <= price)
        }
      }
    }
  }

  @Test(arguments: [
    (NoiseDistribution.discreteGaussian, 1...150), (NoiseDistribution.gaussian, 1...3),
  ])
  func claimsNeverExceedWhatWasAdmitted(
    _ noise: NoiseDistribution, _ seeds: ClosedRange<Int>
  ) throws {
    var (admitted, refused, adaptive) = (0, 0, 0)
    for seed in seeds {
      var root = try Root(seed: UInt64(seed), noise, #require(Self.budget))
      for _ in 0..<40 {
        try root.step()
        try root.check()
      }
      admitted += root.admitted
      refused += root.refused
      adaptive += root.adaptive
    }
    // All kinds of histories occurred.
    let steps = seeds.count * 40
    #expect(admitted > steps / 8 && refused > steps / 40)
    #expect(adaptive > steps / 8 && adaptive < steps * 7 / 8)
  }

  @Test func noiseForALaterRunIsFoundByThePriceOfTheClaim() throws {
    let event = try ElementaryEvent(samplingProbability: 0.02, noiseMultiplier: 1.5).event
    let budget = try PrivacyBudget(epsilon: 4, delta: 1e-5)
    let first = PrivacyEvent.repeated(event: event, times: 1000)
    var history = try LedgerHistory([
      .root(LedgerRoot(identity: "r", dataset: "d", unit: .file, adjacency: .addOrRemoveOne)),
      .plan(
        LedgerPlan(
          run: "a", attempt: 1, snapshot: "s", event: first, mechanism: nil, delta: 1e-5,
          software: "0")),
      .reserve(
        LedgerReserve(number: 0, run: "a", attempt: 1, event: event, times: 600, purpose: "p")),
    ])
    let found = try history.calibration(within: budget)
      .noiseMultiplier(samplingProbability: 0.02, times: 500)
    let step = try ElementaryEvent(
      samplingProbability: 0.02, noiseMultiplier: found.noiseMultiplier)
    let plan = PrivacyEvent.repeated(event: step.event, times: 500)
    var all = try EventTally(first)
    try all.add(plan)
    #expect(try RenyiOdometer.bound(of: all, atDelta: 1e-5).epsilon == found.epsilon)
    var gate = BudgetGate(budget: budget, dataset: "d")
    try gate.admitPlan(plan, of: "b", after: history)
    try history.append(
      .plan(
        LedgerPlan(
          run: "b", attempt: 1, snapshot: "s", event: plan, mechanism: nil, delta: 1e-5,
          software: "0")))
    for (number, charge) in [("a", event, 400), ("b", step.event, 500)].enumerated() {
      let (run, event, times) = charge
      try gate.admit(event, times: times, by: run, after: history)
      try history.append(
        .reserve(
          LedgerReserve(
            number: number + 1, run: run, attempt: 1, event: event, times: times, purpose: "p")))
    }
    // The whole available budget is used, and the claim is the budget and not less.
    let cost = try history.cost(atDelta: 1e-5)
    #expect(cost.basis == .adaptive && cost.epsilon <= 4 && cost.epsilon > 3.99)
    #expect(cost.epsilon == found.epsilon)
  }

  @Test func runsThatWereAnnouncedTogetherAreClaimedAsTheyWereAdmitted() throws {
    let event = try ElementaryEvent(samplingProbability: 0.02, noiseMultiplier: 1).event
    let budget = try PrivacyBudget(epsilon: 4, delta: 1e-5)
    let times = try Calibration(budget: budget).affordableTimes(of: event)
    var gate = BudgetGate(budget: budget, dataset: "d")
    var history = try LedgerHistory([
      .root(LedgerRoot(identity: "r", dataset: "d", unit: .file, adjacency: .addOrRemoveOne))
    ])
    for (run, share) in [("a", times / 2), ("b", times - times / 2)] {
      let plan = PrivacyEvent.repeated(event: event, times: share)
      try gate.admitPlan(plan, of: run, after: history)
      try history.append(
        .plan(
          LedgerPlan(
            run: run, attempt: 1, snapshot: "s", event: plan, mechanism: nil, delta: 1e-5,
            software: "0")))
    }
    // A third run does not fit, before the first charge and after it.
    #expect(throws: LedgerError.self) { try gate.admitPlan(event, of: "c", after: history) }
    try gate.admit(event, times: 5, by: "a", after: history)
    try history.append(
      .reserve(
        LedgerReserve(number: 0, run: "a", attempt: 1, event: event, times: 5, purpose: "p")))
    #expect(throws: LedgerError.self) { try gate.admitPlan(event, of: "c", after: history) }
    let cost = try history.cost(atDelta: 1e-5)
    #expect(cost.basis == .planned && cost.epsilon <= 4 && cost.epsilon > 3.95)
    // The rest is admitted, although Rényi divergences with their shares would be too expensive.
    try gate.admit(event, times: times / 2 - 5, by: "a", after: history)
    let all = try EventTally(event, times: times)
    #expect(try RenyiOdometer.bound(of: all, atDelta: 1e-5).epsilon > 4)
  }
}
