import Control
import Datasets
import FoundationEssentials
import Models
import Privacy

/// Whether an order that finds an earlier attempt at its place asks for the same run.
///
/// A job of the daemon cannot change its order. A command can be given again with other options,
/// and going on with the old ones in silence would end in a set that nobody asked for.
extension RunDesign {
  /// Refuses an order that differs from what this run decided before its first step.
  ///
  /// - Throws: `ControlError.conflict` that names what differs.
  package func requireAgreement(with order: RunOrder, at folder: String) throws {
    var differences: [String] = []
    if try Self.text(of: recipe) != Self.text(of: order.recipe) { differences.append("recipe") }
    if let seed = order.seed, seed != self.seed { differences.append("seed") }
    if let classes = order.rules.classes, classes != self.classes { differences.append("classes") }
    if let population = order.population, population != plan.population {
      differences.append("population")
    }
    if differences.isEmpty { differences += try planDifferences(order) }
    guard differences.isEmpty else {
      throw ControlError.conflict(
        "\(folder) holds an earlier attempt at this run with another"
          + " \(differences.joined(separator: ", another ")). Give the options of that attempt to go on with it,"
          + " or another --name or --output for a new run.")
    }
  }

  /// Refuses to go on with a design that is not the one which the ledger heard of before the first
  /// step: its noise, steps or questions would not be those that were paid for.
  ///
  /// `announced` is the plan of the run's first attempt; nil before there is one. Lines of earlier
  /// versions have no fingerprint, so what they announced is compared.
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
        try announced.mechanism == plan.mechanism
          && EventTally(announced.event) == EventTally(event)
      }
    guard isSame && announced.snapshot == snapshot else {
      throw ControlError.failed(
        "run \(run): its saved plan (design.json) is not the one that its ledger announced. It was "
          + "changed, or it belongs to another run. Restore the file, or start a new run.")
    }
  }

  /// Calibration gives the same noise for the same order, so plans tell orders apart.
  private func planDifferences(_ order: RunOrder) throws -> [String] {
    // What is left of a budget changes with every run, and with this one: it is no longer what it was.
    if order.loss == .remainder { return [] }
    let priced = try PricedPlan(order, units: plan.population, after: LedgerHistory())
    let asked = priced.plan
    if asked.steps != plan.steps { return ["steps"] }
    for question in RunQuestion.allCases where priced.questions[question] != questions[question] {
      return ["question for the \(question.rawValue)"]
    }
    guard asked.mechanism != plan.mechanism else { return [] }
    if let noise = asked.mechanism?.noise, let own = plan.mechanism?.noise, noise != own {
      return ["kind of noise"]
    }
    return [(asked.mechanism == nil) == (plan.mechanism == nil) ? "epsilon or delta" : "privacy"]
  }

  private static func text(of recipe: Recipe) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    return try encoder.encode(recipe)
  }
}
