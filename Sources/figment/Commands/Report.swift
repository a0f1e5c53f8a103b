import ArgumentParser
import Control
import FoundationEssentials
import Glibc

/// Prints the report about a job's synthetic set.
struct Report: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show the report about a job's images.",
    discussion: "The released report may be shared; the internal one must not.")

  @OptionGroup var argument: JobArgument

  @Flag(help: "Show the report of 'figment evaluate', which must not be shared.")
  var `internal` = false

  @Flag(help: "Open the report in a browser.")
  var open = false

  @Option(
    name: .shortAndLong, help: "Write the report's HTML page to this file.", completion: .file())
  var output: String?

  @OptionGroup var global: GlobalOptions

  func run() async throws {
    try await global.run { client, console in
      let report = try await client.report(of: argument.id(), isInternal: `internal`)
      if let output { try Self.write(report.page, to: output) }
      if global.json {
        console.line(report.json)
      } else {
        for line in try Self.lines(of: report) { console.paragraph(line) }
      }
      if open { try Self.show(report, at: output) }
    }
  }

  /// Formats the verdict of a report, and its path.
  static func lines(of report: EvaluationReport) throws -> [String] {
    struct Document: Decodable {
      struct Verdict: Decodable {
        let severity: String
        let headline: String
        let reasons: [String]
      }
      let title: String
      let notice: String
      let verdict: Verdict
    }
    let document = try ControlCoding.decode(Document.self, from: Data(report.json.utf8))
    return [
      document.title, "\(document.verdict.severity): \(document.verdict.headline)",
    ] + document.verdict.reasons.map { "  - \($0)" } + [document.notice, "page: \(report.path)"]
  }

  private static func show(_ report: EvaluationReport, at output: String?) throws {
    var path = output ?? report.path
    if access(path, R_OK) != 0 {
      // The browser cannot read the daemon's folders; a folder of our own is private, too.
      var template = Array("/tmp/figment-report-XXXXXX".utf8CString)
      guard let folder = mkdtemp(&template).map({ String(cString: $0) }) else {
        throw ControlError.failed(
          "/tmp: cannot create a folder there. Choose a file with --output.")
      }
      path = folder + "/report.html"
      try write(report.page, to: path)
    }
    var process = pid_t()
    var arguments: [UnsafeMutablePointer<CChar>?] = [strdup("xdg-open"), strdup(path), nil]
    defer { for argument in arguments { free(argument) } }
    guard posix_spawnp(&process, "xdg-open", nil, nil, &arguments, environ) == 0 else {
      throw ControlError.failed("xdg-open: not found (a desktop expected). Open \(path) yourself.")
    }
    var status: Int32 = 0
    waitpid(process, &status, 0)
    guard status == 0 else {
      throw ControlError.failed("xdg-open: it failed (a browser expected). Open \(path) yourself.")
    }
  }

  private static func write(_ page: String, to path: String) throws {
    try PrivateFile.write(Data(page.utf8), to: path)
  }
}
