import ArgumentParser
import Control

/// The entry point.
@main
enum Program {
  static func main() async {
    let arguments = GlobalArguments.moved(Array(CommandLine.arguments.dropFirst()))
    let isJSON = arguments.contains("--json")
    do {
      var command = try parse(arguments, isJSON: isJSON)
      if var command = command as? any AsyncParsableCommand {
        try await command.run()
      } else {
        try command.run()
      }
    } catch let error as ArgumentParser.ExitCode {
      // The command has already printed its message.
      Figment.exit(withError: error)
    } catch {
      // The parser throws a request for help, too; its exit code is not that of a failure.
      guard Figment.exitCode(for: error) == .failure else { Figment.exit(withError: error) }
      refuse(ControlError(inWords: error), isJSON: isJSON)
    }
  }

  /// Parses the command; exits if there is none or if help was requested.
  private static func parse(
    _ arguments: [String], isJSON: Bool
  ) throws(ControlError) -> any ParsableCommand {
    try Figment.words.check(arguments, of: "figment")
    do {
      return try Figment.parseAsRoot(arguments)
    } catch {
      guard isJSON, Figment.exitCode(for: error) != .success else { Figment.exit(withError: error) }
      throw .invalid(Figment.message(for: error))
    }
  }

  /// Prints the reason of a failure on standard error and exits.
  private static func refuse(_ error: ControlError, isJSON: Bool) -> Never {
    Console.complain(error.complaint(of: "figment", asJSON: isJSON))
    Figment.exit(withError: ArgumentParser.ExitCode(error.exitCode.rawValue))
  }
}

/// Allows the global options before the command's name.
enum GlobalArguments {
  private static let flags: Set = ["--json", "--color", "--no-color"]

  /// Commands that need no daemon take neither its socket nor colours.
  private static let withoutDaemon: Set = ["config", "privacy", "help"]

  /// The same arguments, with the options before the command's name moved behind it.
  static func moved(_ arguments: [String]) -> [String] {
    var front: [String] = []
    var rest = arguments[...]
    while let word = rest.first {
      if word == "--socket", rest.count > 1 {
        front += rest.prefix(2)
        rest = rest.dropFirst(2)
      } else if flags.contains(word) || word.hasPrefix("--socket=") {
        front.append(word)
        rest = rest.dropFirst()
      } else {
        break
      }
    }
    guard let command = rest.first, !command.hasPrefix("-") else { return arguments }
    if withoutDaemon.contains(command) { front = front.filter { $0 == "--json" } }
    let end = rest.firstIndex(of: "--") ?? rest.endIndex
    return Array(rest[..<end]) + front + Array(rest[end...])
  }
}
