import Control
import Datasets
import FoundationEssentials
import Models
import Privacy

/// Whether an order that finds an earlier attempt in its place is for the same run.
///
/// A job of the daemon cannot change its order. A command can be repeated with other options, and a run that
/// silently kept the old ones would produce a set that was not ordered.
extension ResolvedPlan {
  /// Refuses an order that differs from the decisions that this run made before its first step.
  ///
  /// - Throws: `ControlError.conflict` that names the differences, each with its earlier and its new value.
  package func requireAgreement(with order: RunOrder, at folder: String) throws {
    var differences = try Self.differences(of: recipe, from: order.recipe)
    if let seed = order.seed, seed != self.seed {
      differences.append(OptionDifference("seed", String(self.seed), String(seed)))
    }
    if let classes = order.rules.classes, classes != self.classes {
      differences.append(
        OptionDifference(
          "classes", self.classes.joined(separator: ","), classes.joined(separator: ",")))
    }
    if let population = order.population, population != self.population {
      differences.append(
        OptionDifference("population", String(self.population), String(population)))
    }
    // What is left of a budget changes with every run, and with this one: it is no longer what it was.
    if let asked, order.loss != .remainder {
      differences += asked.differences(from: AskedOptions(of: order))
    }
    // The recipe's own differences would be repeated in its phases.
    if differences.isEmpty { differences += try planDifferences(order) }
    guard differences.isEmpty else {
      throw ControlError.conflict(
        "\(folder) holds an earlier attempt at this run with other options ("
          + differences.prefix(Self.mostDifferences).map(\.description).joined(separator: "; ")
          + "). Repeat the options of that attempt to continue it, or give another --name or --output for a "
          + "new run.")
    }
  }

  /// The number of differences that a message lists; more would be another recipe altogether.
  private static let mostDifferences = 8

  /// Refuses to continue with a plan that the ledger's first announcement does not contain: the ledger would
  /// have charged for other noise, steps or answers.
  ///
  /// `announced` is the plan of the run's first attempt; nil before there is one. Lines of earlier versions
  /// have no fingerprint, so their mechanism and event are compared.
  ///
  /// - Throws: `ControlError.failed`.
  func requireAnnounced(
    by announced: LedgerPlan?, fingerprint: String, run: String
  ) throws {
    guard let announced else { return }
    let isSame =
      if let known = announced.design {
        known == fingerprint
      } else {
        try announced.mechanism == mechanism
          && EventTally(announced.event) == EventTally(event)
      }
    guard isSame && announced.snapshot == snapshot else {
      throw ControlError.failed(
        "run \(run): its saved plan (design.json) is not the one that its ledger announced. It was "
          + "changed, or it belongs to another run. Restore the file, or start a new run.")
    }
  }

  /// Calibration finds the same noise for the same order, so the phases show whether orders differ.
  private func planDifferences(_ order: RunOrder) throws -> [OptionDifference] {
    // The rest of a budget changes with every run, including this one, so it cannot be compared.
    if order.loss == .remainder { return [] }
    let asked = try PricedPhases(
      order, classes: classes, units: population, after: LedgerHistory()
    ).phases
    for kind in PaidAnswers.kinds {
      // A plan of an earlier version has other words and names for the same answer.
      let (own, other) = (kind.phase(in: phases), kind.phase(in: asked))
      guard own?.work != other?.work else { continue }
      let price = { (phase: Phase?) in phase?.epsilon.map { "epsilon \(Decimals.epsilon($0))" } }
      return [OptionDifference("answer \(kind.request)", price(own), price(other))]
    }
    let model = { (phases: [Phase]) in phases.filter { !$0.isBesideModel } }
    let (own, other) = (model(phases), model(asked))
    guard own.map(\.name) == other.map(\.name) else {
      return [
        OptionDifference(
          "phases", own.map(\.name).joined(separator: ", "),
          other.map(\.name).joined(separator: ", "))
      ]
    }
    guard let (then, now) = zip(own, other).first(where: { $0.work != $1.work }) else { return [] }
    if then.stepCount != now.stepCount {
      return [OptionDifference("steps", String(then.stepCount), String(now.stepCount))]
    }
    if let known = then.plan?.batchSize, let batch = now.plan?.batchSize, known != batch {
      return [OptionDifference("batch-size", String(known), String(batch))]
    }
    return [Self.difference(of: then, from: now, in: self, order)]
  }

  /// How the noise of a phase differs, in the words of the options that decide it.
  private static func difference(
    of then: Phase, from now: Phase, in plan: ResolvedPlan, _ order: RunOrder
  ) -> OptionDifference {
    let kinds = [then, now].map { $0.plan?.mechanism?.noise ?? $0.selection?.mechanism?.noise }
    let (known, noise) = (kinds[0], kinds[1])
    if let known, let noise, known != noise {
      return OptionDifference("kind of noise", known.words, noise.words)
    }
    let claim = plan.epsilon.map { "epsilon \(Decimals.epsilon($0))" }
    guard case .epsilon(let epsilon) = order.loss else {
      return OptionDifference("privacy", claim, nil)
    }
    let asked = "epsilon \(Decimals.number(epsilon)) at delta \(Decimals.number(order.delta))"
    return OptionDifference("privacy", claim, asked)
  }

  private static func differences(
    of recipe: Recipe, from other: Recipe
  ) throws -> [OptionDifference] {
    let encoder = JSONEncoder()
    let values = try [recipe, other].map {
      try JSONDecoder().decode(FlatValues.self, from: encoder.encode($0)).values
    }
    return Set(values[0].keys).union(values[1].keys).sorted()
      .map { OptionDifference("recipe \($0)", values[0][$0], values[1][$0]) }
      .filter { $0.then != $0.now }
  }
}
