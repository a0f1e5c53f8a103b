import ArgumentParser
import Control

/// Options that every command has.
struct GlobalOptions: ParsableArguments {
  @Option(
    help: "The daemon's socket (else $FIGMENT_SOCKET, else where it usually is).",
    completion: .file())
  var socket: String?

  @Flag(help: "Print JSON instead of text.")
  var json = false

  @Flag(inversion: .prefixedNo, help: "Use colours on a terminal.")
  var color = true

  /// The daemon.
  var client: ControlClient { ControlClient(socketPath: SocketLocation.find(given: socket)) }

  /// Where to write.
  var console: Console { .ofThisProcess(wantsColour: color) }

  /// Runs a command; an error becomes its message and its exit code.
  func run(_ body: (ControlClient, Console) async throws -> Void) async throws {
    do {
      try await body(client, console)
    } catch let error as ControlError {
      if json {
        let problem = try ControlCoding.encode(error.problem)
        Console.complain(String(decoding: problem, as: UTF8.self))
      } else {
        Console.complain("figment: \(error.message)")
      }
      throw ArgumentParser.ExitCode(error.exitCode.rawValue)
    }
  }
}

/// Words that the shell offers.
enum Completions {
  static let datasets = CompletionKind.shellCommand("figment datasets --quiet 2>/dev/null")
  static let jobs = CompletionKind.shellCommand("figment jobs --quiet 2>/dev/null")
  static let recipes = CompletionKind.shellCommand("figment recipes --quiet 2>/dev/null")
}

/// The job that a command is about.
struct JobArgument: ParsableArguments {
  @Argument(help: "The job, like glyphs-7.", completion: Completions.jobs)
  var job: String

  /// The job's name.
  ///
  /// - Throws: `ControlError.notFound` when no job can be called that.
  func id() throws(ControlError) -> JobID {
    guard let id = JobID(job) else {
      throw .notFound("job '\(job)': not a job's name (like glyphs-7 expected).")
    }
    return id
  }
}
