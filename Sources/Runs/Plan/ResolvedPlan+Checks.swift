package import Control
package import Datasets
import Models
import Privacy

/// Checks of a saved plan before it is used: the file may be damaged, and sizes that no order can have would
/// crash the process.
extension ResolvedPlan {
  /// Refuses numbers that no order can have.
  ///
  /// - Throws: the reason, without the name of the file.
  func validate() throws {
    _ = try ClassNames.folders(classes)
    try recipe.validate(classes: classes)
    try Self.require(population, in: 1...Self.largestPopulation, "population")
    // Not quoted: a damaged file may hold a name of any length.
    guard phases.allSatisfy({ (1...Self.longestName).contains($0.name.utf8.count) }),
      Set(phases.map(\.name)).count == phases.count, phases.contains(where: \.learns),
      phases.count(where: { $0.name == RunOutline.drawing && $0.stepCount == 0 }) == 1
    else {
      throw ControlError.invalid(
        "phases: \(phases.count) found (different names of up to \(Self.longestName) bytes, one phase that "
          + "learns and one that draws expected).")
    }
    for phase in phases { try validate(phase) }
    // A model traps on a phase that its family did not state.
    let stated = recipe.phases(training: recipe.training, classes: classes)
    let own = phases.filter { !$0.isBesideModel && $0.name != RunOutline.drawing }
    guard stated.map(\.name) == own.map(\.name), stated.map(\.kind) == own.map(\.kind) else {
      throw ControlError.invalid(
        "phases: they are not those of the recipe's family (\(stated.map(\.name).joined(separator: ", ")) "
          + "expected).")
    }
    try Self.require(stepCount, in: 1...TrainingSettings.mostSteps, "steps of all phases")
  }

  private func validate(_ phase: Phase) throws {
    let field = "phase \(phase.name)"
    switch phase.work {
    case .training(let plan), .answer(let plan):
      try Self.require(plan.steps, in: 1...TrainingSettings.mostSteps, "\(field): steps")
      try Self.require(plan.population, in: population...population, "\(field): population")
      try Self.require(
        plan.batchSize, in: 1...min(TrainingSettings.largestBatch, population),
        "\(field): batch_size")
      guard plan.mechanism.map({ $0.nominalBatchSize == plan.batchSize }) ?? true else {
        throw ControlError.invalid("\(field): its batch differs from that of its mechanism.")
      }
      guard (plan.mechanism != nil) == isProtected else {
        throw ControlError.invalid("\(field): noise in some phases only (in all or none expected).")
      }
    case .rounds(let plan):
      try Self.require(plan.rounds, in: 1...TrainingSettings.mostSteps, "\(field): rounds")
      try Self.require(plan.population, in: population...population, "\(field): population")
      guard (plan.mechanism != nil) == isProtected else {
        throw ControlError.invalid("\(field): noise in some phases only (in all or none expected).")
      }
    case .counts, .sum:
      guard isProtected else {
        throw ControlError.invalid("\(field): without a mechanism that protects (none expected).")
      }
      guard let kind = PaidAnswers.kind(ofPhase: phase.name) else {
        throw ControlError.invalid("\(field): unknown (a phase of this version expected).")
      }
      try kind.require(classes: classes)
    case .free(_, let steps):
      try Self.require(steps, in: 0...TrainingSettings.mostSteps, "\(field): steps")
    }
  }

  private static let longestName = 60

  /// Images are counted in 31 bits.
  private static let largestPopulation = Int(Int32.max)

  private static func require(
    _ number: Int, in range: ClosedRange<Int>, _ field: String
  ) throws(ControlError) {
    guard range.contains(number) else {
      throw .invalid(
        "\(field) is \(number) (\(range.lowerBound) to \(range.upperBound) expected).")
    }
  }

  /// Refuses frozen images of other classes or another form than the plan's networks expect.
  ///
  /// - Throws: `ControlError.failed`.
  package func requireForm(of snapshot: DatasetSnapshot, run: String) throws(ControlError) {
    guard snapshot.classes == classes, snapshot.columns == recipe.columns,
      snapshot.shape == recipe.transform.shape
    else {
      throw .failed(
        "run \(run): its frozen images do not have the form that its design.json states. They belong to "
          + "different runs. Restore them, or start a new run.")
    }
  }
}
