import ArgumentParser
import Control

/// Shows the privacy budget spent on datasets.
struct Ledger: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show or verify the record of the privacy budget spent on a dataset.",
    subcommands: [Show.self, Verify.self], defaultSubcommand: Show.self)

  /// Prints the ledger of one dataset, or of all datasets.
  struct Show: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Print the records of a dataset's ledger, or of all ledgers.")

    @OptionGroup var options: LedgerOptions

    func run() async throws {
      try await options.run { report, console in
        Ledger.lines(of: report, width: console.lineWidth)
      }
    }
  }

  /// Verifies that no record is missing or changed.
  struct Verify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Verify that no record of a ledger is missing or changed.",
      discussion: """
        If an old copy of a ledger is restored together with its mark, the ledger alone cannot \
        reveal it. A release can: its privacy.json names the record that was newest at that time. \
        With --release, this command fails unless the ledger contains that record. Keep one \
        privacy.json where a restored backup of the state directory cannot replace it.
        """)

    @Option(
      help: "A release's folder or privacy.json; the ledger must contain the record it names.",
      completion: .directory)
    var release: String?

    @OptionGroup var options: LedgerOptions

    func run() async throws {
      let released = try release.map { try ReleasedPosition($0) }
      if let released { try released.check(isOf: options.dataset) }
      try await options.run(released) { report, console in
        console.paragraphLines(Ledger.verdict(on: report, released))
      }
    }
  }

  /// Formats a ledger as lines of at most `width` columns; nil for any width.
  static func lines(of report: LedgerReport, width: Int? = nil) -> [String] {
    var table = Table(["RECORD", "FOR", "RESERVED", "USED", "EVENT"], numbers: [0, 2, 3])
    for group in alike(report.entries) {
      let (first, last) = (group[0], group[group.count - 1])
      let numbers = Rounded.count(first.number)
      table.add([
        group.count == 1 ? numbers : "\(numbers)-\(Rounded.count(last.number))", first.purpose,
        Rounded.count(group.reduce(0) { $0 + $1.reserved }),
        first.used == nil ? "all" : Rounded.count(group.reduce(0) { $0 + ($1.used ?? 0) }),
        first.event,
      ])
    }
    var texts = [verdict(on: report)]
    if report.entries.contains(where: { $0.used == nil }) { texts.append(unsettledNote) }
    return (report.entries.isEmpty ? [] : table.lines(width: width))
      + texts.flatMap { text in width.map { Terminal.lines(text, width: $0) } ?? [text] }
  }

  /// Explains the records whose USED is `all`.
  private static let unsettledNote =
    "USED 'all': steps that were announced and not settled. Their run is training now, or was "
    + "interrupted. They count in full; after an interruption, so does the rest of the run's announced "
    + "plan until the run is continued ('figment resume JOB') and ends."

  /// Groups consecutive settled records of one purpose and one mechanism: a run writes about a hundred.
  private static func alike(_ entries: [LedgerEntry]) -> [[LedgerEntry]] {
    entries.reduce(into: []) { groups, entry in
      if let last = groups.last?.last, last.purpose == entry.purpose, last.event == entry.event,
        last.used != nil, entry.used != nil
      {
        groups[groups.count - 1].append(entry)
      } else {
        groups.append([entry])
      }
    }
  }

  /// Reports the spent budget, and whether the ledger is intact.
  ///
  /// - Parameter released: the record that the ledger must contain according to a release; nil for none.
  static func verdict(on report: LedgerReport, _ released: ReleasedPosition? = nil) -> String {
    let budget = report.budget
    guard report.verified else {
      // The dataset's name may now belong to another root, which has its own ledger.
      let doubt =
        released.map { " This proves nothing if \($0.path) belongs to another ledger." } ?? ""
      return "\(report.dataset): NOT VERIFIED: \(report.problem ?? "no reason known")\(doubt)"
    }
    let spent = budget.epsilonSpent.map(Rounded.bound) ?? "?"
    let head = report.head.map { ", newest record \($0)" } ?? ""
    let held = released.map { ", contains the record that \($0.path) names" } ?? ""
    return
      "\(report.dataset): verified, \(Rounded.count(report.entries.count)) records, epsilon \(spent) of "
      + "\(Rounded.number(budget.epsilonMaximum)) at delta \(Rounded.number(budget.delta)) spent"
      + head + held
  }
}

/// The options that choose the ledgers.
struct LedgerOptions: ParsableArguments {
  @Argument(help: "The dataset. (default: all datasets)", completion: Completions.datasets)
  var dataset: String?

  @OptionGroup var global: GlobalOptions

  /// Reads the ledgers and prints each; fails if one does not verify.
  ///
  /// - Parameter released: a record that a release names; if set, only that dataset's ledger is read.
  func run(
    _ released: ReleasedPosition? = nil, _ lines: (LedgerReport, Console) -> [String]
  ) async throws {
    try await global.run { client, console in
      let names: [String]
      if let dataset = released?.dataset ?? dataset {
        names = [dataset]
      } else {
        names = try await client.datasets().map(\.name)
      }
      var reports: [LedgerReport] = []
      for name in names {
        reports.append(try await client.ledger(of: name, witness: released?.witness))
      }
      if global.json {
        try console.json(reports)
      } else {
        for report in reports { lines(report, console).forEach(console.line) }
      }
      if !reports.allSatisfy(\.verified) { throw ArgumentParser.ExitCode.failure }
    }
  }
}
