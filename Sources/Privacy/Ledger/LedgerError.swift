/// Why a ledger refuses.
///
/// Every refusal leaves the recorded spend as it was or larger.
public enum LedgerError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The budget of the root would be exceeded.
  case overBudget(BudgetRefusal)
  /// A number or an event is not acceptable.
  case invalid(PrivacyError)
  /// An entry contradicts the entries before it.
  case inconsistent(line: Int, reason: String)
  /// A line differs from the line that was written.
  case corrupt(ledger: String, line: Int, reason: String)
  /// The ledger is older than its mark: it was restored from a copy or lost.
  case rolledBack(ledger: String, found: Int, expected: Int)
  /// The ledger does not hold a line that a release names.
  case lacksLine(ledger: String, hash: String)
  /// The mark that proves the ledger's age is missing or unreadable.
  case markUnusable(ledger: String, reason: String)
  /// Another process holds the ledger.
  case locked(ledger: String)
  /// A write or fsync failed earlier; nothing is granted until an operator has looked.
  case poisoned(ledger: String, reason: String)
  /// A system call failed.
  case storage(ledger: String, operation: String, reason: String)
  /// The ledger belongs to other data or was made under another unit of privacy.
  case foreign(ledger: String, reason: String)

  /// The sentence that a user reads: what failed, what was found, what to do.
  public var description: String {
    switch self {
    case .overBudget(let refusal): refusal.description
    case .invalid(let error): error.description
    case .inconsistent(let line, let reason):
      "ledger line \(line): \(reason). Run `figment ledger verify`."
    case .corrupt(let ledger, let line, let reason):
      "ledger \(ledger), line \(line): \(reason). Nothing is granted on this root. "
        + "Restore the newest intact copy, or declare the root's budget exhausted."
    case .rolledBack(let ledger, let found, let expected):
      "ledger \(ledger): it ends at line \(found), but line \(expected) was already made durable. "
        + "It was restored from an old copy or lost its end. Restore the newest copy."
    case .lacksLine(let ledger, let hash):
      "ledger \(ledger): no line has the hash \(hash), which a release names. The ledger was restored "
        + "from an old copy, or the release was paid from another one."
    case .markUnusable(let ledger, let reason):
      "ledger \(ledger): its high-water mark \(reason), so its age cannot be proved. "
        + "Restore the mark from a backup or from the newest release's privacy.json."
    case .locked(let ledger):
      "ledger \(ledger): another process holds it (a daemon, or a run of 'figmentd run' on the same folder). Wait until it ends, or "
        + "stop it."
    case .poisoned(let ledger, let reason):
      "ledger \(ledger): closed after a failure (\(reason)). Check the disk, run "
        + "`figment ledger verify`, then start the daemon again."
    case .storage(let ledger, let operation, let reason):
      "ledger \(ledger): \(operation) failed: \(reason). Nothing was granted."
    case .foreign(let ledger, let reason):
      "ledger \(ledger): \(reason)."
    }
  }
}

/// A refusal by policy, with everything that a user needs to request less.
public struct BudgetRefusal: Codable, Hashable, Sendable, CustomStringConvertible {
  /// The dataset whose root is meant.
  public var dataset: String
  /// The administrator's limit.
  public var budget: PrivacyBudget
  /// Epsilon already spent on the root, rounded up.
  public var spentEpsilon: Double
  /// Epsilon that the root would have spent with the request; nil when it is unbounded.
  public var askedEpsilon: Double?
  /// The requested number of runs.
  public var askedTimes: Int
  /// How many runs of the same event still fit.
  public var affordableTimes: Int
  /// The smallest noise multiplier with which all runs fit; nil when none does.
  public var affordableNoiseMultiplier: Double?
  /// The largest epsilon, rounded down, that a plan of all runs may have by itself and still fit.
  ///
  /// Nil if none does. A user who orders by epsilon can request this value.
  public var affordableEpsilon: Double?
  /// How the figures were counted; nil in refusals of earlier versions.
  public var basis: PrivacyCost.Basis?

  /// Collects the figures of a refusal.
  public init(
    dataset: String, budget: PrivacyBudget, spentEpsilon: Double, askedEpsilon: Double?,
    askedTimes: Int, affordableTimes: Int, affordableNoiseMultiplier: Double?,
    affordableEpsilon: Double? = nil, basis: PrivacyCost.Basis? = nil
  ) {
    self.basis = basis
    self.dataset = dataset
    self.budget = budget
    self.spentEpsilon = spentEpsilon
    self.askedEpsilon = askedEpsilon
    self.askedTimes = askedTimes
    self.affordableTimes = affordableTimes
    self.affordableNoiseMultiplier = affordableNoiseMultiplier
    self.affordableEpsilon = affordableEpsilon
  }

  private enum CodingKeys: String, CodingKey {
    case dataset, budget
    case spentEpsilon = "spent_epsilon"
    case askedEpsilon = "asked_epsilon"
    case askedTimes = "asked_steps"
    case affordableTimes = "affordable_steps"
    case affordableNoiseMultiplier = "affordable_noise_multiplier"
    case affordableEpsilon = "affordable_epsilon"
    case basis
  }

  /// The sentence that a user reads.
  public var description: String {
    let asked = askedEpsilon.map { Decimals.epsilon($0) } ?? "an unbounded value"
    return "dataset \(dataset): this would raise the spent epsilon from "
      + "\(Decimals.epsilon(spentEpsilon)) to \(asked) at delta \(Decimals.number(budget.delta)) "
      + "(at most \(Decimals.number(budget.epsilon)) expected). "
      + (basis == .adaptive
        ? "Both figures add the Rényi divergences of all accesses, as is necessary for a run that starts "
          + "after the results of earlier ones: they exceed the claims of the earlier releases. "
        : "")
      + remedy
  }

  /// The rest of the budget, and a remedy.
  ///
  /// A plan's noise follows from its epsilon, so fewer steps or more noise are remedies only where no
  /// epsilon fits.
  private var remedy: String {
    let limit = "epsilon_max in the dataset's policy; --epsilon-maximum of figmentd run"
    if let epsilon = affordableEpsilon {
      return
        "What is left: epsilon \(epsilon) for this run. Ask for that, or raise the limit (\(limit))."
    }
    if affordableTimes > 0 {
      return
        "What is left: \(affordableTimes) of the \(askedTimes) steps. Ask for fewer steps, or raise "
        + "the limit (\(limit))."
    }
    if spentEpsilon < budget.epsilon {
      return
        "What is left does not suffice for it. Ask for a smaller epsilon (without one, a run takes what is left), or raise "
        + "the limit (\(limit))."
    }
    return
      "Nothing is left: the budget is exhausted. Draw more images from a trained model, which costs "
      + "no privacy, or raise the limit (\(limit))."
  }
}
