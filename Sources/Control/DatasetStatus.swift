public import FoundationEssentials

/// A configured dataset: its files, how it is watched, and its remaining budget.
///
/// For the operator, not for release: the counts here are counts of real images. Callers with read
/// access only receive none of them; see `withoutCounts`.
public struct DatasetStatus: Codable, Hashable, Sendable {
  /// Its name in requests.
  public var name: String
  /// The state of its root.
  public var state: DatasetState
  /// How changes are detected: `inotify`, or `poll` on file systems that report no changes.
  public var watch: String
  /// Why the dataset is not watched as it should be, or why its root cannot be read.
  public var remark: String?
  /// The number of usable files; nil for callers with read access only, like all following fields up to
  /// `folderRemarks`.
  public var usable: Int?
  /// The number of files that a run cannot learn from, each with its verdict.
  public var rejected: Int?
  /// The number of files with the same content as another file.
  public var duplicates: Int?
  /// The number of files that still change, or have not been read yet.
  public var pending: Int?
  /// The classes, with the usable files of each.
  public var classes: [ClassCount]?
  /// Bytes of the usable files.
  public var bytes: Int?
  /// When the root was last scanned, which reveals when files changed.
  public var scanned: Date?
  /// Remarks about the folder, such as a name that looks like a split or nearly black images.
  public var folderRemarks: [String]?
  /// The remaining budget.
  public var budget: BudgetStatus

  /// Describes a dataset.
  public init(
    name: String, state: DatasetState, watch: String, remark: String? = nil, usable: Int = 0,
    rejected: Int = 0, duplicates: Int = 0, pending: Int = 0, classes: [ClassCount] = [],
    bytes: Int = 0, scanned: Date? = nil, folderRemarks: [String]? = nil, budget: BudgetStatus
  ) {
    self.name = name
    self.state = state
    self.watch = watch
    self.remark = remark
    self.usable = usable
    self.rejected = rejected
    self.duplicates = duplicates
    self.pending = pending
    self.classes = classes
    self.bytes = bytes
    self.scanned = scanned
    self.folderRemarks = folderRemarks
    self.budget = budget
  }
}

/// The state of a dataset's root.
public enum DatasetState: String, Codable, Hashable, Sendable, CaseIterable {
  /// Nothing is known yet.
  case unknown
  /// The root is being scanned.
  case scanning
  /// All files below it are known.
  case ready
  /// Everything is known except for files that still change.
  case settling
  /// The root does not exist, cannot be read, or has lost most of its files; everything known about
  /// it is kept.
  case offline
}

/// A class and the usable files in it.
public struct ClassCount: Codable, Hashable, Sendable {
  /// The class: the sub-folder's name.
  public var name: String
  /// The usable files in it.
  public var usable: Int

  /// Counts the files of a class.
  public init(name: String, usable: Int) {
    self.name = name
    self.usable = usable
  }
}

/// The privacy budget of a dataset and its remainder.
public struct BudgetStatus: Codable, Hashable, Sendable {
  /// The most that all jobs together may spend.
  public var epsilonMaximum: Double
  /// The delta at which it is counted.
  public var delta: Double
  /// The spending of all jobs so far; nil when the ledger cannot be read.
  public var epsilonSpent: Double?
  /// The unit of privacy: `file`, or `folder` for one person with several files.
  public var unit: PrivacyUnit
  /// Why nothing can be spent: an untrusted ledger is closed.
  public var problem: String?

  /// Describes a budget.
  public init(
    epsilonMaximum: Double, delta: Double, epsilonSpent: Double?, unit: PrivacyUnit,
    problem: String? = nil
  ) {
    self.epsilonMaximum = epsilonMaximum
    self.delta = delta
    self.epsilonSpent = epsilonSpent
    self.unit = unit
    self.problem = problem
  }
}

/// The unit of privacy, as messages and the configuration name it.
///
/// This room imports none of ours, so that a client needs no more than messages; the daemon translates
/// in one place (`DatasetConfiguration.rules`).
public enum PrivacyUnit: String, Codable, Hashable, Sendable, CaseIterable {
  /// One image file.
  case file
  /// All files of one sub-folder: one person.
  case folder
}
