import Glibc

/// Limits on tables.
public struct TableLimits: Hashable, Sendable {
  /// The size of one file in bytes.
  public var fileBytes: Int
  /// The length of one row in bytes, at most 1 MiB.
  public var rowBytes: Int
  /// The number of used rows of all tables.
  public var rows: Int

  /// 64 GiB per file, 1 MiB per row, 2^31 - 1 rows.
  public static let standard = TableLimits(
    fileBytes: 64 << 30, rowBytes: 1 << 20, rows: Int(Int32.max))

  /// Creates limits; each must be at least 1.
  public init(fileBytes: Int, rowBytes: Int, rows: Int) {
    precondition(fileBytes > 0 && (1...(1 << 20)).contains(rowBytes) && rows > 0, "limits above 0")
    precondition(rows <= Int(Int32.max), "rows are counted in 31 bits")
    self.fileBytes = fileBytes
    self.rowBytes = rowBytes
    self.rows = rows
  }
}

/// The two forms of a table.
enum TableFormat: Hashable, Sendable {
  /// Comma-separated values with a header (RFC 4180).
  case csv
  /// One JSON object per line.
  case jsonLines

  /// The form of a file by its name, whose letters may be capital; nil for another file.
  init?(name: some BidirectionalCollection<UInt8>) {
    let lower = name.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }
    if lower.count > 4, lower.suffix(4).elementsEqual(".csv".utf8) {
      self = .csv
    } else if lower.count > 6, lower.suffix(6).elementsEqual(".jsonl".utf8) {
      self = .jsonLines
    } else {
      return nil
    }
  }
}

/// A stream of bytes.
protocol ByteSource {
  /// Reads up to the size of `buffer`; 0 at the end.
  mutating func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int
}

/// An open file of a table.
final class TableFile: ByteSource {
  private let descriptor: CInt
  private let signature: FileSignature
  private let limit: Int
  private var offset = 0
  private let function = SHA256()

  /// Opens a file directly in the root, as images are opened: without following a link and without blocking on a
  /// pipe; kind, size and content come from the same descriptor.
  ///
  /// - Throws: `TableProblem` if the file is missing, not regular, too large or not settled.
  init(
    _ name: [UInt8], in root: Directory, rules: DatasetRules, limits: TableLimits,
    isSettled: (RelativePath, FileSignature) -> Bool
  ) throws {
    descriptor = withName(name) {
      openat(root.descriptor, $0, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
    }
    guard descriptor >= 0 else {
      throw TableProblem(
        finding: errno == ELOOP
          ? "a table is a symbolic link (a regular file expected). Put the file itself into the root"
          : "a table cannot be opened (a readable file expected). Check its permissions")
    }
    var status = stat()
    let isRead = fstat(descriptor, &status) == 0
    signature = FileSignature(status)
    limit = Int(status.st_size)
    let problem: String? =
      if !isRead {
        "the system could not read a table. Check the disk or the network share"
      } else if !status.isRegularFile {
        "a table is not a regular file (a regular file expected). Put the file itself into the root"
      } else if !rules.crossesFileSystems, status.st_dev != root.status.st_dev {
        "a table is on another file system than the root. Move it into the root"
      } else if limit > limits.fileBytes {
        "a table has \(limit) bytes (at most \(limits.fileBytes) expected). Divide it"
      } else if !isSettled(RelativePath(bytes: name), signature) {
        "a table is still changing. Try again once it is written"
      } else {
        nil
      }
    // All stored properties are set, so `deinit` closes the descriptor.
    if let problem { throw TableProblem(finding: problem) }
  }

  deinit { close(descriptor) }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    while true {
      let count = pread(descriptor, buffer.baseAddress, buffer.count, off_t(offset))
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else {
        throw TableProblem(
          finding: "the system could not read a table. Check the disk or the network share")
      }
      offset += count
      function.update(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<count]))
      // The signature is compared at the end: a file that grew or shrank meanwhile is not read half.
      if count == 0 { try checkUnchanged() }
      return count
    }
  }

  /// SHA-256 of all bytes; called once, after the last of them was read.
  func finishHash() -> ContentHash { function.finish() }

  private func checkUnchanged() throws {
    var status = stat()
    guard fstat(descriptor, &status) == 0, FileSignature(status) == signature, offset == limit
    else {
      throw TableProblem(
        finding: "a table changed while it was read. Try again once it is written")
    }
  }
}

/// Why a table as a whole cannot be used: the finding, what was expected, and what to do.
///
/// It names neither the table nor a value, because callers with read access see failures of jobs.
struct TableProblem: Error, Equatable {
  let finding: String
  /// The line on which the record begins; nil if the problem is not that of a line.
  var line: Int?
  /// The table; nil if the problem is that of all of them.
  var table: RelativePath?

  /// Where it is, for the owner alone; nil if unknown.
  var place: String? {
    let parts = [table.map { "table \($0)" }, line.map { "line \($0)" }].compactMap { $0 }
    return parts.isEmpty ? nil : parts.joined(separator: ", ")
  }

  /// Adds the name of the table to a problem that `body` throws.
  static func naming<Result>(
    _ table: RelativePath, _ body: () throws -> Result
  ) throws -> Result {
    do { return try body() } catch var problem as TableProblem {
      problem.table = table
      throw problem
    }
  }
}
