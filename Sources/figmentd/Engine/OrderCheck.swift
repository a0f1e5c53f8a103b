import Control
import Datasets
import Models
import Privacy

extension RunOrder {
  /// Refuses an order that no run could carry out, before anything is queued or written: a recipe
  /// out of range, questions that cost as much as the run, a delta or an epsilon that no accountant
  /// reaches, a budget without room.
  ///
  /// - Parameters:
  ///   - units: how many units of privacy there are; nil where nobody has counted them yet. Without
  ///     them and without a declared population, what depends on them is left to the run.
  ///   - history: what was done to the root; not read for an order without privacy.
  /// - Throws: what the run would throw.
  func requirePossible(units: Int?, after history: () throws -> LedgerHistory) throws {
    // Where no classes are declared, a recipe is checked with as few as can be told apart.
    try recipe.validate(classes: rules.classes ?? ["one", "two"])
    try training.validate()
    if let classes = rules.classes { _ = try ClassNames.folders(classes) }
    let epsilon: Double
    switch loss {
    case .unlimited:
      guard permission != nil else { throw ControlError.refusedByPolicy(nonPrivateRefusal) }
      return
    case .epsilon(let asked): epsilon = asked
    case .remainder: epsilon = budget.epsilon
    }
    _ = try PrivacyBudget(epsilon: epsilon, delta: delta)
    let questions = try questions(within: epsilon)
    if let classes = rules.classes { try questions.validate(classes: classes) }
    let history = try history()
    guard let units = population ?? units, units > 0 else { return }
    let priced = try PricedPlan(self, units: units, after: history)
    guard let mechanism = priced.plan.mechanism else { return }
    var gate = BudgetGate(budget: budget, dataset: dataset)
    try gate.admitPlan(
      RunDesign.event(mechanism, steps: priced.plan.steps, questions: priced.questions.all),
      of: name, after: history)
  }
}

extension ControlError {
  /// Errors of the rooms as errors that a caller can act on.
  static func translating<Result>(_ body: () throws -> Result) throws -> Result {
    do { return try body() } catch { throw telling(error) }
  }

  /// An error of any room in the words and with the exit code that its cause deserves.
  static func telling(_ error: any Error) -> ControlError {
    switch error {
    case let error as ControlError: error
    case let error as LedgerError: RootLedger.controlError(error)
    case let error as PrivacyError: .invalid(error.description)
    case let error as RecipeFailure: .invalid(error.description)
    case let error as InvalidName: .invalid(error.description)
    case let error as DecodingError: .failed(words(error))
    default: .failed("\(error)")
    }
  }

  /// What a file of ours that cannot be read lacks: nothing of what it holds.
  private static func words(_ error: DecodingError) -> String {
    let (path, problem): ([any CodingKey], String) =
      switch error {
      case .typeMismatch(_, let context): (context.codingPath, "has another type")
      case .valueNotFound(_, let context): (context.codingPath, "has no value")
      case .keyNotFound(let key, let context): (context.codingPath + [key], "is missing")
      case .dataCorrupted(let context): (context.codingPath, "cannot be read")
      @unknown default: ([], "cannot be read")
      }
    let name = path.map(\.stringValue).joined(separator: ".")
    return
      "a file of this program is damaged: \(name.isEmpty ? "its JSON" : "its entry '\(name)'") "
      + "\(problem). Restore it, or start anew."
  }
}
