import ArgumentParser
import Control

/// Where the process starts.
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
      // The command has said all there is.
      Figment.exit(withError: error)
    } catch {
      // Help is an error to the parser, with a code that says otherwise.
      guard Figment.exitCode(for: error) == .failure else { Figment.exit(withError: error) }
      refuse(ControlError(inWords: error), isJSON: isJSON)
    }
  }

  /// Reads the command; ends the process where there is none, or where help was asked for.
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

  /// Says on standard error why nothing was done, and ends the process.
  private static func refuse(_ error: ControlError, isJSON: Bool) -> Never {
    Console.complain(error.complaint(of: "figment", asJSON: isJSON))
    Figment.exit(withError: ArgumentParser.ExitCode(error.exitCode.rawValue))
  }
}

/// Options that every command has may also stand before the command's name.
enum GlobalArguments {
  private static let flags: Set = ["--json", "--color", "--no-color"]

  /// Commands that ask no daemon have no use for its socket and draw no colours.
  private static let withoutDaemon: Set = ["config", "privacy", "help"]

  /// The same arguments with what stands before the command's name behind it.
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
