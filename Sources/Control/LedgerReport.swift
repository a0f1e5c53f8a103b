public import FoundationEssentials

/// What was spent on a dataset, and whether the record can be trusted.
public struct LedgerReport: Codable, Hashable, Sendable {
  /// The dataset.
  public var dataset: String
  /// The budget and its remainder.
  public var budget: BudgetStatus
  /// Reservations and their use, oldest first.
  public var entries: [LedgerEntry]
  /// Whether every record is complete and chained to the one before.
  public var verified: Bool
  /// The hash of the newest record, to compare with one recorded elsewhere.
  public var head: String?
  /// The problem, if the ledger does not verify.
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

/// A line of a ledger that a caller knows, for example from a release.
///
/// It detects a ledger that was restored from an old copy together with its mark.
public struct LedgerWitness: Codable, Hashable, Sendable {
  /// The line's number, from 0; nil if only the hash is known, as in releases.
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
  /// Its purpose: a job's name.
  public var purpose: String
  /// The mechanism as a sentence.
  public var event: String
  /// Steps that were reserved.
  public var reserved: Int
  /// Steps that were used; nil while the record is not settled, when all count as used.
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
