import Control
import FoundationEssentials
import Glibc

/// Files that grow by whole lines and may lose the last lines in a crash: curves, not records of what was
/// spent.
enum AppendedFile {
  /// Appends bytes; refuses links and everything but regular files.
  static func append(_ data: Data, to path: String) throws {
    let file = try systemCall("open", path) {
      open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0o600)
    }
    defer { close(file) }
    var information = stat()
    try systemCall("stat", path) { fstat(file, &information) }
    guard information.st_mode & S_IFMT == S_IFREG else {
      throw ControlError.failed(
        "\(path): not a regular file (a regular file expected). Move it away.")
    }
    try DurableFile.writeAll(data, to: file, of: path)
  }
}
