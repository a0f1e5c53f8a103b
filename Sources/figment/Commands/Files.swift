import ArgumentParser
import Control

/// Lists the files of a dataset with their verdicts.
struct Files: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "List the files of a dataset, each with its verdict.")

  @OptionGroup var global: GlobalOptions

  @Argument(help: "The dataset.", completion: Completions.datasets)
  var dataset: String

  @Option(help: "List only files with this verdict: ok, rejected, or the code of a verdict.")
  var verdict: String?

  @Option(
    help: "Judge files as a run with this recipe would: some may be too small for it.",
    completion: Completions.recipes)
  var recipe: String?

  func run() async throws {
    try await global.run { client, console in
      var query = FileQuery(verdict: verdict, recipe: recipe)
      repeat {
        let page = try await client.files(of: dataset, query)
        for file in page.files {
          if global.json { try console.jsonLine(file) } else { console.line(Self.line(of: file)) }
        }
        query.after = page.next
      } while query.after != nil
    }
  }

  /// Formats a file as tab-separated columns; a list of a million files streams, so it has no widths.
  static func line(of file: FileRow) -> String {
    var cells = [file.verdict, file.path]
    if let width = file.width, let height = file.height { cells.append("\(width)x\(height)") }
    if let reason = file.reason { cells.append(reason) }
    return cells.joined(separator: "\t")
  }
}
