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
  /// - Throws: `ControlError.conflict` that names the differences.
  package func requireAgreement(with order: RunOrder, at folder: String) throws {
    var differences: [String] = []
    if try Self.text(of: recipe) != Self.text(of: order.recipe) { differences.append("recipe") }
    if let seed = order.seed, seed != self.seed { differences.append("seed") }
    if let classes = order.rules.classes, classes != self.classes { differences.append("classes") }
    if let population = order.population, population != self.population {
      differences.append("population")
    }
    if differences.isEmpty { differences += try planDifferences(order) }
    guard differences.isEmpty else {
      throw ControlError.conflict(
        "\(folder) holds an earlier attempt at this run with another"
          + " \(differences.joined(separator: ", another ")). Repeat the options of that attempt to continue it,"
          + " or another --name or --output for a new run.")
    }
  }

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
  private func planDifferences(_ order: RunOrder) throws -> [String] {
    // The rest of a budget changes with every run, including this one, so it cannot be compared.
    if order.loss == .remainder { return [] }
    let asked = try PricedPhases(
      order, classes: classes, units: population, after: LedgerHistory()
    ).phases
    for kind in PaidAnswers.kinds {
      // A plan of an earlier version has other words and names for the same answer.
      let (own, other) = (kind.phase(in: phases), kind.phase(in: asked))
      if own?.work != other?.work { return ["question for the \(kind.phase)"] }
    }
    let model = { (phases: [Phase]) in phases.filter { !$0.isBesideModel } }
    guard model(asked).map(\.name) == model(phases).map(\.name) else { return ["list of phases"] }
    for (other, own) in zip(model(asked), model(phases)) where other.work != own.work {
      if other.stepCount != own.stepCount { return ["number of steps"] }
      guard let noise = other.plan?.mechanism?.noise, let known = own.plan?.mechanism?.noise else {
        return ["privacy"]
      }
      return [noise == known ? "epsilon or delta" : "kind of noise"]
    }
    return []
  }

  private static func text(of recipe: Recipe) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    return try encoder.encode(recipe)
  }
}
