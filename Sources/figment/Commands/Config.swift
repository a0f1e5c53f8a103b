import ArgumentParser
import Control
import Glibc

/// Groups the commands about the daemon's configuration.
struct Config: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Check the daemon's configuration.", subcommands: [Check.self])

  /// Checks the configuration; needs no daemon.
  struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Check the daemon's configuration without a running daemon.",
      discussion: "Runs 'figmentd check', so the result is always that of the daemon itself.")

    @Option(
      name: .customLong("config"),
      help: "The configuration file. (default: see 'figmentd check --help')",
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
      Console.complain("figment: cannot run figmentd: \(reason). Install it beside figment.")
      throw ArgumentParser.ExitCode.failure
    }
  }
}

/// The daemon's binary.
enum DaemonBinary {
  /// Replaces this process with the daemon's binary: the one beside this binary, else the one in `PATH`.
  ///
  /// Returns only if neither can be executed.
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

/// Prints the versions of the command line and of the daemon.
struct VersionCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "version", abstract: "Print the versions of this command and of the daemon.")

  @OptionGroup var global: GlobalOptions

  /// The versions as they appear in JSON.
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
        // The version of this command is known without the daemon.
      }
      if global.json { return try console.json(versions) }
      console.line("figment \(versions.figment)")
      console.line("figmentd \(versions.figmentd ?? "not reached")")
    }
  }
}
