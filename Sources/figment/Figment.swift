import ArgumentParser
import Control

/// The command line, a client of the daemon.
struct Figment: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "figment",
    abstract: "Make synthetic images from folders of private ones, with differential privacy.",
    discussion: """
      Most commands send a request to the daemon, figmentd, over its socket.

      Exit codes: 0 success, 1 failure, 3 daemon unreachable, 4 refused by the privacy policy, \
      5 not found, 64 usage error.
      """,
    version: Version.current,
    groupedSubcommands: [
      CommandGroup(
        name: "Dataset",
        subcommands: [
          Status.self, Datasets.self, Rescan.self, Files.self, Rows.self, Preview.self,
          Ledger.self,
        ]),
      CommandGroup(
        name: "Job",
        subcommands: [
          Recipes.self, Recommend.self, Plan.self, Train.self, Jobs.self, Show.self, Watch.self,
          Logs.self,
          Pause.self, Resume.self, Cancel.self, Generate.self, Evaluate.self, Report.self,
          Remove.self, Prune.self,
        ]),
      CommandGroup(
        name: "Set-up", subcommands: [Config.self, PrivacyCommand.self, VersionCommand.self]),
    ])
}

extension Figment {
  /// The names of the commands.
  static let words = words(of: Figment.self)

  private static func words(of command: any ParsableCommand.Type) -> CommandWords {
    let configuration = command.configuration
    let named = configuration.subcommands.map { ($0._commandName, words(of: $0)) }
    return CommandWords(
      Dictionary(named) { first, _ in first }, needsWord: configuration.defaultSubcommand == nil)
  }
}
