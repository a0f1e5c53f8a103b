import ArgumentParser
import Compute
import Control
import Datasets
import FoundationEssentials
import Glibc
import Runs

/// Where the process starts.
///
/// Synchronous on purpose. A decoding process shuts itself in, and a run in the foreground blocks
/// signals, for the calling thread and those it starts later: both must happen on the first thread
/// before there is another. An asynchronous entry would leave that thread at once.
@main
@MainActor
enum Program {
  static func main() {
    if let problem = Kernels.preferenceProblem {
      try? DurableFile.writeAll(Data("figmentd: \(problem)\n".utf8), to: 2, of: "standard error")
      exit(Control.ExitCode.usage.rawValue)
    }
    if CommandLine.arguments.dropFirst().first == DecoderProcess.verb { DecodeWorker.run() }
    if CommandLine.arguments.dropFirst().first == WorkerConnection.verb { EngineWorker.run() }
    BenchHogs.runIfAsked(CommandLine.arguments)
    let arguments = Array(CommandLine.arguments.dropFirst())
    let isJSON = arguments.contains("--json")
    do {
      var command = try parse(arguments, isJSON: isJSON)
      guard command is any AsyncParsableCommand else { return try command.run() }
    } catch let error as ArgumentParser.ExitCode {
      // The command has said all there is.
      Figmentd.exit(withError: error)
    } catch {
      // Help is an error to the parser, with a code that says otherwise.
      guard Figmentd.exitCode(for: error) == .failure else { Figmentd.exit(withError: error) }
      refuse(ControlError(error), isJSON: isJSON)
    }
    // Parsed anew: a command cannot be handed from this thread to a task. Detached, while this thread only
    // waits: what the first thread orders is urgent, and Dispatch would raise threads for it above those of
    // others, or complain in the journal that it may not.
    Task.detached(priority: .medium) {
      await Figmentd.main()
      Figmentd.exit()
    }
    while true { pause() }
  }

  /// Reads the command; ends the process where there is none, or where help was asked for.
  private static func parse(
    _ arguments: [String], isJSON: Bool
  ) throws(ControlError) -> any ParsableCommand {
    try Figmentd.words.check(arguments, of: "figmentd")
    do {
      return try Figmentd.parseAsRoot(arguments)
    } catch {
      guard isJSON, Figmentd.exitCode(for: error) != .success else {
        Figmentd.exit(withError: error)
      }
      throw .invalid(Figmentd.message(for: error))
    }
  }

  /// Says on standard error why nothing was done, and ends the process.
  private static func refuse(_ error: ControlError, isJSON: Bool) -> Never {
    ProgressMeter().say(error.complaint(of: "figmentd", asJSON: isJSON))
    Figmentd.exit(withError: ArgumentParser.ExitCode(error.exitCode.rawValue))
  }
}

/// The daemon's command line.
struct Figmentd: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "figmentd",
    abstract: "Learns from folders of private images and writes synthetic ones.",
    version: Version.current,
    subcommands: [
      Serve.self,
      Check.self,
      RunCommand.self,
      GenerateCommand.self,
      LikelihoodCommand.self,
      EvaluateCommand.self,
      AuditCommand.self,
      BenchCommand.self,
      DrawGlyphsCommand.self,
    ],
    defaultSubcommand: Serve.self)
}

extension Figmentd {
  /// What the commands are called; without one the daemon runs, but a word that is none is a mistake.
  static let words = CommandWords(
    Dictionary(
      uniqueKeysWithValues: configuration.subcommands.map { ($0._commandName, CommandWords()) }))
}
