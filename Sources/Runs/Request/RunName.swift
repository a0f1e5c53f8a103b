package import Control
import FoundationEssentials
import Glibc

/// The name of a run in the foreground, in the ledger of its images and in its release.
package enum RunName {
  private static let file = "/run-name"
  /// The longest title: it becomes the name of folders.
  private static let longestTitle = 80

  /// Refuses a title that would not name exactly one folder: a path, a hidden name, a separator.
  package static func check(_ title: String) throws(ControlError) {
    let isPlain = { (letter: Unicode.Scalar) in
      letter.isASCII && (letter.properties.isAlphabetic || letter.properties.numericType != nil)
    }
    guard let first = title.unicodeScalars.first, isPlain(first),
      title.utf8.count <= longestTitle,
      title.unicodeScalars.allSatisfy({ isPlain($0) || "._-".unicodeScalars.contains($0) })
    else {
      throw .invalid(
        "--name '\(title)': not a valid name of a run (up to \(longestTitle) letters, digits, '.', '-', '_' "
          + "expected, the first a letter or digit). Choose another, or change the recipe's name.")
    }
  }

  /// The name of the run with internal files in `folder`; a new one if none is stored there yet.
  ///
  /// A random suffix distinguishes runs on one root. It belongs to the files and not to the place: after they
  /// are deleted, the next run is a different one, with a name that the ledger does not know yet.
  package static func ofRun(_ title: String, at output: String, in folder: String) throws -> String
  {
    if access(folder + file, F_OK) == 0 {
      let kept = String(decoding: try DurableFile.read(folder + file, atMost: 4096), as: UTF8.self)
      guard kept.hasPrefix(title + "-"), kept.utf8.count <= longestTitle + 20,
        kept.dropFirst(title.count).utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x2F })
      else {
        throw ControlError.failed(
          "\(folder + file): it does not contain the name of a run called \(title). It is damaged, or of another run. "
            + "Restore it, or start a new run with another --output or --name.")
      }
      return kept
    }
    // Runs of earlier versions have a suffix that follows from the path of their results.
    let old = "\(title)-\(Data(output.utf8).sha256.prefix(8))"
    if access(folder + "/design.json", F_OK) == 0 { return old }
    return "\(title)-\(String.randomHexadecimal(byteCount: 6))"
  }

  /// Removes the name of a run that left nothing else.
  package static func forgetUnused(in folder: String) {
    if (try? DurableFile.names(in: folder)) == [String(file.dropFirst())] { unlink(folder + file) }
  }

  /// Stores the name of a run with its internal files, once all checks have passed.
  package static func keep(_ name: String, in folder: String) throws {
    try DurableFile.makeFolder(folder)
    try DurableFile.write(Data(name.utf8), to: folder + file)
  }
}
