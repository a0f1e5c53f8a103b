import Glibc

/// The default locations of the daemon's files.
///
/// systemd sets the folders in the environment. Without it, root uses the system's folders, and other
/// users those of the XDG Base Directory Specification.
struct Locations: Hashable, Sendable {
  /// The configuration file.
  let configuration: String
  /// The state directory.
  let state: String
  /// The control socket.
  let socket: String
  /// The folder of releases.
  let output: String
  /// The folder of recipes.
  let recipes: String
  /// The folders of recipes in a source checkout, if the binary runs from its build folder.
  let checkouts: [String]

  /// Finds the locations.
  ///
  /// - Parameters:
  ///   - environment: the environment variables.
  ///   - user: the user that the process runs as.
  ///   - executable: the path of the running binary; recipes are installed relative to it.
  init(environment: [String: String], user: uid_t, executable: String) {
    func first(_ variable: String) -> String? {
      // systemd separates several directories with colons; the first one is the unit's own.
      environment[variable]?.split(separator: ":").first.map { String($0) }
    }
    let home = environment["HOME"] ?? "/"
    func ofUser(_ variable: String, _ fallback: String) -> String {
      (first(variable) ?? fallback) + "/figment"
    }
    let isRoot = user == 0
    let configurationFolder =
      first("CONFIGURATION_DIRECTORY")
      ?? (isRoot ? "/etc/figment" : ofUser("XDG_CONFIG_HOME", home + "/.config"))
    state =
      first("STATE_DIRECTORY")
      ?? (isRoot ? "/var/lib/figment" : ofUser("XDG_STATE_HOME", home + "/.local/state"))
    let runtime =
      first("RUNTIME_DIRECTORY")
      ?? (isRoot ? "/run/figment" : ofUser("XDG_RUNTIME_DIR", "/tmp/figment-\(user)"))
    configuration = configurationFolder + "/config.yaml"
    socket = runtime + "/control.sock"
    output = state + "/output"
    let folders = executable.split(separator: "/").dropLast()
    recipes = "/" + (folders.dropLast() + ["share", "figment", "Models"]).joined(separator: "/")
    checkouts = (1...4).map { up in
      "/" + (folders.dropLast(up) + ["Models"]).joined(separator: "/")
    }
  }

  /// The locations of this process.
  static func ofThisProcess() -> Locations {
    var environment: [String: String] = [:]
    for name in [
      "CONFIGURATION_DIRECTORY", "STATE_DIRECTORY", "RUNTIME_DIRECTORY", "XDG_CONFIG_HOME",
      "XDG_STATE_HOME", "XDG_RUNTIME_DIR", "HOME",
    ] {
      environment[name] = getenv(name).map { String(cString: $0) }
    }
    return Locations(environment: environment, user: geteuid(), executable: executable())
  }

  /// The path of the running binary.
  private static func executable() -> String {
    var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
    let count = buffer.withUnsafeMutableBytes { bytes in
      bytes.withMemoryRebound(to: CChar.self) { text in
        text.baseAddress.map { readlink("/proc/self/exe", $0, text.count) } ?? -1
      }
    }
    return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : CommandLine.arguments[0]
  }

  /// The configuration without a configuration file.
  var defaults: Configuration { Configuration(output: output, recipes: recipes) }
}
