import enum Control.ControlError
import FoundationEssentials
import Glibc
package import Privacy
import Synchronization

/// The durable ledger of one watched root: it records what every run did to the data, and it
/// alone grants more.
///
/// Lines are only ever appended. To grant, the ledger checks the budget, appends, calls fsync, moves the mark
/// and then answers; so the file holds every computation that was granted. Any doubt about the file (a
/// changed byte, a missing end, a failed fsync, another process) closes it: a closed ledger grants nothing,
/// and never reports less than was spent.
package final class LedgerFile: Sendable {
  /// Where a ledger lives.
  package struct Location: Hashable, Sendable {
    /// The directory of the ledger.
    let directory: String
    /// The directory of the mark: best on another file system, or at least outside the backup of the ledger.
    let markDirectory: String

    /// The path of the ledger.
    package var path: String { "\(directory)/ledger.jsonl" }
  }

  private struct State: ~Copyable {
    var history: LedgerHistory
    var position: PrivacyStatement.LedgerPosition?
    var gate: BudgetGate
    var poison: String?
  }

  /// Where the ledger lives.
  let location: Location
  /// The budget that the administrator allows.
  let budget: PrivacyBudget

  private let descriptor: Int32
  private let disk: any LedgerFileDisk
  private let mark: LedgerFileMark
  private let now: @Sendable () -> Date
  private let guarded: Mutex<State>

  /// Opens the ledger of `root`, or creates it.
  ///
  /// `witnesses` are positions that releases carry: a ledger that lacks one of them is refused. Throws when
  /// another process holds the ledger, when the ledger is damaged, older than its mark, or closed by an
  /// earlier failure, or when it belongs to another root or unit of privacy.
  init(
    of root: LedgerRoot, budget: PrivacyBudget, at location: Location,
    witnesses: [PrivacyStatement.LedgerWitness] = [],
    disk: any LedgerFileDisk = SystemLedgerFileDisk(),
    now: @escaping @Sendable () -> Date = { Date() }
  ) throws(LedgerError) {
    let mark = LedgerFileMark(
      directory: location.markDirectory, ledger: location.path, disk: disk)
    let opened: (descriptor: Int32, content: LedgerFileContent)
    do {
      opened = try Self.open(location, mark: mark, witnesses: witnesses, disk: disk)
    } catch let fault as LedgerFileFault {
      throw .storage(
        ledger: location.path, operation: fault.operation, reason: fault.reason)
    } catch let error as LedgerError {
      throw error
    } catch {
      throw .storage(ledger: location.path, operation: "open", reason: ControlError(error).message)
    }
    self.location = location
    self.budget = budget
    self.disk = disk
    self.mark = mark
    self.now = now
    descriptor = opened.descriptor
    guarded = Mutex(
      State(
        history: opened.content.history, position: opened.content.position,
        gate: BudgetGate(budget: budget, dataset: root.dataset), poison: nil))
    // From here on `deinit` closes the descriptor, even when this throws.
    try confirm(root)
  }

  /// Reads the file under the lock, and removes the incomplete line that a crash may have left.
  private static func open(
    _ location: Location, mark: LedgerFileMark, witnesses: [PrivacyStatement.LedgerWitness],
    disk: any LedgerFileDisk
  ) throws -> (descriptor: Int32, content: LedgerFileContent) {
    for directory in [location.directory, location.markDirectory] {
      try disk.makeDirectory(directory)
    }
    let descriptor = try disk.open(location.path, O_RDWR | O_CREAT | O_APPEND)
    do {
      guard try disk.lock(descriptor) else { throw LedgerError.locked(ledger: location.path) }
      try mark.checkNoNote()
      let content = try LedgerFileContent(disk.read(descriptor), ledger: location.path)
      let marked = try mark.read()
      for witness in witnesses + (marked.map { [$0.witness] } ?? []) {
        try content.check(contains: witness, ledger: location.path)
      }
      // The first line is written before the first mark, and nothing is granted in between.
      if marked == nil, content.lines.count > 1 {
        throw LedgerError.markUnusable(ledger: location.path, reason: "is missing")
      }
      if content.tornBytes > 0 {
        try disk.truncate(descriptor, to: content.length)
        try disk.synchronize(descriptor)
      }
      try disk.synchronizeDirectory(location.directory)
      // A line may be newer than the mark (after a crash between the two): it counts, so the mark moves to
      // it.
      if let position = content.position, position != marked { try mark.write(position) }
      return (descriptor, content)
    } catch {
      disk.close(descriptor)
      throw error
    }
  }

  /// The fold of the ledger at `location`, for planning while another process may hold it: nothing is locked
  /// or written.
  ///
  /// Empty when nothing was ever spent; throws whatever opening would throw.
  static func history(
    at location: Location, witnesses: [PrivacyStatement.LedgerWitness] = [],
    disk: any LedgerFileDisk = SystemLedgerFileDisk()
  ) throws(LedgerError) -> LedgerHistory {
    let mark = LedgerFileMark(
      directory: location.markDirectory, ledger: location.path, disk: disk)
    try mark.checkNoNote()
    // The mark is read first: the lines that are read after it can only be newer.
    let marked = try mark.read()
    let bytes: [UInt8]
    do {
      bytes = try disk.content(of: location.path) ?? []
    } catch {
      throw .storage(ledger: location.path, operation: error.operation, reason: error.reason)
    }
    let content = try LedgerFileContent(bytes, ledger: location.path)
    for witness in witnesses + (marked.map { [$0.witness] } ?? []) {
      try content.check(contains: witness, ledger: location.path)
    }
    if marked == nil, content.lines.count > 1 {
      throw .markUnusable(ledger: location.path, reason: "is missing")
    }
    return content.history
  }

  private func confirm(_ root: LedgerRoot) throws(LedgerError) {
    guard let known = history.root else {
      try append(.root(root))
      return
    }
    try Self.check(known, isThatOf: root, at: location)
  }

  /// Refuses the ledger of another root, or one that was created for another unit of privacy.
  static func check(
    _ known: LedgerRoot, isThatOf root: LedgerRoot, at location: Location
  ) throws(LedgerError) {
    guard known.identity == root.identity else {
      throw .foreign(ledger: location.path, reason: "it belongs to another root")
    }
    guard known.unit == root.unit, known.adjacency == root.adjacency else {
      throw .foreign(
        ledger: location.path,
        reason: "it was created for \(known.adjacency.words(for: known.unit)), the policy is now "
          + "for \(root.adjacency.words(for: root.unit)); a ledger's unit cannot change. Keep the earlier unit, in which "
          + "all spending is counted")
    }
  }

  deinit { disk.close(descriptor) }

  /// The fold of all lines.
  var history: LedgerHistory { guarded.withLock { $0.history } }

  /// The newest line; nil before the first.
  var position: PrivacyStatement.LedgerPosition? { guarded.withLock { $0.position } }

  /// The fold and the newest line at the same moment.
  func state() -> (history: LedgerHistory, position: PrivacyStatement.LedgerPosition?) {
    guarded.withLock { ($0.history, $0.position) }
  }

  /// Announces an attempt at a run and checks that all of it fits into the budget beside what other running
  /// attempts have announced.
  ///
  /// The ledger sets the attempt's number.
  package func begin(_ plan: LedgerPlan) throws(LedgerError) -> LedgerFileRun {
    try guarded.withLock { state throws(LedgerError) in
      try checkNotPoisoned(state.poison)
      var plan = plan
      plan.attempt = state.history.nextAttempt(of: plan.run)
      try state.gate.admitPlan(plan.event, of: plan.run, after: state.history)
      try append(.plan(plan), to: &state)
      return LedgerFileRun(ledger: self, plan: plan)
    }
  }

  /// How many more runs of `event` fit beside what running attempts at other runs than `run` have announced.
  func affordableTimes(
    of event: PrivacyEvent, exceptRun run: String? = nil
  ) throws(LedgerError) -> Int {
    let (gate, history) = guarded.withLock { ($0.gate, $0.history) }
    return try gate.affordableTimes(event, after: history, exceptRun: run)
  }

  /// Charges an attempt; returns the reservation's number after the line is durable.
  func reserve(
    _ event: PrivacyEvent, times: Int, purpose: String, by plan: LedgerPlan
  ) throws(LedgerError) -> Int {
    try guarded.withLock { state throws(LedgerError) in
      try checkNotPoisoned(state.poison)
      try state.gate.admit(event, times: times, by: plan.run, after: state.history)
      let number = state.history.reservationCount
      let entry = LedgerReserve(
        number: number, run: plan.run, attempt: plan.attempt, event: event, times: times,
        purpose: purpose)
      try append(.reserve(entry), to: &state)
      return number
    }
  }

  /// Appends a line that requests nothing: settlements, releases, ends.
  func append(_ entry: LedgerEntry) throws(LedgerError) {
    try guarded.withLock { state throws(LedgerError) in
      try append(entry, to: &state)
    }
  }

  /// Appends, calls fsync and moves the mark, in this order; a failure closes the ledger.
  private func append(_ entry: LedgerEntry, to state: inout State) throws(LedgerError) {
    try checkNotPoisoned(state.poison)
    var history = state.history
    try history.append(entry)
    let line: LedgerFileLine
    do {
      line = try LedgerFileLine(
        index: state.history.lineCount, previous: state.position?.hash ?? LedgerFileLine.beginning,
        time: now().ISO8601Format(), entry: entry)
    } catch {
      // Nothing was written: the entry holds a number that JSON cannot represent.
      throw .inconsistent(
        line: state.history.lineCount, reason: "cannot be written (\(ControlError(error)))")
    }
    let position = PrivacyStatement.LedgerPosition(line: line.index, hash: line.hash)
    do {
      try disk.write(line.bytes, to: descriptor)
      try disk.synchronize(descriptor)
      try mark.write(position)
    } catch {
      let reason = "\(error.operation): \(error.reason)"
      state.poison = reason
      // A failed write leaves at most an incomplete line, which opening removes. After a failed fsync, the
      // kernel may show content that the disk does not hold: an operator has to decide.
      if error.operation == "fsync" { mark.leaveNote(reason) }
      throw .storage(
        ledger: location.path, operation: error.operation, reason: error.reason)
    }
    state.history = history
    state.position = position
  }

  private func checkNotPoisoned(_ poison: String?) throws(LedgerError) {
    if let poison { throw .poisoned(ledger: location.path, reason: poison) }
  }
}
