import FoundationEssentials
import Glibc

/// Files that grow by whole lines and may lose the last ones in a crash: curves, not truths.
enum AppendedFile {
  /// Appends bytes.
  static func append(_ data: Data, to path: String) throws {
    let file = try systemCall("open", path) {
      open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    }
    defer { close(file) }
    try DurableFile.writeAll(data, to: file, of: path)
  }
}
