import ArgumentParser
import Control

/// Options of every command.
struct GlobalOptions: ParsableArguments {
  @Option(
    help:
      "The daemon's socket. (default: $FIGMENT_SOCKET, else that of your own daemon, else /run/figment/control.sock)",
    completion: .file())
  var socket: String?

  @Flag(help: "Print JSON instead of text.")
  var json = false

  @Flag(inversion: .prefixedNo, help: "Use colours on a terminal.")
  var color = true

  /// The client of the daemon.
  var client: ControlClient { ControlClient(socketPath: SocketLocation.find(given: socket)) }

  /// The console to write to.
  var console: Console { .ofThisProcess(wantsColour: color) }

  /// Runs a command with the daemon; `Program` turns a thrown error into a message and an exit code.
  func run(_ body: (ControlClient, Console) async throws -> Void) async throws {
    try await body(client, console)
  }
}

/// Completions for the shell.
enum Completions {
  static let datasets = CompletionKind.shellCommand("figment datasets --quiet 2>/dev/null")
  static let jobs = CompletionKind.shellCommand("figment jobs --quiet 2>/dev/null")
  static let recipes = CompletionKind.shellCommand("figment recipes --quiet 2>/dev/null")
}

/// The argument that names a job.
struct JobArgument: ParsableArguments {
  @Argument(help: "The job, like glyphs-7.", completion: Completions.jobs)
  var job: String

  /// The job's name.
  ///
  /// - Throws: `ControlError.notFound` if no job can have this name.
  func id() throws(ControlError) -> JobID {
    guard let id = JobID(job) else {
      throw .notFound(
        "job '\(job)': not a job's name (a name like glyphs-7 expected). 'figment jobs' lists them."
      )
    }
    return id
  }
}
