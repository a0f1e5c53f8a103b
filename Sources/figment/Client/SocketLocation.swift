import Glibc

/// Where the daemon's socket is.
enum SocketLocation {
  /// The given path, else `FIGMENT_SOCKET`, else the socket of the user's own daemon when there is
  /// one, else that of the system's.
  static func find(
    given: String?, environment: (String) -> String?, exists: (String) -> Bool
  ) -> String {
    if let given { return given }
    if let named = environment("FIGMENT_SOCKET"), !named.isEmpty { return named }
    if let runtime = environment("XDG_RUNTIME_DIR") {
      let own = runtime + "/figment/control.sock"
      if exists(own) { return own }
    }
    return "/run/figment/control.sock"
  }

  /// Where the daemon's socket is for this process.
  static func find(given: String?) -> String {
    find(
      given: given, environment: { getenv($0).map { String(cString: $0) } },
      exists: { access($0, F_OK) == 0 })
  }
}
