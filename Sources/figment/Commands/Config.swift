import ArgumentParser
import Control
import Glibc

/// Looks after the daemon's configuration.
struct Config: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Look after the daemon's configuration.", subcommands: [Check.self])

  /// Checks the configuration; needs no daemon.
  struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Check the daemon's configuration; needs no running daemon.",
      discussion: "The daemon's own binary reads it, so that both can never disagree.")

    @Option(
      name: .customLong("config"),
      help: "The configuration file. (default: where figmentd looks; see figmentd check --help)",
      completion: .file())
    var file: String?

    @Flag(help: "Print JSON instead of text.")
    var json = false

    func run() throws {
      var arguments = ["figmentd", "check"]
      if let file { arguments += ["--config", file] }
      if json { arguments.append("--json") }
      DaemonBinary.execute(arguments)
      let reason = String(cString: strerror(errno))
      Console.complain("figment: figmentd: cannot be run: \(reason). Install it beside figment.")
      throw ArgumentParser.ExitCode.failure
    }
  }
}

/// The daemon's binary.
enum DaemonBinary {
  /// Becomes the daemon's binary: the one beside this one, else the one in `PATH`.
  ///
  /// Returns only when neither can be run.
  static func execute(_ arguments: [String]) {
    var pointers = arguments.map { strdup($0) }
    defer { for pointer in pointers { free(pointer) } }
    pointers.append(nil)
    if let folder = folderOfThisBinary() { execv(folder + "/figmentd", pointers) }
    execvp("figmentd", pointers)
  }

  private static func folderOfThisBinary() -> String? {
    guard let pointer = realpath("/proc/self/exe", nil) else { return nil }
    defer { free(pointer) }
    let path = String(cString: pointer)
    return path.lastIndex(of: "/").map { String(path[..<$0]) }
  }
}

/// Shows the versions of both sides.
struct VersionCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "version", abstract: "Show the versions of this command and of the daemon.")

  @OptionGroup var global: GlobalOptions

  /// The versions, as JSON tells them.
  struct Versions: Codable {
    var figment: String
    var figmentd: String?
  }

  func run() async throws {
    try await global.run { client, console in
      var versions = Versions(figment: Version.current)
      do {
        versions.figmentd = try await client.status().version
      } catch ControlError.unreachable {
        // The version of this side can be told without the daemon.
      }
      if global.json { return try console.json(versions) }
      console.line("figment \(versions.figment)")
      console.line("figmentd \(versions.figmentd ?? "not reached")")
    }
  }
}
