import ArgumentParser
import Control

/// Reports which rows of a dataset's tables a run would use.
struct Rows: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract:
      "Count the rows of a dataset's tables that a run would use, with reasons for the others.",
    discussion: """
      The tables are read as they are now, and only their declared columns. Nothing is spent. The \
      numbers are those of real rows: do not share them.
      """)

  @OptionGroup var global: GlobalOptions

  @Argument(help: "The dataset.", completion: Completions.datasets)
  var dataset: String

  func run() async throws {
    try await global.run { client, console in
      let report = try await client.rows(of: dataset)
      if global.json { return try console.json(report) }
      for line in report.lines { console.paragraph(line) }
    }
  }
}
