import Control
import Glibc
import Runs

/// The folder in which the process was started.
enum WorkingFolder {
  /// The absolute form of a path that may be relative to it.
  static func absolute(_ path: String) throws -> String {
    guard !path.isEmpty else {
      throw ControlError.invalid("an empty path is given (that of a folder expected).")
    }
    guard !path.hasPrefix("/") else { return path }
    guard let folder = getcwd(nil, 0) else { throw SystemCallError("getcwd", path) }
    defer { free(folder) }
    return String(cString: folder) + "/" + path
  }

  /// Whether one folder lies in the other, by whatever names they are reached.
  static func overlap(_ first: String, _ second: String) -> Bool {
    let first = resolved(first) + "/"
    let second = resolved(second) + "/"
    return first.hasPrefix(second) || second.hasPrefix(first)
  }

  /// A path without links; of one that is not there yet, as far as it is.
  private static func resolved(_ path: String) -> String {
    if let pointer = realpath(path, nil) {
      defer { free(pointer) }
      return String(cString: pointer)
    }
    guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return path }
    return resolved(String(path[..<slash])) + path[slash...]
  }
}
