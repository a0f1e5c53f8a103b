import Glibc

/// Finds the daemon's socket.
enum SocketLocation {
  /// Returns the given path, else `FIGMENT_SOCKET`, else the socket of the user's own daemon if it
  /// exists, else the socket of the system's daemon.
  static func find(
    given: String?, user: UInt32 = geteuid(), environment: (String) -> String?,
    exists: (String) -> Bool
  ) -> String {
    if let given { return given }
    if let named = environment("FIGMENT_SOCKET"), !named.isEmpty { return named }
    // The same choice as in `figmentd`: without the variable, as under su and cron, the user's folder.
    let folders = [environment("XDG_RUNTIME_DIR"), user == 0 ? nil : "/tmp/figment-\(user)"]
    for folder in folders.compactMap({ $0 }) {
      let own = folder + "/figment/control.sock"
      if exists(own) { return own }
    }
    return "/run/figment/control.sock"
  }

  /// Returns the path of the daemon's socket for this process.
  static func find(given: String?) -> String {
    find(
      given: given, environment: { getenv($0).map { String(cString: $0) } },
      exists: { path in
        // Any user may create a folder of this name in /tmp.
        var status = stat()
        return stat(path, &status) == 0 && [geteuid(), 0].contains(status.st_uid)
      })
  }
}
