import Control
import Glibc
import Runs

/// Resolves paths relative to the current working folder.
enum WorkingFolder {
  /// Returns the absolute form of a path.
  static func absolute(_ path: String) throws -> String {
    guard !path.isEmpty else {
      throw ControlError.invalid("path: empty (the path of a folder expected).")
    }
    guard !path.hasPrefix("/") else { return path }
    guard let folder = getcwd(nil, 0) else { throw SystemCallError("getcwd", path) }
    defer { free(folder) }
    return String(cString: folder) + "/" + path
  }

  /// Whether one folder contains the other, with links resolved.
  static func overlap(_ first: String, _ second: String) -> Bool {
    let first = resolved(first) + "/"
    let second = resolved(second) + "/"
    return first.hasPrefix(second) || second.hasPrefix(first)
  }

  /// Resolves links in a path; if it does not exist, in the existing part.
  private static func resolved(_ path: String) -> String {
    if let pointer = realpath(path, nil) {
      defer { free(pointer) }
      return String(cString: pointer)
    }
    guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return path }
    return resolved(String(path[..<slash])) + path[slash...]
  }
}
