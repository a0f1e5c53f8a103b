import ArgumentParser
import Control

/// Shows what was spent on datasets.
struct Ledger: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show what was spent on a dataset, and check that the record of it is whole.",
    subcommands: [Show.self, Verify.self], defaultSubcommand: Show.self)

  /// Shows the records of one dataset, or the sums of all.
  struct Show: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Show the records of a dataset's ledger, or the sums of all.")

    @OptionGroup var options: LedgerOptions

    func run() async throws {
      try await options.run { report, console in
        Ledger.lines(of: report, width: console.lineWidth)
      }
    }
  }

  /// Checks that no record is missing or changed.
  struct Verify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Check that no record of a ledger is missing or changed.",
      discussion: """
        A ledger that was restored from an old copy, together with its mark, looks whole. A release \
        knows better: its privacy.json names the newest record at that time. With --release, the \
        ledger must hold it. Keep one such file where no backup of the state directory reaches it.
        """)

    @Option(
      help: "A release's folder or its privacy.json: the ledger must hold the record it names.",
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

  /// A ledger for people, in lines of at most `width` columns; nil for any width.
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
    let verdict = verdict(on: report)
    return (report.entries.isEmpty ? [] : table.lines(width: width))
      + (width.map { Terminal.lines(verdict, width: $0) } ?? [verdict])
  }

  /// Settled records of one purpose and one mechanism that follow each other: a run writes about a hundred.
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

  /// What was spent, and whether that can be believed.
  ///
  /// - Parameter released: what a release says the ledger holds, when that was asked.
  static func verdict(on report: LedgerReport, _ released: ReleasedPosition? = nil) -> String {
    let budget = report.budget
    guard report.verified else {
      // A dataset's name may have moved to another root, which has a ledger of its own.
      let doubt =
        released.map { " If \($0.path) is not of this ledger, that proves nothing." } ?? ""
      return "\(report.dataset): NOT VERIFIED: \(report.problem ?? "no reason known")\(doubt)"
    }
    let spent = budget.epsilonSpent.map(Rounded.bound) ?? "?"
    let head = report.head.map { ", newest record \($0)" } ?? ""
    let held = released.map { ", holds the line that \($0.path) names" } ?? ""
    return
      "\(report.dataset): verified, \(Rounded.count(report.entries.count)) records, epsilon \(spent) of "
      + "\(Rounded.number(budget.epsilonMaximum)) at delta \(Rounded.number(budget.delta)) spent"
      + head + held
  }
}

/// Whose ledger is looked at.
struct LedgerOptions: ParsableArguments {
  @Argument(help: "The dataset (else all).", completion: Completions.datasets)
  var dataset: String?

  @OptionGroup var global: GlobalOptions

  /// Reads the ledgers and writes lines about each; fails when one does not verify.
  ///
  /// - Parameter released: what a release says of its dataset's ledger; only that one is read then.
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
