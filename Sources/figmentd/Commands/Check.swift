import ArgumentParser
import Control
import FoundationEssentials

/// Reads the configuration and says what is wrong with it; needs no daemon.
struct Check: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Check the configuration without starting anything.")

  @OptionGroup var configuration: ConfigurationOptions

  @Flag(help: "Print what was found as JSON.")
  var json = false

  func run() throws {
    let report: CheckReport
    do {
      report = CheckReport(of: try configuration.read(.ofThisProcess()))
    } catch let error as ConfigurationError {
      report = CheckReport(error: "\(error)")
    }
    if json {
      StandardOutput.writeLine(
        String(decoding: try ControlCoding.encodeForPeople(report), as: UTF8.self))
    } else {
      StandardOutput.writeLine(report.text)
    }
    if !report.valid { throw ArgumentParser.ExitCode.failure }
  }
}

/// What a check of the configuration found.
struct CheckReport: Codable, Hashable {
  var valid: Bool
  var error: String?
  var datasets: [String] = []

  init(of configuration: Configuration) {
    valid = true
    datasets = configuration.datasets.map(\.name)
  }

  init(error: String) {
    valid = false
    self.error = error
  }

  /// The report for people.
  var text: String {
    if let error { return error }
    let names = datasets.isEmpty ? "none" : datasets.joined(separator: ", ")
    return "configuration is valid; datasets: \(names)"
  }
}
