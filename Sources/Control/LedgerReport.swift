public import FoundationEssentials

/// What was spent on a dataset, and whether the record of it can be trusted.
public struct LedgerReport: Codable, Hashable, Sendable {
  /// The dataset.
  public var dataset: String
  /// The budget and what is left of it.
  public var budget: BudgetStatus
  /// What was reserved and used, oldest first.
  public var entries: [LedgerEntry]
  /// Whether every record is whole and follows from the one before.
  public var verified: Bool
  /// The hash of the newest record, to compare with one noted elsewhere.
  public var head: String?
  /// What is wrong with it, when it does not verify.
  public var problem: String?

  /// Reports on a ledger.
  public init(
    dataset: String, budget: BudgetStatus, entries: [LedgerEntry], verified: Bool,
    head: String? = nil, problem: String? = nil
  ) {
    self.dataset = dataset
    self.budget = budget
    self.entries = entries
    self.verified = verified
    self.head = head
    self.problem = problem
  }
}

/// A line of a ledger that someone else knows: a release tells it, so that a ledger which was restored
/// from an old copy, with the mark beside it, is seen to be one.
public struct LedgerWitness: Codable, Hashable, Sendable {
  /// The line's number, from 0; nil where only the hash is known, as in releases.
  public var line: Int?
  /// The line's hash.
  public var hash: String

  /// Names a line.
  public init(line: Int? = nil, hash: String) {
    self.line = line
    self.hash = hash
  }
}

/// Steps of one mechanism that were reserved for a job.
public struct LedgerEntry: Codable, Hashable, Sendable {
  /// The record's number.
  public var number: Int
  /// When it was written.
  public var time: Date?
  /// What it was for: a job's name.
  public var purpose: String
  /// The mechanism in words.
  public var event: String
  /// Steps that were reserved.
  public var reserved: Int
  /// Steps that were used, when that was settled; unsettled ones count as used.
  public var used: Int?

  /// Describes a record.
  public init(
    number: Int, time: Date? = nil, purpose: String, event: String, reserved: Int,
    used: Int? = nil
  ) {
    self.number = number
    self.time = time
    self.purpose = purpose
    self.event = event
    self.reserved = reserved
    self.used = used
  }
}
