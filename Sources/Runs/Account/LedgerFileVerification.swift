import enum Control.ControlError
import FoundationEssentials
import Glibc
package import Privacy

/// The result of `ledger verify`: the state of a ledger, for an auditor.
///
/// It opens nothing for writing and takes no lock, so it can run beside a daemon; a line that is being
/// written at that moment appears as an incomplete end.
package struct LedgerFileVerification: Codable, Hashable, Sendable {
  /// One attempt at a run.
  struct Attempt: Codable, Hashable, Sendable {
    let run: String
    let attempt: Int
    /// How it ended; nil while it runs and after a crash.
    let outcome: String?
    /// Everything charged to it.
    let spent: PrivacyEvent
  }

  /// One reservation.
  struct Charge: Codable, Hashable, Sendable {
    let number: Int
    /// The time at which it was written, as ISO 8601.
    let time: String
    let run: String
    let attempt: Int
    let purpose: String
    let event: PrivacyEvent
    let reserved: Int
    /// How many of its runs were begun; nil while it is not settled, when all of them count.
    let used: Int?
  }

  /// The ledger's path.
  let ledger: String
  /// Whether daemons would grant on this ledger.
  package let isIntact: Bool
  /// Why they would not, one sentence per problem.
  package let problems: [String]
  /// The root that the ledger belongs to; nil when it cannot be read.
  let root: LedgerRoot?
  /// How many lines are complete and chained.
  package let lineCount: Int
  /// The newest of these lines.
  package let position: PrivacyStatement.LedgerPosition?
  /// Bytes of an incomplete last line, which a crash while writing leaves; harmless.
  let tornBytes: Int
  /// How many reservations are not settled; they count as spent.
  let openReservations: Int
  /// All attempts.
  let attempts: [Attempt]
  /// All reservations.
  let charges: [Charge]
  /// The releases, with their claims.
  let releases: [LedgerRelease]
  /// Everything spent.
  let spent: PrivacyEvent
  /// The cost at the requested delta; nil when the ledger cannot be trusted.
  package let cost: PrivacyCost?

  private enum CodingKeys: String, CodingKey {
    case ledger
    case isIntact = "intact"
    case problems, root
    case lineCount = "lines"
    case position
    case tornBytes = "torn_bytes"
    case openReservations = "open_reservations"
    case attempts, charges, releases, spent, cost
  }

  /// Reads a ledger and its mark.
  ///
  /// Never throws: anything that cannot be read becomes a reported problem.
  package init(
    of location: LedgerFile.Location, delta: Double,
    witnesses: [PrivacyStatement.LedgerWitness] = [],
    disk: any LedgerFileDisk = SystemLedgerFileDisk()
  ) {
    ledger = location.path
    var problems: [String] = []
    var content: LedgerFileContent?
    let mark = LedgerFileMark(
      directory: location.markDirectory, ledger: location.path, disk: disk)
    do {
      try mark.checkNoNote()
    } catch {
      problems.append(error.description)
    }
    do {
      // The mark is read first: beside a running daemon, lines read after it can only be newer.
      let marked = try mark.read()
      // A missing file is an empty ledger, unless a mark shows that there was one.
      let bytes = try disk.content(of: location.path) ?? []
      let read = try LedgerFileContent(bytes, ledger: location.path)
      content = read
      if marked == nil, read.lines.count > 1 {
        problems.append(
          LedgerError.markUnusable(ledger: location.path, reason: "is missing").description)
      }
      for witness in witnesses + (marked.map { [$0.witness] } ?? []) {
        try read.check(contains: witness, ledger: location.path)
      }
    } catch let error as LedgerError {
      problems.append(error.description)
    } catch let fault as LedgerFileFault {
      problems.append("ledger \(location.path): \(fault.operation) failed: \(fault.reason)")
    } catch {
      problems.append(ControlError(error).message)
    }
    let history = content?.history ?? LedgerHistory()
    root = history.root
    lineCount = history.lineCount
    position = content?.position
    tornBytes = content?.tornBytes ?? 0
    openReservations = history.openReservationCount
    attempts = history.attempts.map {
      Attempt(
        run: $0.plan.run, attempt: $0.plan.attempt, outcome: $0.outcome, spent: $0.spent.event)
    }
    let times = (content?.lines ?? []).reduce(into: [Int: String]()) { times, line in
      if case .reserve(let entry) = line.entry { times[entry.number] = line.time }
    }
    charges = history.charges.map {
      Charge(
        number: $0.entry.number, time: times[$0.entry.number] ?? "", run: $0.entry.run,
        attempt: $0.entry.attempt, purpose: $0.entry.purpose, event: $0.entry.event,
        reserved: $0.entry.times, used: $0.used)
    }
    releases = history.releases
    spent = history.spent.event
    var cost: PrivacyCost?
    if problems.isEmpty {
      do {
        cost = try history.cost(atDelta: delta)
      } catch {
        problems.append(error.description)
      }
    }
    self.cost = cost
    self.problems = problems
    isIntact = problems.isEmpty
  }

  /// The result as text for a reader.
  var text: String {
    var lines = ["ledger \(ledger): \(isIntact ? "intact" : "NOT INTACT")"]
    lines += problems.map { "  problem: \($0)" }
    if let root {
      lines.append("  dataset \(root.dataset), unit of privacy: \(root.unit.words)")
    }
    let end = position.map { ", the newest is line \($0.line) with hash \($0.hash)" } ?? ""
    lines.append("  \(lineCount) lines, each with a valid hash\(end)")
    if tornBytes > 0 {
      lines.append(
        "  \(tornBytes) bytes of an incomplete last line, never acknowledged: nothing was lost")
    }
    for attempt in attempts {
      lines.append(
        "  run \(attempt.run), attempt \(attempt.attempt) (\(attempt.outcome ?? "not ended")): "
          + "\(attempt.spent)")
    }
    if openReservations > 0 {
      lines.append("  \(openReservations) reservations are not settled and count as spent")
    }
    for release in releases {
      lines.append(
        "  release of run \(release.run), claiming epsilon "
          + "\(Decimals.epsilon(release.epsilon)) at delta \(release.delta): "
          + release.artefact)
    }
    lines.append("  spent: \(spent)")
    if let cost {
      let epsilon = Decimals.epsilon(cost.epsilon)
      let why =
        cost.basis == .adaptive
        ? ", mechanisms chosen after earlier results"
        : ", for everything announced before the first reservation"
      lines.append("  epsilon \(epsilon) at delta \(cost.delta) by \(cost.accountant)\(why)")
    }
    return lines.joined(separator: "\n")
  }
}
