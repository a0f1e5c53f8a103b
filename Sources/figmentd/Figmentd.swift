import ArgumentParser
import Compute
import Control
import Datasets
import FoundationEssentials
import Glibc
import Runs

/// The entry point.
///
/// It is synchronous on purpose. A decoding process confines itself, and a foreground run blocks signals.
/// Both affect only the calling thread and threads that it starts later, so both must happen on the first
/// thread before any other starts. An asynchronous entry point would leave that thread at once.
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
      // The command has already printed its message.
      Figmentd.exit(withError: error)
    } catch {
      // The parser throws a request for help, too; its exit code is not that of a failure.
      guard Figmentd.exitCode(for: error) == .failure else { Figmentd.exit(withError: error) }
      refuse(ControlError(forOwner: error), isJSON: isJSON)
    }
    // Parse again, because a command cannot be sent from this thread to a task. The task is detached and of
    // medium priority: the main thread's priority is high, and Dispatch would raise threads above those of
    // other processes, or log that it may not.
    Task.detached(priority: .medium) {
      await Figmentd.main()
      Figmentd.exit()
    }
    while true { pause() }
  }

  /// Parses the command; exits if there is none or if help was requested.
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

  /// Prints the reason of a failure on standard error and exits.
  private static func refuse(_ error: ControlError, isJSON: Bool) -> Never {
    ProgressMeter().say(error.complaint(of: "figmentd", asJSON: isJSON))
    Figmentd.exit(withError: ArgumentParser.ExitCode(error.exitCode.rawValue))
  }
}

/// The daemon's command line.
struct Figmentd: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "figmentd",
    abstract: "Make synthetic images from folders of private ones, with differential privacy.",
    version: Version.current,
    subcommands: [
      Serve.self,
      Check.self,
      RunCommand.self,
      PretrainCommand.self,
      GenerateCommand.self,
      LikelihoodCommand.self,
      EvaluateCommand.self,
      AuditCommand.self,
      BenchCommand.self,
      DrawGlyphsCommand.self,
      RecipeReferenceCommand.self,
    ],
    defaultSubcommand: Serve.self)
}

extension Figmentd {
  /// The names of the commands; without a command the daemon runs, but an unknown word is an error.
  static let words = CommandWords(
    Dictionary(
      uniqueKeysWithValues: configuration.subcommands.map { ($0._commandName, CommandWords()) }))
}
