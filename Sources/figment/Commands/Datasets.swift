import ArgumentParser
import Control

/// Lists the configured datasets.
struct Datasets: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "List the datasets with their files and budgets.",
    discussion: "Callers with read access only see '-' in place of the numbers of files.")

  @OptionGroup var global: GlobalOptions

  @Flag(name: .shortAndLong, help: "Print names only.")
  var quiet = false

  func run() async throws {
    try await global.run { client, console in
      let datasets = try await client.datasets()
      if global.json { return try console.json(datasets) }
      if quiet { return datasets.forEach { console.line($0.name) } }
      for line in Self.lines(of: datasets, console) { console.line(line) }
    }
  }

  /// Formats datasets as text.
  static func lines(of datasets: [DatasetStatus], _ console: Console) -> [String] {
    var table = Table(
      [
        "DATASET", "STATE", "WATCH", "USABLE", "REJECTED", "DUPLICATE", "PENDING", "CLASSES",
        "SPENT", "OF",
      ], numbers: [3, 4, 5, 6, 7, 8, 9], droppable: [2, 5])
    let count = { (count: Int?) in count.map(Rounded.count) ?? "-" }
    for dataset in datasets {
      table.add([
        dataset.name, dataset.state.rawValue, dataset.watch, count(dataset.usable),
        count(dataset.rejected), count(dataset.duplicates), count(dataset.pending),
        count(dataset.classes?.count), dataset.budget.epsilonSpent.map(Rounded.bound) ?? "?",
        Rounded.number(dataset.budget.epsilonMaximum),
      ])
    }
    let remarks = datasets.flatMap { dataset in
      ([dataset.remark, dataset.budget.problem].compactMap { $0 } + (dataset.folderRemarks ?? []))
        .map { "\(dataset.name): \($0)" }
    }
    return table.lines(width: console.lineWidth)
      + remarks.flatMap(console.paragraphLines)
      .map { console.coloured($0, .yellow) }
  }
}

/// Scans a dataset's root again.
struct Rescan: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Scan a dataset's root again and wait for the result.")

  @OptionGroup var global: GlobalOptions

  @Argument(help: "The dataset.", completion: Completions.datasets)
  var dataset: String

  @Flag(
    help: "Forget missing files even if most are missing. Use it after removing them on purpose.")
  var forgetMissing = false

  func run() async throws {
    try await global.run { client, console in
      let status = try await client.rescan(dataset, forgetsMissing: forgetMissing)
      if global.json { return try console.json(status) }
      for line in Datasets.lines(of: [status], console) { console.line(line) }
    }
  }
}
