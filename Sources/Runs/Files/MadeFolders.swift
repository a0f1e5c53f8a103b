import Glibc

/// The folders that a command makes for files to come: it leaves none of them behind where it wrote no file.
package struct MadeFolders {
  /// Those that were missing, the deepest first.
  private let missing: [String]

  /// Takes note of a folder, and of those above it, that are not there yet.
  package init(for path: String) {
    var missing: [String] = []
    var folder = path
    while folder.count > 1, access(folder, F_OK) != 0 {
      missing.append(folder)
      folder = folder.lastIndex(of: "/").map { String(folder[..<$0]) } ?? ""
    }
    self.missing = missing
  }

  /// Removes those that are empty.
  package func removeEmpty() {
    // A folder with anything in it stays.
    for folder in missing { rmdir(folder) }
  }
}
