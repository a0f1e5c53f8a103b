import Glibc

/// Where the daemon's socket is.
enum SocketLocation {
  /// The given path, else `FIGMENT_SOCKET`, else the socket of the user's own daemon when there is
  /// one, else that of the system's.
  static func find(
    given: String?, user: UInt32 = geteuid(), environment: (String) -> String?,
    exists: (String) -> Bool
  ) -> String {
    if let given { return given }
    if let named = environment("FIGMENT_SOCKET"), !named.isEmpty { return named }
    // As `figmentd` chooses its own: without the variable, as under su and cron, a folder of the user's.
    let folders = [environment("XDG_RUNTIME_DIR"), user == 0 ? nil : "/tmp/figment-\(user)"]
    for folder in folders.compactMap({ $0 }) {
      let own = folder + "/figment/control.sock"
      if exists(own) { return own }
    }
    return "/run/figment/control.sock"
  }

  /// Where the daemon's socket is for this process.
  static func find(given: String?) -> String {
    find(
      given: given, environment: { getenv($0).map { String(cString: $0) } },
      exists: { path in
        // Below /tmp anybody may make a folder of this name.
        var status = stat()
        return stat(path, &status) == 0 && [geteuid(), 0].contains(status.st_uid)
      })
  }
}
