import Glibc

/// The folder in which the process was started.
enum WorkingFolder {
  /// The absolute form of a path that may be relative to it.
  static func absolute(_ path: String) throws -> String {
    guard !path.hasPrefix("/") else { return path }
    guard let folder = getcwd(nil, 0) else { throw SystemCallError("getcwd", path) }
    defer { free(folder) }
    return String(cString: folder) + "/" + path
  }
}
