import Control
import Datasets
import Models
package import Privacy

extension RunOrder {
  /// Refuses a recipe that learns columns where none is declared: nothing would be learnt of the table.
  ///
  /// - Throws: `ControlError.invalid`.
  func requireColumns() throws(ControlError) {
    guard recipe.model.readsColumns, recipe.columns.isEmpty else { return }
    throw .invalid(
      "recipe \(recipe.name): it learns the columns of a table, and none is declared for dataset \(dataset) (at least "
        + "one expected). Declare them with their domains: under 'columns' of the dataset in the configuration, or in "
        + "a file for --columns.")
  }

  /// Refuses an order that no run could carry out, before anything is queued or written: a recipe out of
  /// range, answers that cost as much as the run, a delta or an epsilon that no accountant reaches, an
  /// exhausted budget.
  ///
  /// - Parameters:
  ///   - units: the number of units of privacy; nil if they are not counted yet. Without it and without a
  ///     declared population, the checks that depend on it are left to the run.
  ///   - waiting: the orders on the same root that will be carried out before it.
  ///   - history: what was done to the root; not read for an order without privacy.
  /// - Returns: the phases at their present price, and remarks for the caller; no phases if they depend on the
  ///   number of units, and none without privacy.
  /// - Throws: whatever the run would throw.
  @discardableResult
  package func requirePossible(
    units: Int?, behind waiting: [RunOrder] = [], after history: () throws -> LedgerHistory
  ) throws -> (priced: PricedPhases?, remarks: [String]) {
    // If no classes are declared, the recipe is checked with two, the fewest that differ.
    let classes = knownClasses ?? ["one", "two"]
    try requireColumns()
    try recipe.validate(classes: classes)
    try training.validate()
    _ = try ClassNames.folders(classes)
    let epsilon: Double
    switch loss {
    case .unlimited:
      guard permission != nil else { throw ControlError.refusedByPolicy(nonPrivateRefusal) }
      return (nil, [])
    case .epsilon(let asked): epsilon = asked
    case .remainder: epsilon = budget.epsilon
    }
    _ = try PrivacyBudget(epsilon: epsilon, delta: delta)
    if let classes = knownClasses { try requireAnswers(classes: classes) }
    try RunOutline(self, classes: classes, population: population ?? units ?? 1)
      .answers(within: epsilon)
    let history = try history()
    guard let units = population ?? units, units > 0 else { return (nil, []) }
    let priced = try PricedPhases(self, classes: classes, units: units, after: history)
    var gate = BudgetGate(budget: budget, dataset: dataset)
    try gate.admitPlan(priced.phases.event(), of: name, after: history)
    let remark = try requireRoom(
      behind: waiting, classes: classes, units: units, after: history)
    return (priced, [remark].compactMap { $0 })
  }
}
