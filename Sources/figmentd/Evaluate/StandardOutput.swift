import Glibc

/// Standard output, written whole or with an error: a full disk must not pass as success.
enum StandardOutput {
  /// Why nothing could be written.
  struct Failure: Error, CustomStringConvertible {
    let code: Int32
    var description: String {
      "standard output: cannot be written (error \(code)). Check where it leads to."
    }
  }

  /// Writes all of `text`.
  static func write(_ text: String) throws {
    let bytes = Array(text.utf8)
    var written = 0
    while written < bytes.count {
      let count = bytes.withUnsafeBytes { buffer in
        Glibc.write(
          STDOUT_FILENO, buffer.baseAddress.map { $0 + written }, bytes.count - written)
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw Failure(code: errno) }
      written += count
    }
  }
}
